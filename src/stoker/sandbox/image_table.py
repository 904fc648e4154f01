"""The table by which an image is put back: system calls in order, as the few instructions of `memory_image` make them.

Pure but for `sealed`. What the calls are is decided in `snapshot.py`.
"""

import fcntl
import os
from collections.abc import Iterable

from stoker.bootstrap import memory_image
from stoker.bootstrap.memory_image import ENTRY, HEADER_ADDRESS, MESSAGE_ADDRESS, TABLE_ADDRESS, TABLE_BYTES

# Numbers on x86_64, where alone this is done.
READ, OPEN, CLOSE, MMAP, MUNMAP, BRK, PREAD, MADVISE = 0, 2, 3, 9, 11, 12, 17, 28
# Linux 5.14: have pages at hand for reading; have them for this process alone, as if they had been written to.
POPULATE_READ, POPULATE_WRITE = 22, 23
_STRINGS_BYTES = 256 << 10
_STRINGS_AT = TABLE_BYTES - _STRINGS_BYTES
_F_ADD_SEALS, _SEAL_ALL = 1033, 0xF

# A piece of memory, as address and size in whole pages, and the advice to the kernel.
Advice = tuple[int, int, int]


class ImageTable:
    """One in the making: how memory is put back. What every table ends with is added by `sealed`."""

    def __init__(self) -> None:
        self._entries = bytearray()
        self._strings = bytearray()

    @property
    def overfull(self) -> bool:
        """Whether it has become larger than a table may be, which it must not be when it is sealed."""
        return (
            memory_image.TABLE_OFFSET + len(self._entries) + len(_end()) > _STRINGS_AT
            or len(self._strings) > _STRINGS_BYTES
        )

    def call(self, number: int, *arguments: int, flags: int = 0) -> None:
        """Make this system call."""
        self._entries += _entry(number, *arguments, flags=flags)

    def string(self, text: bytes) -> int:
        """The address at which a call finds this text."""
        at = TABLE_ADDRESS + _STRINGS_AT + len(self._strings)
        self._strings += text + b"\0"
        return at

    def sealed(self, advice: Iterable[Advice]) -> int:
        """A descriptor of the table, which nobody can change. As much of the advice as there is room for is taken."""
        told = bytearray()
        room = _STRINGS_AT - memory_image.TABLE_OFFSET - len(self._entries) - len(_end())
        for address, size, kind in advice:
            if len(told) + ENTRY.size <= room:
                told += _entry(MADVISE, address, size, kind, flags=memory_image.MAY_FAIL)
        table = os.memfd_create("template-table", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            head = memory_image.code().ljust(memory_image.TABLE_OFFSET, b"\0")
            os.pwrite(table, head + self._entries + told + _end(), 0)
            os.pwrite(table, self._strings, _STRINGS_AT)
            os.ftruncate(table, TABLE_BYTES)
            return seal(table)
        finally:
            os.close(table)


def _end() -> bytes:
    # Here it waits. What was in the function's process goes on once it has been told whose it is now.
    return (
        _entry(CLOSE, memory_image.IMAGE_DESCRIPTOR)
        + _entry(READ, memory_image.ORDER_DESCRIPTOR, MESSAGE_ADDRESS, memory_image.MAX_MESSAGE_BYTES)
        + _entry(CLOSE, memory_image.ORDER_DESCRIPTOR)
        + _entry(-1, HEADER_ADDRESS + memory_image.CONTEXT_OFFSET)
    )


def _entry(number: int, *arguments: int, flags: int = 0) -> bytes:
    return ENTRY.pack(number, *(*arguments, 0, 0, 0, 0, 0, 0)[:6], flags)


def seal(file: int) -> int:
    """A descriptor that only reads, of a memory file that nobody can change any more."""
    fcntl.fcntl(file, _F_ADD_SEALS, _SEAL_ALL)
    return os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
