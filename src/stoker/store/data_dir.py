"""The data directory belongs to one Stoker at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class DataDirectoryInUseError(Exception):
    """Another Stoker uses this data directory: stop it, or choose another one with --data."""


class DataDirectory:
    """A data directory, held from `open` to `close`; a context manager.

    The hold ends with the process, also by kill -9: it is the kernel's. The descriptor is closed on exec, so helper
    programs don't inherit it; a helper that is forked without exec must close `descriptor`, or it holds on.
    """

    def __init__(self, root: Path, descriptor: int) -> None:
        self.root = root
        self.descriptor = descriptor

    def __repr__(self) -> str:
        return f"<DataDirectory {self.root} {'released' if self.descriptor < 0 else 'held'}>"

    @classmethod
    def open(cls, root: Path) -> "DataDirectory":
        """Make the directory if need be, and take hold of it. Raises DataDirectoryInUseError.

        It is its owner's alone (mode 0700) from its first use on: functions' variables are in it. One that holds
        somebody's files already keeps its mode.
        """
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if all(entry.name == "lost+found" for entry in root.iterdir()):
            root.chmod(0o700)
        descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # An advisory lock on the open file: the kernel drops it when the last descriptor of it closes.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DataDirectoryInUseError(f"{root} (process {holder}): {DataDirectoryInUseError.__doc__}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(root, descriptor)

    def close(self) -> None:
        """Let go; idempotent."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> "DataDirectory":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
