"""What one Stoker has in the kernel: its processes, cgroups, firewall tables, loop devices and mounts."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fakes.cgroup_tree import groups_below, groups_called
from fakes.live_server import LiveServer

PROC = Path("/proc")
ZYGOTE, WARDEN = "bootstrap/start.py", "stoker.sandbox.warden"


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process of ours; a pid alone would be used again."""

    pid: int
    started: str
    command: str

    @property
    def alive(self) -> bool:
        fields = _stat(self.pid)
        return fields is not None and fields[19] == self.started and fields[0] not in "ZX"


@dataclass(frozen=True, kw_only=True)
class KernelTraces:
    """What was there at one moment; `processes_left` and the others say what of it still is."""

    processes: tuple[Process, ...]
    cgroups: tuple[Path, ...]
    tables: tuple[str, ...]
    data: Path

    @classmethod
    def of(cls, server: LiveServer) -> "KernelTraces":
        assert server.process is not None
        processes = tuple(descendants(server.process.pid))
        # Names hold the pid of the process that made them; see stoker.linux.instances.
        pids = [f"-{pid}-" for pid in (server.process.pid, *(process.pid for process in processes))]
        return cls(
            processes=processes,
            cgroups=tuple(path for path in groups_called("stoker-") if any(pid in path.name for pid in pids)),
            tables=tuple(table for table in _tables() if any(pid in table for pid in pids)),
            data=server.data,
        )

    def processes_left(self) -> list[str]:
        """Also those that were started after the look: they are in the cgroups."""
        known = [f"{process.pid} {process.command}" for process in self.processes if process.alive]
        groups = [group for path in self.cgroups for group in (path, *groups_below(path))]
        return known + [f"{pid} in {group}" for group in groups for pid in _members(group)]

    def disks_left(self) -> list[str]:
        """Loop devices on this data directory's files, and mounts of it in any namespace."""
        backing = [path for path in Path("/sys/block").glob("loop*/loop/backing_file") if self._concerns(path)]
        return [str(path) for path in backing] + [
            str(path) for path in PROC.glob("[0-9]*/mountinfo") if self._concerns(path)
        ]

    def swept_later(self) -> list[str]:
        """What only a next start, or an orderly end, takes away."""
        tables = set(_tables())
        return [str(path) for path in self.cgroups if path.exists()] + [each for each in self.tables if each in tables]

    def _concerns(self, file: Path) -> bool:
        try:
            return f"{self.data}/" in file.read_text()
        except OSError:
            # Gone since it was listed.
            return False


def _members(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text().split()
    except OSError:
        # Gone since it was listed.
        return []


def descendants(pid: int) -> Iterator[Process]:
    """Every process below one, however deep."""
    for children in PROC.glob(f"{pid}/task/*/children"):
        try:
            below = children.read_text().split()
        except OSError:
            continue
        for child in map(int, below):
            if (fields := _stat(child)) is not None:
                yield Process(pid=child, started=fields[19], command=_command(child))
                yield from descendants(child)


def zygotes(server: LiveServer) -> list[Process]:
    return [each for each in _helpers(server) if ZYGOTE in each.command]


def wardens(server: LiveServer) -> list[Process]:
    return [each for each in _helpers(server) if WARDEN in each.command]


def first_processes(server: LiveServer) -> list[Process]:
    """Process 1 of every sandbox, used or waiting."""
    assert server.process is not None
    return first_processes_of(server.process.pid)


def first_processes_of(pid: int) -> list[Process]:
    """Process 1 of every sandbox of one process's own zygotes, and not of another Stoker that runs below it."""
    own = [each for each in _children(pid) if ZYGOTE in each.command]
    found = [child for zygote in own for child in descendants(zygote.pid)]
    return [child for child in found if _pids_inside(child.pid)[-1:] == ["1"]]


def _helpers(server: LiveServer) -> list[Process]:
    assert server.process is not None
    return _children(server.process.pid)


def _children(pid: int) -> list[Process]:
    return [each for each in descendants(pid) if (fields := _stat(each.pid)) and int(fields[1]) == pid]


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (state) on; None for a process that is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _pids_inside(pid: int) -> list[str]:
    """Its pid in each pid namespace, from ours inwards."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return next(line.split()[1:] for line in lines if line.startswith("NSpid:"))


def _tables() -> list[str]:
    done = subprocess.run(["nft", "list", "tables", "inet"], capture_output=True, text=True, check=True, timeout=60)
    return [line.split()[2] for line in done.stdout.splitlines()]
