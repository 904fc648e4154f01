"""What this machine can do of what isolation takes: each thing is tried, harmlessly, and reported with its remedy."""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stoker.linux import cgroup_places, cgroup_v2, loop_disk, mounts, namespaces, network, seccomp, syscalls
from stoker.linux.cgroup_places import CgroupsUnavailableError

_SECCOMP_GET_ACTION_AVAIL = 2
_PROC_SELF = Path("/proc/self")


@dataclass(frozen=True, kw_only=True)
class Capability:
    """One thing a machine can do, or can't and why. `needed`: without it there is no isolation worth the name.

    `remedy` is what to do about a missing one, empty for one that is there.
    """

    name: str
    available: bool
    detail: str
    needed: bool
    remedy: str


class _MissingError(Exception):
    """What the message says is missing."""


@dataclass(frozen=True, kw_only=True)
class _Probe:
    name: str
    needed: bool
    remedy: str
    attempt: Callable[[], str]


def probe(prefix: str, directory: Path) -> list[Capability]:
    """Try everything; `prefix` names what is made meanwhile, `directory` is where disks would lie. Takes some 150 ms.

    Leaves nothing behind. Forks once, so call it before threads are started, or in a process of its own.
    """
    return [_run(each) for each in _probes(prefix, directory)]


def _run(each: _Probe) -> Capability:
    try:
        detail = each.attempt()
    except (OSError, CgroupsUnavailableError, _MissingError) as error:
        return Capability(name=each.name, available=False, detail=str(error), needed=each.needed, remedy=each.remedy)
    return Capability(name=each.name, available=True, detail=detail, needed=each.needed, remedy="")


def _probes(prefix: str, directory: Path) -> list[_Probe]:
    root = "start as root"
    return [
        _Probe(
            name="system calls",
            needed=True,
            remedy="use a machine with x86_64 or aarch64",
            attempt=_system_calls,
        ),
        _Probe(name="privileges", needed=True, remedy=root, attempt=_privileges),
        _Probe(
            name="mounts",
            needed=True,
            remedy="use Linux 5.12 or later, and start as root, in a container with CAP_SYS_ADMIN",
            attempt=_mounts,
        ),
        _Probe(
            name="user namespaces",
            needed=True,
            remedy="raise user.max_user_namespaces; allow them in AppArmor or the container's seccomp profile",
            attempt=_user_namespaces,
        ),
        _Probe(name="network namespaces", needed=True, remedy=root, attempt=_network_namespaces),
        _Probe(
            name="seccomp",
            needed=True,
            remedy="use a kernel with CONFIG_SECCOMP_FILTER",
            attempt=_seccomp,
        ),
        _Probe(
            name="cgroups",
            needed=True,
            remedy="mount /sys/fs/cgroup writable; in a container, hand it over",
            attempt=_cgroups,
        ),
        _Probe(
            name="disks",
            needed=False,
            remedy="install e2fsprogs and allow loop devices; until then /tmp is memory",
            attempt=lambda: _disks(directory),
        ),
        _Probe(
            name="network",
            needed=False,
            remedy="install nftables and load the modules veth and nf_tables; until then there is loopback only",
            attempt=lambda: _network(prefix),
        ),
    ]


def _system_calls() -> str:
    syscalls.number("mount", syscalls.MACHINE)
    return f"{syscalls.MACHINE}, Linux {os.uname().release}"


def _privileges() -> str:
    effective, _, _ = syscalls.capget()
    if os.geteuid() != 0:
        raise _MissingError(f"running as uid {os.geteuid()}")
    return f"root with capabilities {effective:#x}"


def _mounts() -> str:
    os.close(mounts.new_tmpfs(1 << 20))
    os.close(mounts.clone_tree("/"))
    return "detached mounts can be made and cloned"


def _user_namespaces() -> str:
    os.close(namespaces.create_user_namespace([(0, os.geteuid(), 1)], [(0, os.getegid(), 1)]))
    return "can be made and mapped"


def _network_namespaces() -> str:
    fd = namespaces.create_network_namespace()
    try:
        network.loopback_up(fd)
    finally:
        os.close(fd)
    return "can be made and have loopback"


def _seccomp() -> str:
    syscalls.seccomp(_SECCOMP_GET_ACTION_AVAIL, 0, struct.pack("=I", seccomp.RET_KILL_PROCESS))
    return "filters can be installed"


def _cgroups() -> str:
    place = cgroup_places.find((_PROC_SELF / "mountinfo").read_text(), (_PROC_SELF / "cgroup").read_text())
    if place.version == 2:
        return f"version 2, {cgroup_v2.find_room(place.directories['cgroup2']).base}"
    for directory in place.directories.values():
        if not os.access(directory, os.W_OK):
            raise _MissingError(f"{directory} is not writable")
    return f"version 1, {', '.join(sorted({str(path) for path in place.directories.values()}))}"


def _disks(directory: Path) -> str:
    maker = loop_disk.DiskMaker(directory)
    try:
        reason = maker.unavailable_reason()
    finally:
        maker.close()
    if reason is not None:
        raise _MissingError(reason)
    return "ext4 on loop devices"


def _network(prefix: str) -> str:
    reason = network.unavailable_reason(prefix)
    if reason is not None:
        raise _MissingError(reason)
    return "two scratch namespaces were connected through nftables"
