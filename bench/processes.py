"""What the kernel says of processes: their tree, their memory and their CPU time."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; the command before them may hold spaces."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _running() -> Iterable[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def tree(root: int) -> set[int]:
    """`root` and all its descendants, now."""
    children: dict[int, list[int]] = {}
    for pid in _running():
        try:
            children.setdefault(int(_stat(pid)[1]), []).append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended while we looked
    found: set[int] = set()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


def with_mount_of(marker: str, pids: Iterable[int]) -> set[int]:
    """Those of `pids` whose mounts name `marker`, such as the directory of a function's code."""
    found = set()
    for pid in pids:
        try:
            mounts = (PROC / str(pid) / "mountinfo").read_text()
        except (FileNotFoundError, ProcessLookupError, OSError):
            continue  # ended while we looked, or a zombie, which has no mounts
        if marker in mounts:
            found.add(pid)
    return found


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size: a page that n processes share counts as 1/n for each. One that has ended has none."""
    total_kb = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total_kb += int(line.split()[1])
    return total_kb * 1024


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time together of those that have not ended, with a resolution of a clock tick."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(int(field) for field in _stat(pid)[11:13])
    return ticks / TICKS_PER_S
