"""An append-only journal in memory-mapped files: a record is safe from kill -9 once `append` has returned.

The dirty pages of a shared mapping belong to the kernel, so they outlive the process; a power failure may lose the last
seconds, as with `synchronous=NORMAL`. A segment file is `MAGIC`, then records, then zeros to its fixed size; a
record is its length and CRC-32 (`<II`) and its payload. Each start begins a new segment, so that
a torn record can only be a segment's last.
"""

import ctypes
import mmap
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stoker.linux import page_copies

MAGIC = b"stkjrnl1"
_HEADER = struct.Struct("<II")
_SUFFIX = ".journal"
# Pages are got ready so far ahead of the appender, by a thread that nobody waits for: a first write is a page fault, in
# which the file system notes that the page is dirty, 4.8 µs measured. Asked for again when a quarter is left, which
# 10,000 invocations a second use up in 10 ms. A spare has its first pages only: they count as Stoker's memory.
_READY_BYTES = 256 << 10
_SPARE_READY_BYTES = 64 << 10


class JournalFullError(Exception):
    """The journal is full: the telemetry database or the disk cannot keep up, so nothing more is acknowledged."""


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Position:
    """A place between two records."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalSize:
    """How much a journal may hold: 128 MiB, a tenth of it for essential records only (some 50,000 ledger rows).

    Segments are small, because mapped pages count as Stoker's memory until their segment is released. The spares,
    made ahead, are two seconds of records at 10,000 invocations/s; making one takes under a millisecond, unless
    the file system is busy with somebody's fsync.
    """

    segment_bytes: int = 4 << 20
    max_segments: int = 32
    reserved_segments: int = 4
    spare_segments: int = 4


class Segment:
    """One mapped file. `end` is written by the appender only, after the bytes before it; so is `mark`, behind which it
    looks for room and for pages that are ready.
    """

    def __init__(self, number: int, path: Path, memory: mmap.mmap) -> None:
        self.number = number
        self.path = path
        self.memory = memory
        self.size = len(memory)
        self.end = 0
        self.mark = 0
        self._ready = 0
        self.find_end()

    @classmethod
    def create(cls, path: Path, size: int) -> "Segment":
        """A new file of zeros. Raises OSError when the disk has no room for all of it."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # Takes the disk blocks now: a write to a mapped hole of a full disk is a SIGBUS, not an error.
            os.posix_fallocate(descriptor, 0, size)
            memory = mmap.mmap(descriptor, size)
        except BaseException:
            path.unlink()
            raise
        finally:
            os.close(descriptor)
        memory[: len(MAGIC)] = MAGIC
        segment = cls(_number_of(path), path, memory)
        segment.ready_until(_SPARE_READY_BYTES)()
        return segment

    @classmethod
    def load(cls, path: Path) -> "Segment | None":
        """What an earlier process left; None for a file that it was killed while making."""
        with path.open("r+b") as file:
            if os.fstat(file.fileno()).st_size <= len(MAGIC):
                return None
            memory = mmap.mmap(file.fileno(), 0)
        if memory[: len(MAGIC)] != MAGIC:
            memory.close()
            return None
        return cls(_number_of(path), path, memory)

    def records(self, offset: int, end: int) -> Iterator[tuple[bytes, int]]:
        """Each payload from `offset` on that ends by `end`, with the offset behind it."""
        offset = max(offset, len(MAGIC))
        while offset < end:
            length, _ = _HEADER.unpack_from(self.memory, offset)
            start, offset = offset + _HEADER.size, offset + _HEADER.size + length
            yield self.memory[start:offset], offset

    def find_end(self) -> None:
        """Set `end` to where the records end, by their lengths and checksums."""
        offset = len(MAGIC)
        while offset + _HEADER.size <= self.size:
            length, checksum = _HEADER.unpack_from(self.memory, offset)
            start = offset + _HEADER.size
            if not length or start + length > self.size or zlib.crc32(self.memory[start : start + length]) != checksum:
                break
            offset = start + length
        self.end = offset

    def ready_until(self, offset: int) -> Callable[[], None]:
        """What makes the pages up to there ready, in any thread; a write that comes before makes its page ready."""
        start, self._ready = self._ready, self.size if offset >= self.size else offset // mmap.PAGESIZE * mmap.PAGESIZE
        self.mark = self.size if self._ready == self.size else self._ready - _READY_BYTES // 4
        # By its address: who holds a buffer of the mapping keeps it from being closed.
        pages = (ctypes.addressof(ctypes.c_char.from_buffer(self.memory)) + start, self._ready - start)
        return lambda: page_copies.make([pages])

    def remove(self) -> None:
        self.memory.close()
        self.path.unlink()


class Journal:
    """`append` belongs to one thread, `read` and `release` to another; neither waits for the other or the disk.

    The reader lags behind by at most `size.max_segments` files. Beyond all but the reserved ones only essential
    records are taken, beyond all none: memory and disk stay bounded and no acknowledged record is ever overwritten.
    """

    def __init__(self, root: Path, *, after: Position, size: JournalSize) -> None:
        """Map what is left in `root` from `after` on, and begin a new segment. Raises OSError on a full disk."""
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._size = size
        # Grown by the appender, shrunk by the reader; a dict's own operations are atomic.
        self._segments = _load_segments(root, after.segment)
        self._number = max([after.segment, *self._segments])
        self._preparer = ThreadPoolExecutor(1, thread_name_prefix="journal-prepare")
        self._current = self._create_next()
        self._segments[self._current.number] = self._current
        self._in_reserve = self._is_in_reserve(0)
        self._spares = deque(self._preparer.submit(self._create_next) for _ in range(size.spare_segments))

    def __repr__(self) -> str:
        return f"<Journal {len(self._segments)} of {self._size.max_segments} segments, at {self.end}>"

    @property
    def end(self) -> Position:
        """Behind the last record."""
        return Position(segment=self._current.number, offset=self._current.end)

    @property
    def lag(self) -> int:
        """Full segments that are not released yet."""
        return len(self._segments) - 1

    def behind(self, position: Position) -> int:
        """How many bytes of records there are after `position`. For the reader's thread."""
        size = 0
        for number, segment in list(self._segments.items()):
            if number >= position.segment:
                read = position.offset if number == position.segment else 0
                size += segment.end - max(read, len(MAGIC))
        return size

    def append(self, payload: bytes, *, essential: bool) -> bool:
        """Whether the record was taken. An essential one that cannot be taken raises JournalFullError."""
        record = _HEADER.pack(len(payload), zlib.crc32(payload)) + payload
        segment = self._current
        start = segment.end
        end = start + len(record)
        if end > segment.mark or self._in_reserve:
            if not self._make_room(len(record), essential):
                return False
            segment = self._current
            start = segment.end
            end = start + len(record)
        segment.memory[start:end] = record
        segment.end = end
        return True

    def read(self, start: Position, max_records: int, max_bytes: int) -> tuple[list[bytes], Position]:
        """The next payloads after `start`, one at least if there is one, and the position behind the last of them."""
        payloads: list[bytes] = []
        size = 0
        number, offset = start.segment, start.offset
        while True:
            # `last` before `end`: a segment that is not the last one has its final end.
            last = self._current.number
            if segment := self._segments.get(number):
                for payload, behind in segment.records(offset, segment.end):
                    payloads.append(payload)
                    size += len(payload)
                    offset = behind
                    if len(payloads) >= max_records or size >= max_bytes:
                        return payloads, Position(segment=number, offset=offset)
            if number >= last:
                return payloads, Position(segment=number, offset=offset)
            number, offset = min(other for other in list(self._segments) if other > number), 0

    def release(self, position: Position) -> None:
        """Forget the segments before `position`; their records are elsewhere now."""
        for number in [number for number in list(self._segments) if number < position.segment]:
            self._segments.pop(number).remove()

    def close(self) -> None:
        """Unmap everything; what was appended stays on disk for the next start. Nothing may be called afterwards."""
        self._preparer.shutdown()
        for spare in self._spares:
            if spare.exception() is None:
                spare.result().remove()
        for segment in self._segments.values():
            segment.memory.close()

    def _make_room(self, size: int, essential: bool) -> bool:
        """Rotate if the record does not fit. What is essential may use the reserve, and must succeed."""
        needs_rotation = self._current.end + size > self._current.size
        self._in_reserve = self._is_in_reserve(int(needs_rotation))
        if self._in_reserve and not essential:
            return False
        failure = self._rotate() if needs_rotation else None
        if failure is not None:
            if essential:
                raise JournalFullError(f"{self!r}: {failure}") from failure
            return False
        if self._current.end + size > self._current.mark:
            self._preparer.submit(self._current.ready_until(self._current.end + size + _READY_BYTES))
        return True

    def _rotate(self) -> Exception | None:
        """Go on in the prepared segment; why not, if that cannot be."""
        if len(self._segments) >= self._size.max_segments:
            return JournalFullError(JournalFullError.__doc__)
        if not self._spares[0].done():
            return JournalFullError("the next segment is still being made")
        spare = self._spares.popleft()
        self._spares.append(self._preparer.submit(self._create_next))
        failure = spare.exception()
        if isinstance(failure, OSError):
            return failure
        segment = spare.result()
        # A reader that meets it as the last one looks for it there.
        self._segments[segment.number] = segment
        self._current = segment
        return None

    def _is_in_reserve(self, more: int) -> bool:
        return len(self._segments) + more > self._size.max_segments - self._size.reserved_segments

    def _create_next(self) -> Segment:
        number = self._number + 1
        segment = Segment.create(segment_path(self._root, number), self._size.segment_bytes)
        self._number = number
        return segment


def segment_path(root: Path, number: int) -> Path:
    """The file of a segment."""
    return root / f"{number:012}{_SUFFIX}"


def segments_in(root: Path) -> list[int]:
    """The numbers of all segments that have a file, spares too."""
    return [_number_of(path) for path in root.glob(f"*{_SUFFIX}")]


def _number_of(path: Path) -> int:
    return int(path.name.removesuffix(_SUFFIX))


def _load_segments(root: Path, first: int) -> dict[int, Segment]:
    """What is left to read; older and unfinished files are removed."""
    segments: dict[int, Segment] = {}
    for path in sorted(root.glob(f"*{_SUFFIX}")):
        segment = Segment.load(path) if _number_of(path) >= first else None
        if segment is None:
            path.unlink()
        else:
            segments[segment.number] = segment
    return segments
