"""Cgroups version 2: one tree, and a rule that a group with limited children has no processes of its own."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from stoker.linux import cgroup_files as files
from stoker.linux import instances
from stoker.linux.cgroup_files import CgroupError, CgroupFile
from stoker.linux.cgroup_places import V2_CONTROLLERS, CgroupsUnavailableError

# Shorter than the kernel's 100 ms: a group that has used up its share stands still for the rest of a period.
CPU_PERIOD_US = 20_000
# Documentation/admin-guide/cgroup-v2.rst: what a group has by default, and the most it can have.
_WEIGHT_OF_A_GROUP, _LARGEST_WEIGHT = 100, 10_000
_SMALLEST_QUOTA_US = 1_000  # kernel/sched/core.c, min_cfs_quota_period
# Where a process moves itself to, so that the group it was started in may have limited children.
SUPERVISOR = "supervisor"


@dataclass(frozen=True, kw_only=True)
class Room:
    """A group that can have limited children, after its controllers were enabled and its processes moved away."""

    base: Path
    enable: bool
    move: bool


class HierarchyV2:
    """This instance's directory, below the group that this process is in or the nearest one that may have children."""

    version = 2

    def __init__(self, own: Path, prefix: str) -> None:
        room = find_room(own)
        if room.move:
            _move_processes(room.base, room.base / SUPERVISOR)
        if room.enable:
            _enable(room.base)
        self._base = room.base
        self._prefix = prefix
        self._parent = self._base / instances.own_name(prefix)
        files.make(self._parent)
        files.write(self._parent / "cgroup.subtree_control", _ENABLE)
        weight = min(_LARGEST_WEIGHT, files.WEIGHT * _WEIGHT_OF_A_GROUP)
        files.write(self._parent / "cpu.weight", str(weight))

    def __repr__(self) -> str:
        return f"<cgroups v2 at {self._parent}>"

    def create(self, name: str) -> "CgroupV2":
        return CgroupV2(self._parent / name)

    @instances.sweeping()
    def sweep(self) -> list[str]:
        names = [entry.name for entry in self._base.glob(f"{self._prefix}-*/")]
        abandoned = sorted(name for name in names if instances.is_abandoned(name, self._prefix))
        for name in abandoned:
            for group in (self._base / name).glob("*/"):
                CgroupV2(group).remove()
            files.remove(self._base / name)
        return abandoned

    def close(self) -> None:
        files.remove(self._parent)


class CgroupV2:
    """One group."""

    def __init__(self, directory: Path) -> None:
        self.name = directory.name
        self._directory = directory
        files.make(directory)
        self._settings = files.Settings()
        self._limits_swap = (directory / "memory.swap.max").exists()
        self._freeze = CgroupFile(directory / "cgroup.freeze")
        # Before Linux 5.19 there is no peak; then what is used when one asks has to do.
        peak = directory / "memory.peak"
        self._peak_can_reset = peak.exists() and os.access(peak, os.W_OK) and _is_writable_by_mode(peak)
        self._peak = CgroupFile(
            peak if peak.exists() else directory / "memory.current",
            os.O_RDWR if self._peak_can_reset else os.O_RDONLY,
        )
        self._removed = False

    def __repr__(self) -> str:
        return f"<cgroup v2 {self.name}{' removed' if self._removed else ''}>"

    def limit(self, *, memory_bytes: int, cpu_share: float, cpu_cores: float, pids_max: int) -> None:
        if self._limits_swap:
            self._settings.write(f"{self._directory}/memory.swap.max", "0")
        self._settings.write(f"{self._directory}/memory.max", str(memory_bytes))
        quota = max(_SMALLEST_QUOTA_US, round(cpu_cores * CPU_PERIOD_US))
        weight = min(_LARGEST_WEIGHT, max(1, round(cpu_share * _WEIGHT_OF_A_GROUP)))
        self._settings.write(f"{self._directory}/cpu.weight", str(weight))
        self._settings.write(f"{self._directory}/cpu.max", f"{quota} {CPU_PERIOD_US}")
        self._settings.write(f"{self._directory}/pids.max", str(pids_max))

    def entrances(self) -> tuple[str, ...]:
        return (str(self._directory / "cgroup.procs"),)

    def attach(self, pid: int) -> None:
        files.write(self._directory / "cgroup.procs", str(pid))

    def freeze(self) -> None:
        self._freeze.write("1")

    def thaw(self) -> None:
        # Synchronous: the kernel has woken every task when the write returns.
        self._freeze.write("0")

    def is_frozen(self) -> bool:
        return files.count(files.read(self._directory / "cgroup.events"), "frozen") == 1

    def memory(self) -> int:
        return int(files.read(self._directory / "memory.current"))

    def peak_memory(self) -> int:
        return self._peak.read_number()

    def reset_peak(self) -> bool:
        if self._peak_can_reset:
            # From here on reads through this very descriptor see the new peak; others go on seeing the old one.
            self._peak.write("reset")
        return self._peak_can_reset

    def oom_kills(self) -> int:
        return files.count(files.read(self._directory / "memory.events"), "oom_kill")

    def process_count(self) -> int:
        return int(files.read(self._directory / "pids.current"))

    def cpu_usage_ns(self) -> int:
        return files.count(files.read(self._directory / "cpu.stat"), "usage_usec") * 1000

    def kill(self) -> None:
        at_once = self._directory / "cgroup.kill"
        if at_once.exists():
            files.write(at_once, "1")
            return
        # Before Linux 5.14: frozen first, so that nothing forks between the reading of the list and the killing.
        self.freeze()
        files.kill_all(files.processes(self._directory))
        self.thaw()

    def remove(self) -> None:
        if self._removed:
            return
        self._removed = True
        files.remove(self._directory, self._kill_rest)
        self._freeze.close()
        self._peak.close()

    def _kill_rest(self) -> None:
        if files.processes(self._directory):
            self.kill()


_ENABLE = " ".join(f"+{controller}" for controller in V2_CONTROLLERS)


def _is_writable_by_mode(path: Path) -> bool:
    # root may open anything for writing; the file's mode says whether the kernel (6.12 and later) takes it.
    return bool(path.stat().st_mode & 0o200)


def find_room(own: Path) -> Room:
    """Where children may have the controllers: in `own`, or above it in the nearest group where nobody need be moved.

    The own group is taken if it was handed over for that (a container's root, a delegated unit): then the processes in
    it move to a leaf. Elsewhere it may hold other people's processes, which are not ours to move. Changes nothing;
    raises CgroupsUnavailableError.
    """
    if own.name == SUPERVISOR:
        own = own.parent
    if _children_have_controllers(own):
        return Room(base=own, enable=False, move=False)
    if _is_handed_over(own):
        return Room(base=own, enable=True, move=not _is_machine_root(own))
    for ancestor in own.parents:
        if _is_group(ancestor) and _children_have_controllers(ancestor) and os.access(ancestor, os.W_OK):
            return Room(base=ancestor, enable=False, move=False)
    raise CgroupsUnavailableError(
        f"the cgroup {own} is not delegated to this process and no writable one above it has the controllers "
        f"{', '.join(V2_CONTROLLERS)}; start as root or under `systemd-run --user --scope --property=Delegate=yes`"
    )


def _children_have_controllers(group: Path) -> bool:
    return set(V2_CONTROLLERS) <= set(files.read(group / "cgroup.subtree_control").split())


def _is_handed_over(group: Path) -> bool:
    """A unit that systemd marks as delegated, or the top of what this process can see."""
    if not os.access(group / "cgroup.subtree_control", os.W_OK):
        return False
    if not _is_group(group.parent):
        return True
    return any(_extended_attribute(group, name) == b"1" for name in ("user.delegate", "trusted.delegate"))


def _is_group(directory: Path) -> bool:
    return (directory / "cgroup.procs").exists()


def _is_machine_root(group: Path) -> bool:
    # The one group that cannot be frozen; it is exempt from the rule, and all the kernel's threads are in it.
    return not (group / "cgroup.freeze").exists()


def _extended_attribute(path: Path, name: str) -> bytes:
    try:
        return os.getxattr(path, name)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP, errno.EPERM):
            return b""
        raise CgroupError(f"read attribute {name} of", path, error) from error


def _move_processes(source: Path, target: Path) -> None:
    files.make(target)
    for pid in files.processes(source):
        try:
            files.write(target / "cgroup.procs", str(pid))
        except CgroupError as error:
            if error.errno != errno.ESRCH:  # it has ended meanwhile
                raise


def _enable(group: Path) -> None:
    try:
        files.write(group / "cgroup.subtree_control", _ENABLE)
    except CgroupError as error:
        raise CgroupsUnavailableError(f"{error}; the cgroup {group} is not delegated to this process") from error
