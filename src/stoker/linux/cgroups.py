"""Control groups: what a group of processes may use, what it has used, and stopping it where it stands.

`open_hierarchy` finds out whether this machine has version 2 or version 1 and whether this process may make groups.
Read `cgroup_v2.py` and `cgroup_v1.py` next: the two implementations of what is declared here.
"""

from pathlib import Path
from typing import Protocol

from stoker.linux import cgroup_places
from stoker.linux.cgroup_files import CgroupError
from stoker.linux.cgroup_places import CgroupsUnavailableError
from stoker.linux.cgroup_v1 import HierarchyV1
from stoker.linux.cgroup_v2 import HierarchyV2

__all__ = ["Cgroup", "CgroupsUnavailableError", "Hierarchy", "open_hierarchy"]


class Cgroup(Protocol):
    """One group. Methods raise CgroupError when the kernel refuses; after `remove` only `remove` may be called."""

    name: str

    def limit(self, *, memory_bytes: int, cpu_share: float, cpu_cores: float, pids_max: int) -> None:
        """Set the limits, also of a group in use; those that it has already cost nothing. No swap: what doesn't fit
        into memory is ended by the kernel.

        `cpu_share` is what it gets when all want more than there is, in parts of which others' processes have one each;
        `cpu_cores` is what it gets at most, however idle the machine.
        """

    def entrances(self) -> tuple[str, ...]:
        """Paths for `cgroup_entry.enter`, by which a process with one thread moves itself: the quick way in.

        Without any, its process 1 has to be attached once it has mounted /proc (see `no_cgroups`).
        """

    def attach(self, pid: int) -> None:
        """Move a process (all its threads) into the group; what it forks from then on is in it too.

        Memory that it has by then stays charged where it was. Takes 9 to 15 ms after a pause (see `cgroup_entry`).
        """

    def freeze(self) -> None:
        """Stop every process. Returns when all have been told: each stops on its next way out of the kernel, a running
        one within microseconds, one in an uninterruptible wait when that ends. `is_frozen` says whether all have."""

    def thaw(self) -> None:
        """Let them go on; when this returns every one of them may run."""

    def is_frozen(self) -> bool:
        """Whether every process stands still."""

    def memory(self) -> int:
        """Bytes charged now, page cache included."""

    def peak_memory(self) -> int:
        """The most bytes ever charged at one time since the start or `reset_peak`."""

    def reset_peak(self) -> bool:
        """Start the peak afresh from what is used now; False where the kernel cannot (v2 before Linux 6.12)."""

    def oom_kills(self) -> int:
        """How many processes the kernel has ended here because the memory limit was hit."""

    def process_count(self) -> int:
        """Processes and threads in the group."""

    def cpu_usage_ns(self) -> int:
        """CPU time used by all that ever were in the group, in nanoseconds."""

    def kill(self) -> None:
        """SIGKILL everything in it, frozen or not, and what it is just forking. May return before they are gone."""

    def remove(self) -> None:
        """Kill what is left and remove the group; waits (some seconds at most) until the kernel lets go. Idempotent."""


class Hierarchy(Protocol):
    """Where this instance's groups are made."""

    version: int

    def create(self, name: str) -> Cgroup:
        """A new group without limits; `name` must be free within this instance."""

    def sweep(self) -> list[str]:
        """Remove what instances left behind that were killed; their names."""

    def close(self) -> None:
        """Remove this instance's directory; every group must have been removed."""


def open_hierarchy(prefix: str, proc: Path = Path("/proc/self")) -> Hierarchy:
    """Prepare a directory for this process's groups, named after `prefix` and the process; sweeps nothing yet.

    Raises CgroupsUnavailableError with what is missing and what to do.
    """
    place = cgroup_places.find((proc / "mountinfo").read_text(), (proc / "cgroup").read_text())
    try:
        if place.version == 2:
            return HierarchyV2(place.directories["cgroup2"], prefix)
        return HierarchyV1(place.directories, prefix)
    except CgroupError as error:
        raise CgroupsUnavailableError(f"{error}; start as root, in a container with /sys/fs/cgroup writable") from error
