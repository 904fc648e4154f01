"""Objects' bytes in files of this machine."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

READ_BYTES = 512 * 1024
_NAME = re.compile(r"[0-9a-f]{32}")
_UNFINISHED = ".part"


class LocalBytes:
    """Files under `root`: staged ones in `staged/`, settled ones in 256 directories by their first two digits.

    Only one process uses a root (see `store.data_dir`): opening it removes what was never finished.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staged = root / "staged"
        self._staged.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._staged.glob(f"*{_UNFINISHED}"):
            leftover.unlink()

    def __repr__(self) -> str:
        return f"<LocalBytes {self._root}>"

    def draft(self) -> "LocalDraft":
        return LocalDraft(self._staged)

    def read(self, blob: str, start: int, length: int) -> Iterator[bytes]:
        with self._open(blob) as file:
            file.seek(start)
            while length > 0:
                piece = file.read(min(READ_BYTES, length))
                if not piece:
                    raise OSError(f"blob {blob} is shorter than its row says")
                length -= len(piece)
                yield piece

    def _open(self, blob: str) -> BinaryIO:
        # It may be settled between two looks, but never goes back.
        for path in (self._settled(blob), self._staged / blob, self._settled(blob)):
            with contextlib.suppress(FileNotFoundError):
                return path.open("rb", buffering=0)
        raise LookupError(blob)

    def settle(self, blobs: Sequence[str]) -> None:
        """Without a sync: a name in either directory is found, and after a power cut the start settles again."""
        for blob in blobs:
            target = self._settled(blob)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                (self._staged / blob).rename(target)

    def discard(self, blobs: Sequence[str]) -> None:
        for blob in blobs:
            for path in (self._staged / blob, self._settled(blob)):
                path.unlink(missing_ok=True)

    def staged(self) -> Sequence[str]:
        return [path.name for path in self._staged.iterdir() if _NAME.fullmatch(path.name)]

    def _settled(self, blob: str) -> Path:
        if _NAME.fullmatch(blob) is None:
            raise ValueError(f"not a blob's name: {blob!r}")
        return self._root / blob[:2] / blob


class LocalDraft:
    """A file that has no name anybody looks for until it is whole and on the disk."""

    def __init__(self, directory: Path) -> None:
        self._name = secrets.token_hex(16)
        self._directory = directory
        self._path = directory / f"{self._name}{_UNFINISHED}"
        # Unbuffered: what is written comes in large pieces.
        self._file = self._path.open("xb", buffering=0)
        self._path.chmod(0o600)

    def __repr__(self) -> str:
        return f"<LocalDraft {self._name}>"

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def finish(self) -> str:
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(self._directory / self._name)
        # A name lives in its directory: without this a power cut could take it away from a row that is committed.
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return self._name

    def abandon(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)
