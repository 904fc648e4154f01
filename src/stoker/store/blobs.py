"""Content-addressed files: a blob's name is the SHA-256 of its bytes."""

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import BinaryIO

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


class BlobMissingError(LookupError):
    """There is no blob of this digest."""


class BlobStore:
    """Blobs under `root`, in 256 directories by their first two digits. Every method blocks: call it in a thread.

    Once `put` has returned, the blob outlives kill -9 and a power failure. Only one process may use a root (see
    `data_dir`): opening it removes what an interrupted `put` of the last one left behind.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unfinished = root / "unfinished"
        self._unfinished.mkdir(parents=True, exist_ok=True)
        for leftover in self._unfinished.iterdir():
            leftover.unlink()

    def put(self, data: bytes) -> str:
        """Keep `data`; its digest in hex. A blob that is already there is checked, and replaced if it was damaged."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if _digest_of(target) == digest:
            return digest
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _sync_directory(self._root)
        self._write(data, target)
        return digest

    def path(self, digest: str) -> Path:
        """Where the blob of this digest is, if it is there. Raises ValueError for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"not a SHA-256 in hex: {digest!r}")
        return self._root / digest[:2] / digest

    def open(self, digest: str) -> BinaryIO:
        """The blob, open for reading. Raises BlobMissingError."""
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError as error:
            raise BlobMissingError(digest) from error

    def delete(self, digest: str) -> None:
        """Forget the blob; one that is not there is no error. What is open stays readable."""
        target = self.path(digest)
        try:
            target.unlink()
        except FileNotFoundError:
            return
        _sync_directory(target.parent)

    def _write(self, data: bytes, target: Path) -> None:
        """Write beside, then rename: under its name a blob is whole or absent."""
        draft = self._unfinished / secrets.token_hex(16)
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                # Bytes before name: a rename may survive a power cut that bytes in the page cache don't.
                os.fsync(file.fileno())
            draft.rename(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
            raise
        _sync_directory(target.parent)


def _digest_of(path: Path) -> str | None:
    """The digest of the file's bytes, None if there is no such file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _sync_directory(path: Path) -> None:
    """A name lives in its directory: the kernel writes the entry to disk when the directory is synced."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
