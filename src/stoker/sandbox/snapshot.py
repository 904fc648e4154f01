"""A function's memory after its init, taken from one sandbox and put into others: what of that the host does.

What is taken is the function's own, and so hostile: it is copied, never obeyed. It is put back by the worker of an
ordinary blank, which has given up every right before, so that whoever made the image gets no more by it than what
its own code could do in there anyway. Nothing forks once a function's code has run.
"""

import json
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from stoker.bootstrap import memory_image
from stoker.bootstrap.memory_image import HEADER_ADDRESS, MAGIC, MESSAGE_ADDRESS, TABLE_ADDRESS, TABLE_BYTES
from stoker.linux import process_memory, syscalls
from stoker.linux.placed_memory import PAGE
from stoker.linux.process_memory import Mapping, ProcessMemory
from stoker.sandbox import image_table
from stoker.sandbox.image_pages import ImagePages
from stoker.sandbox.image_table import Advice, ImageTable

# Bounds on what a hostile function makes the host look at; a large one (numpy, pandas) has a thousand mappings.
MAX_MAPPINGS = 8192
MAX_MAPPED_BYTES = 8 << 30
MAX_FACTS_BYTES = 1 << 20
# A piece of a file that is no larger is copied: opening the file again takes longer than mapping the image once more.
SMALL_FILE_BYTES = 256 << 10
STACK = "[stack]"
_USER_END = 0x7FFF_FFFF_F000
_STACK_RED_ZONE = 256
_MAP_FIXED, _MAP_PRIVATE, _MAP_SHARED, _MAP_ANONYMOUS, _MAP_NORESERVE = 0x10, 0x02, 0x01, 0x20, 0x4000


class SnapshotRefusedError(Exception):
    """A process whose memory cannot be taken elsewhere; the message says why, in words for the function's owner."""


@dataclass(kw_only=True, eq=False)
class Snapshot:
    """An image, as a sealed memory file, of a process that came from the fork server `zygote`.

    `table` says how it is put back. `size_bytes` is what the image takes; `memory_bytes` what the sandbox had used when
    it was taken. `mappings` are those that a process has which came of it, but for the stack and the kernel's. `looks`
    map what of it is in huge pages. `on_close` is called when it is let go.
    """

    image: int
    table: int
    steps: ImageTable
    mappings: Sequence[Mapping]
    looks: Sequence[Advice]
    size_bytes: int
    memory_bytes: int
    zygote: object
    rehearsed: bool = False
    closed: bool = False
    on_close: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<Snapshot of {self.size_bytes / (1 << 20):.1f} MB{' closed' if self.closed else ''}>"

    def advise(self, advice: Iterable[Advice]) -> None:
        """Have this done in every process that comes of it from now on, when its memory is back."""
        if not self.closed:
            before, self.table = self.table, self.steps.sealed(advice)
            os.close(before)

    def close(self) -> None:
        """Let the image go; idempotent. Processes that came of it keep theirs."""
        if not self.closed:
            self.closed = True
            os.close(self.image)
            os.close(self.table)
            if self.on_close is not None:
                self.on_close()


def take(init_pid: int, *, limit_bytes: int, zygote: object, memory_bytes: int) -> Snapshot:
    """The image of the process below `init_pid` that waits for it. Takes tens of ms; all must stand still meanwhile.

    Raises SnapshotRefusedError, also where the machine does not let it be read.
    """
    if os.uname().machine != syscalls.X86_64:
        raise SnapshotRefusedError("templates are made on x86_64 only")
    try:
        base = process_memory.mappings(process_memory.parent(init_pid))
        pid = _find(init_pid)
        with ProcessMemory(pid) as memory:
            return _Taking(process_memory.mappings(pid), base, memory, limit_bytes).run(zygote, memory_bytes)
    except SnapshotRefusedError:
        raise
    except Exception as error:  # The boundary to what a hostile process wrote: it may be wrong in any way.
        raise SnapshotRefusedError(f"its memory could not be read: {type(error).__name__}") from error


def _find(init_pid: int) -> int:
    for pid in process_memory.descendants(init_pid):
        try:
            with ProcessMemory(pid) as memory:
                if memory.read(HEADER_ADDRESS + PAGE, len(MAGIC)) == MAGIC:
                    return pid
        except OSError:
            continue
    raise SnapshotRefusedError("the process that was to be taken is not there")


class _Taking:
    """One image in the making: a file that begins with the table, and the entries of the table."""

    def __init__(
        self, mappings: Sequence[Mapping], base: Sequence[Mapping], memory: ProcessMemory, limit_bytes: int
    ) -> None:
        self._mappings = mappings
        self._inherited = {(each.start, each.end, each.access, each.offset, each.file) for each in base if each.file}
        self._memory = memory
        self._limit_bytes = limit_bytes
        self._table = ImageTable()
        self._kept: list[tuple[int, int]] = []
        self._maps: list[tuple[str, Mapping]] = []
        self._pages = ImagePages()
        self._size = 0
        self._offset = 0
        if (
            len(mappings) > MAX_MAPPINGS
            or sum(each.size for each in mappings if each.access[0] == "r") > MAX_MAPPED_BYTES
        ):
            raise SnapshotRefusedError("its memory is in too many pieces or too large")

    def run(self, zygote: object, memory_bytes: int) -> Snapshot:
        address, size = struct.unpack("<2q", self._memory.read(HEADER_ADDRESS + memory_image.FACTS_OFFSET, 16))
        if not 0 < size <= MAX_FACTS_BYTES:
            raise SnapshotRefusedError("it says nothing of itself")
        facts = json.loads(self._memory.read(address, size))
        files: dict[str, str] = facts["files"]
        image = os.memfd_create("template", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            dumped = [plan for each in self._mappings if (plan := self._plan(each, image))]
            self._write_entries(dumped, files, int(facts["break"]))
            if self._table.overfull:
                raise SnapshotRefusedError("its memory is in too many pieces, or it maps too many files")
            os.ftruncate(image, self._offset)
            added = self._pages.collect(image, self._offset)
            sealed = image_table.seal(image)
        finally:
            os.close(image)
        return Snapshot(
            image=sealed,
            table=self._table.sealed([]),
            steps=self._table,
            mappings=[
                each
                for each in self._mappings
                if each.access[0] == "r" and not _is_kernels(each) and each.name != STACK
            ],
            looks=[
                look
                for kind, each, place, size in dumped
                if kind == "image"
                for look in self._pages.looks(each.start, size, place)
            ],
            size_bytes=self._size + added,
            memory_bytes=memory_bytes,
            zygote=zygote,
        )

    def _plan(self, each: Mapping, image: int) -> tuple[str, Mapping, int, int] | None:
        """What is to be done for one mapping: ("file" | "image" | "empty" | "stack", it, offset, size)."""
        if _is_kernels(each):
            self._kept.append((each.start, each.end))
            return None
        if each.access[3] == "s":
            if each.access[1] == "w" or not each.file:
                raise SnapshotRefusedError("it shares memory at the end of the init")
            self._kept.append((each.start, each.end))
            return ("file", each, 0, 0) if self._key(each) not in self._inherited else None
        if each.name == STACK:
            return self._plan_stack(each, image)
        self._kept.append((each.start, each.end))
        if each.access[0] != "r":
            own: list[tuple[int, int]] = []
        else:
            own = list(self._memory.own_pages(each))
        if not own:
            if not each.file:
                return "empty", each, 0, 0
            if self._key(each) in self._inherited:
                return None
            if each.size > SMALL_FILE_BYTES or each.access[0] != "r":
                return "file", each, 0, 0
        if each.file:
            own = [(each.start, each.size)]
        place = self._offset
        for address, size in own:
            self._copy(address, size, image, place + address - each.start)
        self._offset = place + each.size
        return "image", each, place, each.size

    def _plan_stack(self, each: Mapping, image: int) -> tuple[str, Mapping, int, int]:
        """Read into the stack that is there: a mapping over it would not grow."""
        (pointer,) = struct.unpack("<q", self._memory.read(HEADER_ADDRESS + memory_image.CONTEXT_OFFSET + 48, 8))
        if not each.start <= pointer < each.end:
            raise SnapshotRefusedError("it does not run on its main thread's stack")
        start = max(each.start, pointer - _STACK_RED_ZONE)
        self._kept.append((each.start, each.end))
        place, size = self._offset, each.end - start
        self._copy(start, size, image, place)
        self._offset = place + _pages(size)
        moved = Mapping(start=start, end=each.end, access="", offset=0, file="", name=STACK)
        return "stack", moved, place, size

    def _copy(self, address: int, size: int, image: int, offset: int) -> None:
        self._size += size
        if self._size > self._limit_bytes:
            raise SnapshotRefusedError("its memory is larger than the function's")
        self._memory.copy(address, size, image, offset)
        self._pages.fill(offset, size)

    def _write_entries(self, plans: list[tuple[str, Mapping, int, int]], files: dict[str, str], heap_end: int) -> None:
        image, call = memory_image.IMAGE_DESCRIPTOR, self._table.call
        kept = [
            *self._kept,
            (TABLE_ADDRESS, TABLE_ADDRESS + TABLE_BYTES),
            (MESSAGE_ADDRESS, MESSAGE_ADDRESS + memory_image.MAX_MESSAGE_BYTES),
        ]
        # First, as it looks for what is mapped below the present end.
        call(image_table.BRK, heap_end)
        end = PAGE * 16
        for start, stop in [*sorted(kept), (_USER_END, _USER_END)]:
            if start > end:
                call(image_table.MUNMAP, end, min(start, _USER_END) - end)
            elif start < end and start < _USER_END and end != PAGE * 16:
                raise SnapshotRefusedError("it uses addresses that are the platform's")
            end = max(end, stop)
        opened = ""
        plans = _joined(plans)
        for kind, each, place, size in sorted(plans, key=lambda plan: (plan[0] != "file", plan[1].file, plan[1].start)):
            if kind == "stack":
                call(image_table.PREAD, image, each.start, size, place)
            elif kind == "image":
                call(image_table.MMAP, each.start, size, _protection(each), _MAP_FIXED | _MAP_PRIVATE, image, place)
            elif kind == "empty":
                flags = _MAP_FIXED | _MAP_PRIVATE | _MAP_ANONYMOUS | _MAP_NORESERVE
                call(image_table.MMAP, each.start, each.size, _protection(each), flags, -1, 0)
            else:
                if each.file != opened:
                    self._open(files[each.file], close=bool(opened))
                    opened = each.file
                share = _MAP_SHARED if each.access[3] == "s" else _MAP_PRIVATE
                arguments = (each.start, each.size, _protection(each), _MAP_FIXED | share, 0, each.offset)
                call(image_table.MMAP, *arguments, flags=memory_image.KEPT_AS_FIFTH)
        if opened:
            call(image_table.CLOSE, flags=memory_image.KEPT_AS_FIRST)

    def _open(self, path: str, *, close: bool) -> None:
        if close:
            self._table.call(image_table.CLOSE, flags=memory_image.KEPT_AS_FIRST)
        if path.endswith(" (deleted)"):
            raise SnapshotRefusedError("it maps a file that is deleted")
        at = self._table.string(os.fsencode(path))
        self._table.call(image_table.OPEN, at, os.O_RDONLY | os.O_CLOEXEC, 0, flags=memory_image.KEEP_RESULT)

    @staticmethod
    def _key(each: Mapping) -> tuple[int, int, str, int, str]:
        return each.start, each.end, each.access, each.offset, each.file


def _joined(plans: list[tuple[str, Mapping, int, int]]) -> list[tuple[str, Mapping, int, int]]:
    """Neighbours in memory and in the image, with the same rights, are one."""
    joined: list[tuple[str, Mapping, int, int]] = []
    for kind, each, place, size in plans:
        if joined and kind == joined[-1][0] == "image":
            _, last, at, length = joined[-1]
            if (last.end, at + length, last.access) == (each.start, place, each.access):
                joined[-1] = kind, replace(last, end=each.end), at, length + size
                continue
        joined.append((kind, each, place, size))
    return joined


def _is_kernels(each: Mapping) -> bool:
    return each.name.startswith("[v") or each.start >= _USER_END


def _protection(each: Mapping) -> int:
    return sum(bit for bit, letter in ((1, "r"), (2, "w"), (4, "x")) if letter in each.access[:3])


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
