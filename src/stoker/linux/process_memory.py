"""Another process's memory: what is mapped where, which pages are its own, and what they hold.

The process must stand still meanwhile. Who may look is the kernel's decision (ptrace access, read mode).
"""

import array
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = 4096
# Documentation/admin-guide/mm/pagemap.rst: bit 56, page exclusively mapped; 61, file-page or shared-anon; 62 swapped;
# 63 present.
_EXCLUSIVE, _FILE, _SWAPPED, _PRESENT = 1 << 56, 1 << 61, 1 << 62, 1 << 63
_CHUNK_PAGES = 256


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """A line of /proc/PID/maps. `file` is "device:inode", empty for memory without a file; `name` is for people."""

    start: int
    end: int
    access: str
    offset: int
    file: str
    name: str

    @property
    def size(self) -> int:
        return self.end - self.start


def mappings(pid: int) -> list[Mapping]:
    """What a process has mapped, in the order of addresses."""
    return [_mapping(line) for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").splitlines()]


def _mapping(line: str) -> Mapping:
    addresses, access, offset, device, inode, *name = line.split(None, 5)
    start, _, end = addresses.partition("-")
    return Mapping(
        start=int(start, 16),
        end=int(end, 16),
        access=access,
        offset=int(offset, 16),
        file="" if inode == "0" else f"{device}:{inode}",
        name=name[0] if name else "",
    )


def parent(pid: int) -> int:
    """The pid of a process's parent."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


def descendants(pid: int) -> Iterator[int]:
    """Children of a process and theirs, by its main thread."""
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        yield child
        yield from descendants(child)


class ProcessMemory:
    """One process's memory, open for reading; a context manager."""

    def __init__(self, pid: int) -> None:
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._pages = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(self._memory)
            raise

    def __enter__(self) -> "ProcessMemory":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._memory)
        os.close(self._pages)

    def read(self, address: int, size: int) -> bytes:
        """Fewer bytes where the memory ends before; OSError where there is none."""
        return os.pread(self._memory, size, address)

    def own_pages(self, mapping: Mapping) -> Iterator[tuple[int, int]]:
        """Runs of pages, as address and size, that hold something which is in no file."""
        start = end = 0
        for address in range(mapping.start, mapping.end, PAGE_BYTES * _CHUNK_PAGES):
            for place, entry in enumerate(self._entries(address, mapping.end)):
                if not entry & (_PRESENT | _SWAPPED) or entry & _FILE:
                    continue
                page = address + place * PAGE_BYTES
                if page != end:
                    if end:
                        yield start, end - start
                    start = page
                end = page + PAGE_BYTES
        if end:
            yield start, end - start

    def pages_at_hand(self, mapping: Mapping) -> tuple[list[int], list[int]]:
        """Addresses of pages that are in no file and in no other process, and of those that are in a file."""
        exclusive, in_file = [], []
        for address in range(mapping.start, mapping.end, PAGE_BYTES * _CHUNK_PAGES):
            for place, entry in enumerate(self._entries(address, mapping.end)):
                kind = entry & (_PRESENT | _EXCLUSIVE | _FILE)
                if kind == _PRESENT | _EXCLUSIVE:
                    exclusive.append(address + place * PAGE_BYTES)
                elif kind & (_PRESENT | _FILE) == _PRESENT | _FILE:
                    in_file.append(address + place * PAGE_BYTES)
        return exclusive, in_file

    def _entries(self, address: int, end: int) -> Sequence[int]:
        """What the kernel says of the next pages; none where it says nothing of any of them."""
        pages = min(_CHUNK_PAGES, (end - address) // PAGE_BYTES)
        entries = array.array("Q", os.pread(self._pages, pages * 8, address // PAGE_BYTES * 8))
        return entries if any(entries) else ()

    def copy(self, address: int, size: int, target: int, offset: int) -> None:
        """Write a piece of the memory into the file `target` at `offset`."""
        buffer = memoryview(bytearray(min(size, 1 << 20)))
        done = 0
        while done < size:
            got = os.preadv(self._memory, [buffer[: size - done]], address + done)
            if got <= 0:
                raise OSError(f"memory at {address + done:x} cannot be read")
            os.pwrite(target, buffer[:got], offset + done)
            done += got
