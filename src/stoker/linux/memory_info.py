"""What memory a process and the machine have, as the kernel counts it."""

import os
from pathlib import Path

_PROC = Path("/proc")


class ProcessGoneError(Exception):
    """The process ended before it could be looked at."""


def proportional_bytes(pid: int, proc: Path = _PROC) -> int:
    """A process's proportional set size: its own pages, and of shared ones its share. Walks its page tables (ms)."""
    path = proc / str(pid) / "smaps_rollup"
    try:
        return field(path.read_text(), "Pss:") * 1024
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessGoneError(f"no memory map at {path}") from error


def available_bytes(proc: Path = _PROC) -> int:
    """What new processes may use without the machine swapping: the kernel's estimate, MemAvailable."""
    # Without a file object, which costs a third of it: each cold start asks.
    descriptor = os.open(f"{proc}/meminfo", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return field(os.read(descriptor, 4096).decode(), "MemAvailable:") * 1024
    finally:
        os.close(descriptor)


def field(text: str, name: str) -> int:
    """The number that follows a name at the start of a line, in the unit that the file has."""
    for line in text.splitlines():
        words = line.split(maxsplit=2)
        if words[:1] == [name]:
            return int(words[1])
    raise ValueError(f"the kernel reports no {name.rstrip(':')}")
