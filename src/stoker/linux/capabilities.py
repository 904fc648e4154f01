"""What this machine can do of what isolation takes: each thing is tried, harmlessly, and reported with its remedy."""

import errno
import json
import os
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from stoker.linux import (
    cgroup_places,
    cgroup_v2,
    id_ranges,
    loop_disk,
    mounts,
    namespaces,
    network,
    rootless,
    seccomp,
    syscalls,
)
from stoker.linux.cgroup_places import CgroupsUnavailableError

_SECCOMP_GET_ACTION_AVAIL = 2
_PROC_SELF = Path("/proc/self")
_PRIVILEGES_REMEDY = (
    "start as root, or let ordinary users make user namespaces: kernel.apparmor_restrict_unprivileged_userns=0 on "
    "Ubuntu, kernel.unprivileged_userns_clone=1 on old Debian; in a container, a seccomp profile that allows them"
)
_ORDINARY_CGROUPS_REMEDY = "start under `systemd-run --user --scope -p Delegate=yes stoker up` (cgroup v2), or as root"
_NO_DISK = "; until then /tmp is memory"
_NO_UPLINK = "; until then functions have no route out"


@dataclass(frozen=True, kw_only=True)
class Capability:
    """One thing a machine can do, or can't and why. `needed`: without it there is no isolation worth the name.

    `remedy` is what to do about a missing one, empty for one that is there. `without` is how functions run without one
    that is needed; empty where they cannot.
    """

    name: str
    available: bool
    detail: str
    needed: bool
    remedy: str
    without: str = ""


class _MissingError(Exception):
    """What the message says is missing."""


@dataclass(frozen=True, kw_only=True)
class _Probe:
    name: str
    needed: bool
    remedy: str
    attempt: Callable[[], str]
    without: str = ""


def probe(prefix: str, directory: Path) -> list[Capability]:
    """Try everything; `prefix` names what is made meanwhile, `directory` is where disks would lie. Takes some 150 ms.

    Leaves nothing behind: all of it happens in a child, which has entered a user namespace where this process is not
    root. So call it before threads are started.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _report(prefix, directory, write)
    os.close(write)
    with os.fdopen(read) as report:
        text = report.read()
    os.waitpid(child, 0)
    return [Capability(**each) for each in json.loads(text)]


def _report(prefix: str, directory: Path, write: int) -> NoReturn:
    status = 1
    try:
        found = [asdict(_run(each)) for each in _probes(prefix, directory)]
        with os.fdopen(write, "w") as report:
            json.dump(found, report)
        status = 0
    finally:
        # A child must not go on as a second copy of its caller; without its report the caller fails.
        os._exit(status)


def _run(each: _Probe) -> Capability:
    try:
        detail = each.attempt()
    except (OSError, CgroupsUnavailableError, _MissingError) as error:
        return Capability(
            name=each.name,
            available=False,
            detail=str(error),
            needed=each.needed,
            remedy=each.remedy,
            without=each.without,
        )
    return Capability(name=each.name, available=True, detail=detail, needed=each.needed, remedy="")


def _probes(prefix: str, directory: Path) -> list[_Probe]:
    root = "start as root"
    ordinary = rootless.is_needed()
    return [
        _Probe(
            name="system calls",
            needed=True,
            remedy="use a machine with x86_64 or aarch64",
            attempt=_system_calls,
        ),
        # First of all that kernels may refuse: an ordinary user can do the rest only from within.
        _Probe(name="privileges", needed=True, remedy=_PRIVILEGES_REMEDY, attempt=_privileges),
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
        _Probe(
            name="process namespaces",
            needed=True,
            remedy="start as root; in a container, leave its /proc whole (systempaths=unconfined)",
            attempt=_process_namespaces,
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
            remedy=_ORDINARY_CGROUPS_REMEDY
            if ordinary
            else "mount /sys/fs/cgroup writable; in a container, hand it over",
            attempt=_cgroups,
            without="memory and CPU time of functions are not limited, and idle ones are stopped by SIGSTOP",
        ),
        _Probe(
            name="identities",
            needed=False,
            remedy="install uidmap, grant ranges in /etc/subuid and /etc/subgid; until then sandboxes share the user's",
            attempt=_identities,
        ),
        _Probe(
            name="disks",
            needed=False,
            remedy=("start as root" if ordinary else "install e2fsprogs and allow loop devices") + _NO_DISK,
            attempt=lambda: _disks(directory),
        ),
        _Probe(
            name="network",
            needed=False,
            remedy=("start as root" if ordinary else "install nftables and load veth, nf_tables and nft_connlimit")
            + _NO_UPLINK,
            attempt=lambda: _network(prefix, ordinary),
        ),
    ]


def _system_calls() -> str:
    syscalls.number("mount", syscalls.MACHINE)
    return f"{syscalls.MACHINE}, Linux {os.uname().release}"


def _privileges() -> str:
    uid = os.geteuid()
    if rootless.is_needed():
        rootless.enter()
        # As the warden does: it could leave the machine's network but not come back.
        namespaces.unshare(namespaces.CLONE_NEWNET)
        return f"uid {uid}, as root of a user namespace"
    return f"root with capabilities {syscalls.capget()[0]:#x}"


def _mounts() -> str:
    os.close(mounts.new_tmpfs(1 << 20))
    os.close(mounts.clone_tree("/usr", recursive=True))
    return "detached mounts can be made and cloned"


def _user_namespaces() -> str:
    os.close(namespaces.create_user_namespace([(0, os.geteuid(), 1)], [(0, os.getegid(), 1)]))
    return "can be made and mapped"


def _process_namespaces() -> str:
    def within() -> None:
        namespaces.unshare(namespaces.CLONE_NEWPID)
        _in_child(lambda: os.close(mounts.new_proc()))

    _in_child(within)
    return "can be made and have a /proc"


def _in_child(work: Callable[[], None]) -> None:
    """Try what cannot be undone; raises OSError as `work` did."""
    child = os.fork()
    if child == 0:
        number = errno.EPROTO
        try:
            work()
            number = 0
        except OSError as error:
            number = error.errno or errno.EPERM
        finally:
            os._exit(number)
    if number := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(number, os.strerror(abs(number)))


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


def _identities() -> str:
    uid_map, gid_map = (_PROC_SELF / "uid_map").read_text(), (_PROC_SELF / "gid_map").read_text()
    spare = id_ranges.spare(uid_map, gid_map)
    if spare is None:
        raise _MissingError(f"this user has no {id_ranges.ENOUGH} ids to give away")
    return f"every sandbox has its own, from {spare.start} on"


def _disks(directory: Path) -> str:
    maker = loop_disk.DiskMaker(directory)
    try:
        reason = maker.unavailable_reason()
    finally:
        maker.close()
    if reason is not None:
        raise _MissingError(reason)
    return "ext4 on loop devices"


def _network(prefix: str, ordinary: bool) -> str:
    if ordinary:
        raise _MissingError("only root may connect a network to the machine's")
    reason = network.unavailable_reason(prefix)
    if reason is not None:
        raise _MissingError(reason)
    return "two scratch namespaces were connected through nftables"
