"""The audit log on the disk: JSON lines in files of bounded size, of which the oldest go."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FILE_BYTES = 16 << 20
FILES = 8
_CURRENT = "current.jsonl"


class AuditLog:
    """Appends records, those that wait together with one fsync; reads them, newest first.

    A record is in the file when `append` returns, also after a power cut. `close` at the end.
    """

    def __init__(self, folder: Path, *, file_bytes: int = FILE_BYTES, files: int = FILES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._file_bytes = file_bytes
        self._files = files
        # The only one that writes, so that files are changed in order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit")
        self._waiting: list[bytes] = []
        self._flush: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<AuditLog {self._folder}>"

    async def append(self, record: Mapping[str, Any]) -> None:
        """Write a record down. Raises OSError when the disk does not take it."""
        self._waiting.append(json.dumps(record, separators=(",", ":"), default=str).encode() + b"\n")
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_waiting())
        await asyncio.shield(self._flush)

    async def read(self, wanted: Callable[[Mapping[str, Any]], bool], limit: int) -> Sequence[Mapping[str, Any]]:
        """The newest `limit` records that are wanted, newest first."""
        return await asyncio.to_thread(self._read, wanted, limit)

    async def close(self) -> None:
        if self._flush is not None:
            with contextlib.suppress(OSError):
                await self._flush
        await asyncio.to_thread(self._thread.shutdown)

    async def _write_waiting(self) -> None:
        async with self._turn:
            lines, self._waiting, self._flush = self._waiting, [], None
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, b"".join(lines))

    def _write(self, lines: bytes) -> None:
        path = self._folder / _CURRENT
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A power cut may have left half a line: it is closed, so that only that one cannot be read.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, b"\n" * torn + lines)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if size + len(lines) > self._file_bytes:
            path.rename(self._folder / f"{time.time_ns():020d}.jsonl")
            for old in self._full()[self._files - 1 :]:
                old.unlink()

    def _full(self) -> list[Path]:
        """The files that are written no more, newest first."""
        return sorted((each for each in self._folder.glob("*.jsonl") if each.name != _CURRENT), reverse=True)

    def _read(self, wanted: Callable[[Mapping[str, Any]], bool], limit: int) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for record in self._newest_first():
            if len(found) == limit:
                break
            if wanted(record):
                found.append(record)
        return found

    def _newest_first(self) -> Iterator[Mapping[str, Any]]:
        for path in (self._folder / _CURRENT, *self._full()):
            # One that has just been renamed or removed is found under its new name by the next reader.
            with contextlib.suppress(FileNotFoundError):
                for line in reversed(path.read_bytes().splitlines()):
                    with contextlib.suppress(ValueError):
                        yield json.loads(line)
