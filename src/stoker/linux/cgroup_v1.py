"""Cgroups version 1: a directory in each controller's own tree, and a freezer that must be asked twice."""

import errno
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from stoker.linux import cgroup_files as files
from stoker.linux import instances
from stoker.linux.cgroup_files import CgroupError, CgroupFile

# Shorter than the kernel's 100 ms: a group that has used up its share stands still for the rest of a period.
CPU_PERIOD_US = 20_000
# sched-design-CFS: what a group has by default, and the least it can have.
_SHARES_OF_A_GROUP, _SMALLEST_SHARES = 1024, 2
_SMALLEST_QUOTA_US = 1_000  # kernel/sched/core.c, min_cfs_quota_period
_UNLIMITED = "-1"
# What the kernel gives a new group.
_UNLIMITED_BYTES = 1 << 62
_ALWAYS_FROZEN = "always-frozen"


class HierarchyV1:
    """This instance's directory in every controller's tree, below the groups that this process is in."""

    version = 1

    def __init__(self, bases: Mapping[str, Path], prefix: str) -> None:
        self._bases = dict(bases)
        self._prefix = prefix
        name = instances.own_name(prefix)
        self._parents = {controller: base / name for controller, base in bases.items()}
        for parent in self._parents.values():
            files.make(parent)
        # cpu and cpuacct are one mount on most machines; asked once, as it takes a look at every part of every path.
        self._distinct = list({os.path.realpath(parent): name for name, parent in self._parents.items()}.values())
        # Without it a group's children would not count towards its limit. Can't be changed once there are children.
        hierarchical = self._parents["memory"] / "memory.use_hierarchy"
        if files.read(hierarchical).strip() != "1":
            files.write(hierarchical, "1")
        files.write(self._parents["cpu"] / "cpu.shares", str(files.WEIGHT * _SHARES_OF_A_GROUP))
        # The kernel patches its own code when the first group of the machine freezes and when the last one thaws, which
        # costs 100 µs each (measured); with one empty group frozen all the time the others take 5 to 10 µs.
        self._always_frozen = self._parents["freezer"] / _ALWAYS_FROZEN
        files.make(self._always_frozen)
        files.write(self._always_frozen / "freezer.state", "FROZEN")

    def __repr__(self) -> str:
        return f"<cgroups v1 at {self._parents['memory']}>"

    def create(self, name: str) -> "CgroupV1":
        directories = {controller: parent / name for controller, parent in self._parents.items()}
        return CgroupV1(name, directories, self._distinct)

    @instances.sweeping()
    def sweep(self) -> list[str]:
        names = {entry.name for base in self._bases.values() for entry in base.glob(f"{self._prefix}-*")}
        abandoned = sorted(name for name in names if instances.is_abandoned(name, self._prefix))
        for name in abandoned:
            parents = {controller: base / name for controller, base in self._bases.items()}
            groups = {entry.name for parent in parents.values() for entry in parent.glob("*/")}
            for group in groups:
                for parent in parents.values():
                    files.make(parent)
                CgroupV1(
                    group, {controller: parent / group for controller, parent in parents.items()}, self._distinct
                ).remove()
            for parent in parents.values():
                files.remove(parent)
        return abandoned

    def close(self) -> None:
        files.remove(self._always_frozen)
        for parent in self._parents.values():
            files.remove(parent)


class CgroupV1:
    """One group, spread over the controllers' trees."""

    def __init__(self, name: str, directories: Mapping[str, Path], distinct: Collection[str]) -> None:
        """Its directories by controller; `distinct` names, once each, the controllers whose directories differ."""
        self.name = name
        self._directories = dict(directories)
        self._distinct = distinct
        for directory in self._directories.values():
            files.make(directory)
        self._state = CgroupFile(directories["freezer"] / "freezer.state")
        self._peak = CgroupFile(directories["memory"] / "memory.max_usage_in_bytes")
        memory = f"{directories['memory']}/memory"
        self._memory_files = [f"{memory}.limit_in_bytes"]
        # Where the kernel accounts swap; closed to the same value it leaves no room for any.
        if os.path.exists(f"{memory}.memsw.limit_in_bytes"):
            self._memory_files.append(f"{memory}.memsw.limit_in_bytes")
        self._settings = files.Settings()
        self._memory_bytes = _UNLIMITED_BYTES
        self._removed = False

    def __repr__(self) -> str:
        return f"<cgroup v1 {self.name}{' removed' if self._removed else ''}>"

    def limit(self, *, memory_bytes: int, cpu_share: float, cpu_cores: float, pids_max: int) -> None:
        # The kernel keeps memory <= memory and swap at every moment: the outer limit first where it grows, else last.
        shrinks = memory_bytes <= self._memory_bytes
        for file in self._memory_files if shrinks else reversed(self._memory_files):
            self._settings.write(file, str(memory_bytes))
        self._memory_bytes = memory_bytes
        self._settings.write(f"{self._directories['memory']}/memory.swappiness", "0")
        cpu = f"{self._directories['cpu']}/cpu"
        self._settings.write(f"{cpu}.shares", str(max(_SMALLEST_SHARES, round(cpu_share * _SHARES_OF_A_GROUP))))
        # Before there is a quota, which the kernel would hold against it.
        self._settings.write(f"{cpu}.cfs_period_us", str(CPU_PERIOD_US))
        try:
            self._settings.write(f"{cpu}.cfs_quota_us", str(max(_SMALLEST_QUOTA_US, round(cpu_cores * CPU_PERIOD_US))))
        except CgroupError as error:
            if error.errno != errno.EINVAL:  # more than the groups above have: then theirs is the limit
                raise
            self._settings.write(f"{cpu}.cfs_quota_us", _UNLIMITED)
        self._settings.write(f"{self._directories['pids']}/pids.max", str(pids_max))

    def entrances(self) -> tuple[str, ...]:
        return tuple(f"{directory}/tasks" for directory in self._distinct_directories())

    def attach(self, pid: int) -> None:
        for directory in self._distinct_directories():
            files.write(directory / "cgroup.procs", str(pid))

    def freeze(self) -> None:
        self._state.write("FROZEN")

    def thaw(self) -> None:
        # Synchronous: the kernel has woken every task when the write returns.
        self._state.write("THAWED")

    def is_frozen(self) -> bool:
        # FREEZING until all stand still; reading is what makes the kernel look.
        return self._state.read().strip() == "FROZEN"

    def memory(self) -> int:
        return int(files.read(self._directories["memory"] / "memory.usage_in_bytes"))

    def peak_memory(self) -> int:
        return self._peak.read_number()

    def reset_peak(self) -> bool:
        self._peak.write("0")
        return True

    def oom_kills(self) -> int:
        return files.count(files.read(self._directories["memory"] / "memory.oom_control"), "oom_kill")

    def process_count(self) -> int:
        return int(files.read(self._directories["pids"] / "pids.current"))

    def cpu_usage_ns(self) -> int:
        return int(files.read(self._directories["cpuacct"] / "cpuacct.usage"))

    def kill(self) -> None:
        # Frozen first, so that nothing forks between the reading of the list and the killing; a process that is frozen
        # does not die, hence the thaw.
        self.freeze()
        files.kill_all(files.processes(self._directories["freezer"]))
        self.thaw()

    def remove(self) -> None:
        if self._removed:
            return
        self._removed = True
        # The freezer's directory is the way to find and kill what is left, so it goes last.
        for directory in sorted(self._distinct_directories(), key=self._directories["freezer"].__eq__):
            files.remove(directory, self._let_go)
        self._state.close()
        self._peak.close()

    def _let_go(self) -> None:
        if files.processes(self._directories["freezer"]):
            self.kill()
        memory = self._directories["memory"]
        if not memory.exists():
            return
        try:
            # Page cache stays charged to a removed group, and the kernel keeps the group until the last page is gone.
            files.write(memory / "memory.force_empty", "0")
        except CgroupError as error:
            if error.errno != errno.EBUSY:  # processes are still dying; the next try comes when they are dead
                raise

    def _distinct_directories(self) -> list[Path]:
        return [self._directories[controller] for controller in self._distinct]
