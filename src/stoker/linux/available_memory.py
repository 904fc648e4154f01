"""How much memory new processes may take: of the machine, and of the cgroups that this process was started in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.linux import cgroup_places, memory_info

_PROC = Path("/proc")
# Version 1 writes "no limit" as the largest number of pages that it knows.
_NO_LIMIT = 1 << 62


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """A cgroup with a limit: a container's, a systemd unit's, or one that it is in."""

    limit: int
    usage: Path
    stat: Path
    reclaimable: str

    def left(self) -> int:
        """Below the limit; pages of files that nobody has used for a while make room."""
        used = int(self.usage.read_text()) - memory_info.field(self.stat.read_text(), self.reclaimable)
        return max(0, self.limit - used)


class AvailableMemory:
    """Tells the bytes that may be taken now: 20 µs, and as much again for each cgroup with a limit.

    Those are looked for once, where `proc` says that this process is.
    """

    def __init__(self, proc: Path = _PROC) -> None:
        self._proc = proc
        mountinfo, membership = (proc / "self/mountinfo").read_text(), (proc / "self/cgroup").read_text()
        lineage = cgroup_places.memory_lineage(mountinfo, membership)
        self._bounds = [bound for bound in map(_bound, lineage) if bound is not None]

    def __repr__(self) -> str:
        return f"<AvailableMemory {self() >> 20} MB>"

    @property
    def limits(self) -> Sequence[int]:
        """The cgroups' limits in bytes, the nearest first."""
        return [bound.limit for bound in self._bounds]

    def __call__(self) -> int:
        return min([memory_info.available_bytes(self._proc), *(bound.left() for bound in self._bounds)])


def _bound(directory: Path) -> _Bound | None:
    unified = directory / "memory.max"
    if unified.exists():
        text = unified.read_text().strip()
        if text == "max":
            return None
        usage, stat = directory / "memory.current", directory / "memory.stat"
        return _Bound(limit=int(text), usage=usage, stat=stat, reclaimable="inactive_file")
    older = directory / "memory.limit_in_bytes"
    if not older.exists() or (limit := int(older.read_text())) >= _NO_LIMIT:
        return None
    usage, stat = directory / "memory.usage_in_bytes", directory / "memory.stat"
    return _Bound(limit=limit, usage=usage, stat=stat, reclaimable="total_inactive_file")
