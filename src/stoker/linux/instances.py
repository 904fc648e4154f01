"""Names that say which process owns what lies around in the kernel, so that leavings of a killed one can be told.

A name is `<prefix>-<pid namespace>-<pid>-<start time>`: a pid alone is used again, and means another process in another
container that shares this one's network or cgroups.
"""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
# proc_pid_stat(5)
_START_TIME_FIELD, _DEAD = 22, "ZX"
# Longer than a sweep takes. Whoever may look at the namespace could hold its lock for ever.
_SWEEP_PATIENCE_S = 30.0
_SWEEP_LOOK_S = 0.02


def own_name(prefix: str) -> str:
    """The calling process's name."""
    return name_of(os.getpid(), prefix)


def name_of(pid: int, prefix: str) -> str:
    """The name of another living process."""
    return f"{prefix}-{_pid_namespace()}-{pid}-{_start_time(pid)}"


def is_abandoned(name: str, prefix: str) -> bool:
    """Whether `name` is one that a process of this pid namespace had, and that process is no more.

    `prefix` stands for itself and for what it is followed by: what `stoker-probe` left is swept for `stoker` too.
    """
    match = re.fullmatch(re.escape(prefix) + r"(?:-[a-z]+)?-(\d+)-(\d+)-(\d+)", name)
    if match is None or int(match[1]) != _pid_namespace():
        return False
    return _start_time(int(match[2])) != int(match[3])


@contextlib.contextmanager
def sweeping(patience_s: float = _SWEEP_PATIENCE_S) -> Iterator[None]:
    """One sweep at a time in this pid namespace, whose names its processes take for abandoned together.

    Two that start at the same moment would take directories away from under each other.
    """
    descriptor = os.open(_PROC / "self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    deadline = time.monotonic() + patience_s
    try:
        while not _locked(descriptor) and time.monotonic() < deadline:
            time.sleep(_SWEEP_LOOK_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_namespace() -> int:
    return os.stat(_PROC / "self/ns/pid").st_ino


def _start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none, or only what is left of it."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    # Killed, and not yet waited for by whoever started it: its successor may be there before that.
    return None if fields[0] in _DEAD else int(fields[_START_TIME_FIELD - 3])
