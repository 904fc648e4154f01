"""What process 1 of an environment becomes once it has nothing left to do but to reap.

It tells the host of its worker's end and ends itself, which ends every process of its namespace; where there are
external extensions it tells of everybody's end and ends with the last. Python takes 4 MB for that wait, so on x86_64 it
gives all its memory away but some pages, and waits in a few instructions. Elsewhere Python does the same.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from typing import NoReturn

from stoker.linux import placed_memory, syscalls
from stoker.linux.placed_memory import EXECUTE, PAGE, READ, WRITE

# Process 1 forks once, and the first to be forked in a pid namespace is its second.
WORKER = 2
_EVERYBODY = 0xFFFF_FFFF
# What is told of an end: pid, status (both as wait4 gives them), times used (2 timevals), the peak of memory in KiB.
REPORT = struct.Struct("=2i5q")

# Code, then a page with the table of what is to go and with the report, then the page that the worker shares.
_CODE = 0x1800_0000_0000
_TABLE, _REPORT, SHARED = _CODE + PAGE, _CODE + PAGE + 1024, _CODE + 2 * PAGE
# The end of what a process may map, where it was not asked for more (5-level page tables).
_USER_END = 0x7FFF_FFFF_F000
# The command line is at the end of the stack, for `ps`.
_STACK_KEPT = 2 * PAGE
# reap(table, descriptor, address of the highest pid that is told of, address of the report)
_REAP = bytes.fromhex(
    "f30f1efa4889fb4189f44989d54989ce"  # endbr64; rbx, r12d, r13, r14 = arguments
    "488b3b488b73084885f6740d"  # unmap: rdi, rsi = [rbx], [rbx+8]; size 0: to wait
    "b80b0000000f054883c310ebe7"  # munmap; next entry
    "bfffffffff498d760431d24d8d5608b83d0000000f05"  # wait: wait4(-1, report+4, 0, report+8)
    "83f8f6742685c078e1"  # ECHILD: to exit; another error: to wait
    "418906413b450077d8"  # report = pid; above the highest that is told of: to wait
    "4489e74c89f6ba30000000b8010000000f05"  # write(descriptor, report, 48)
    "41837d000275bf"  # others than the worker are told of: to wait
    "31ffb8e70000000f05"  # exit: exit_group(0)
)
_Code = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_libc = ctypes.CDLL(None)
_libc.pthread_self.restype = ctypes.c_size_t


class Reaper:
    """Made by process 1 before it forks its worker, who has to `leave`."""

    def __init__(self) -> None:
        placed_memory.place(SHARED, PAGE, READ | WRITE, shared=True)
        self._highest = ctypes.c_uint32.from_address(SHARED)
        self._highest.value = WORKER

    def leave(self, tell_of_all: bool) -> None:
        """In the worker, before anything that is not the platform's runs: whether others have ends to be told of."""
        if tell_of_all:
            self._highest.value = _EVERYBODY
        del self._highest
        placed_memory.remove(SHARED, PAGE)

    def run(self, control: int) -> NoReturn:
        """Reap, and write a REPORT to the descriptor for each end that is to be told of. In process 1."""
        if syscalls.MACHINE == syscalls.X86_64:
            with contextlib.suppress(OSError):
                self._run_small(control)
        while True:
            try:
                pid, status, usage = os.wait4(-1, 0)
            except ChildProcessError:
                os._exit(0)
            if pid > self._highest.value:
                continue
            # The host may have gone first; then nobody wants to know.
            with contextlib.suppress(BrokenPipeError):
                os.write(control, REPORT.pack(pid, status, 0, 0, 0, 0, usage.ru_maxrss))
            if self._highest.value == WORKER:
                os._exit(0)

    def _run_small(self, control: int) -> None:
        """OSError where memory may not hold instructions that were written to it."""
        placed_memory.place(_CODE, 2 * PAGE, READ | WRITE)
        table = b"".join(struct.pack("<2q", *gap) for gap in gaps([*_kept(), (_CODE, SHARED + PAGE)]))
        ctypes.memmove(_CODE, _REAP, len(_REAP))
        ctypes.memmove(_TABLE, table, len(table))
        placed_memory.protect(_CODE, PAGE, READ | EXECUTE)
        _Code(_CODE)(_TABLE, control, SHARED, _REPORT)


def _kept() -> list[tuple[int, int]]:
    """What has to stay, as beginnings and ends: what is the kernel's own, the command line, and the thread's record.

    The kernel writes to the last whenever the thread comes back from having waited (rseq(2)), and ends a process where
    it cannot.
    """
    record = (_libc.pthread_self() + _rseq_offset()) // PAGE * PAGE
    kept = [(record, record + PAGE)]
    with open("/proc/self/maps") as file:
        for line in file:
            if "[v" in line or "[stack]" in line:
                start, _, end = line.partition(" ")[0].partition("-")
                first = int(end, 16) - _STACK_KEPT if "[stack]" in line else int(start, 16)
                kept.append((first, int(end, 16)))
    return kept


def _rseq_offset() -> int:
    """Where the record is from the thread's own block. The C library has none before glibc 2.35."""
    try:
        return ctypes.c_ssize_t.in_dll(_libc, "__rseq_offset").value
    except ValueError:
        return 0


def gaps(kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """All that a process may map but these, from beginning to end each, as addresses and sizes."""
    found = []
    at = 0
    for start, end in sorted(kept):
        if start > at and at < _USER_END:
            found.append((at, min(start, _USER_END) - at))
        at = max(at, end)
    if at < _USER_END:
        found.append((at, _USER_END - at))
    return found
