"""Names that say which process owns what lies around in the kernel, so that leavings of a killed one can be told.

A name is `<prefix>-<pid namespace>-<pid>-<start time>`: a pid alone is used again, and means another process in another
container that shares this one's network or cgroups.
"""

import os
import re
from pathlib import Path

_PROC = Path("/proc")
# proc_pid_stat(5)
_START_TIME_FIELD, _DEAD = 22, "ZX"


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
