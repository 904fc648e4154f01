"""Reading and writing a cgroup's files, alike in v1 and v2: small texts, each with one named error."""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_REMOVE_TRIES = 60
_LONGEST_PAUSE_S = 0.05
# What an instance's groups weigh together, in ordinary processes. As many run at once as there are cores, and each then
# counts like any other process of the machine. Without it all of them would count as one, hence wait in turn behind
# whatever else runs; with their sum, a server with hundreds would leave nothing to others, or to itself.
WEIGHT = len(os.sched_getaffinity(0))


class CgroupError(OSError):
    """The kernel refused something about a cgroup; says what and with which file."""

    def __init__(self, action: str, path: Path, error: OSError) -> None:
        super().__init__(error.errno, f"{action} {path}: {error.strerror}")


class CgroupFile:
    """One file of a cgroup that is kept open, because it is used on a path where an open would cost as much again."""

    def __init__(self, path: Path, flags: int = os.O_RDWR) -> None:
        self._path = path
        try:
            self._fd = os.open(path, flags | os.O_CLOEXEC)
        except OSError as error:
            raise CgroupError("open", path, error) from error

    def read(self) -> str:
        try:
            return os.pread(self._fd, 4096, 0).decode()
        except OSError as error:
            raise CgroupError("read", self._path, error) from error

    def read_number(self) -> int:
        try:
            return int(os.pread(self._fd, 32, 0))
        except OSError as error:
            raise CgroupError("read", self._path, error) from error

    def write(self, text: str) -> None:
        try:
            os.pwrite(self._fd, text.encode(), 0)
        except OSError as error:
            raise CgroupError(f"write {text!r} to", self._path, error) from error

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Settings:
    """What was written to one group's files. The same again costs nothing, so that limits can be set ahead of need."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def write(self, path: str, text: str) -> None:
        if self._texts.get(path) != text:
            write(path, text)
            self._texts[path] = text


def read(path: Path) -> str:
    """A file's text."""
    try:
        return path.read_text()
    except OSError as error:
        raise CgroupError("read", path, error) from error


def write(path: Path | str, text: str) -> None:
    """Set a file; never creates one, so that a misspelt name is an error in a fake tree too."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)
    except OSError as error:
        raise CgroupError(f"write {text!r} to", Path(path), error) from error


def make(directory: Path) -> None:
    """A new cgroup; one that is there already is kept, as v1 controllers may share a directory."""
    try:
        directory.mkdir(exist_ok=True)
    except OSError as error:
        raise CgroupError("create", directory, error) from error


def count(text: str, key: str) -> int:
    """The number behind `key` in a file of `key number` lines; 0 if it is not there."""
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return 0


def processes(directory: Path) -> list[int]:
    """The pids in a cgroup, children not included. 0 stands for one that this pid namespace cannot see."""
    return [int(line) for line in read(directory / "cgroup.procs").split()]


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL to each that still is; not to 0, an invisible process, which would mean the caller's own group."""
    for pid in pids:
        if pid > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def remove(directory: Path, let_go: Callable[[], None] = lambda: None) -> None:
    """Remove an empty cgroup. `let_go` is called before each try; a killed process takes the kernel a while to bury.

    Raises CgroupError (EBUSY) after some three seconds.
    """
    for attempt in range(_REMOVE_TRIES):
        let_go()
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or attempt == _REMOVE_TRIES - 1:
                raise CgroupError("remove", directory, error) from error
        else:
            return
        time.sleep(min(0.001 * 2**attempt, _LONGEST_PAUSE_S))
