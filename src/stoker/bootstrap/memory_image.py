"""A process's memory leaves it and comes back elsewhere: what of that happens inside a sandbox.

`leave` is called like a fork: it returns once in every process that the image becomes, and never in the one that it was
taken from. `become` turns the calling process into one. The host (`sandbox.snapshot`) reads the memory in between and
writes down how to put it back: as system calls that the few instructions below make, one after another, since nothing
of Python's can run while its memory is exchanged.

Every process here is a fork of one zygote, so the kernel's view of it agrees in all that memory cannot carry: where the
stack, the heap, the vDSO and the main thread's storage lie. x86_64 only.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct

from stoker.linux import placed_memory, syscalls
from stoker.linux.placed_memory import EXECUTE, PAGE, READ, WRITE

# Far from everything that the kernel places by itself, in any of the 47 bits of a user's addresses.
HEADER_ADDRESS = 0x0C00_0000_0000
TABLE_ADDRESS = 0x1000_0000_0000
MESSAGE_ADDRESS = 0x1400_0000_0000
# Read-only; and where the order comes from. Both are closed by the last entries of the table.
IMAGE_DESCRIPTOR, ORDER_DESCRIPTOR = 1023, 1022
# How many bytes the order may have.
MAX_MESSAGE_BYTES = 256 << 10
MAGIC = b"stoker image 01\n"
# At HEADER_ADDRESS: code, then in the next page the magic, registers, what to write, and where the facts lie.
CONTEXT_OFFSET = PAGE + len(MAGIC)
FACTS_OFFSET = CONTEXT_OFFSET + 96
# How `become` ends a process whose memory could not be put back.
FAILED_STATUS = 125

# leave(context): save the registers that a call preserves, write(fd, address, length) as the context says, then stand
# still. Without a stack and without Python, so that what is read from now on is what a resumed process continues from.
_LEAVE = bytes.fromhex(
    "f30f1efa"  # endbr64
    "48891f48896f084c8967104c896f184c8977204c897f2848896730"  # mov [rdi…], rbx rbp r12 r13 r14 r15 rsp
    "0fae5f38d97f3c"  # stmxcsr [rdi+56]; fnstcw [rdi+60]
    "488b7748488b5750488b7f40b8010000000f05"  # mov rsi,[rdi+72]; mov rdx,[rdi+80]; mov rdi,[rdi+64]; write
    "b8220000000f05ebf7"  # 1: pause; jmp 1b
)
# become(table): make each entry's system call; a failed one ends the process. At the entry with a negative number go on
# where the context at its first argument was saved, in which `leave` returns 1.
_BECOME = bytes.fromhex(
    "f30f1efa4889fb"  # endbr64; mov rbx, rdi
    "488b034885c07855"  # next: mov rax,[rbx]; test rax,rax; js done
    "488b7b08488b7310488b53184c8b53204c8b43284c8b4b30"  # mov rdi rsi rdx r10 r8 r9, [rbx+8…48]
    "f643380274034d89e0"  # flag 2: mov r8, r12 (the kept descriptor as mmap's)
    "f643380474034c89e7"  # flag 4: mov rdi, r12 (… as the first argument)
    "0f05f64338087508483d01f0ffff730f"  # syscall; unless flag 8: cmp rax, -4095; jae failed
    "f643380174034989c4"  # flag 1: mov r12, rax (keep the result)
    "4883c340ebaf"  # add rbx, 64; jmp next
    "bf7d000000b8e70000000f05"  # failed: exit_group(125)
    "488b7b08488b1f488b6f084c8b67104c8b6f184c8b77204c8b7f28488b6730"  # done: rdi = context; registers back
    "0fae5738d96f3cb801000000c3"  # ldmxcsr; fldcw; mov eax, 1; ret
)
KEEP_RESULT, KEPT_AS_FIFTH, KEPT_AS_FIRST, MAY_FAIL = 1, 2, 4, 8
ENTRY = struct.Struct("<8q")
TABLE_OFFSET = 512
TABLE_BYTES = 4 << 20

_PR_GET_TID_ADDRESS = 40
_Code = ctypes.PYFUNCTYPE(ctypes.c_long, ctypes.c_void_p)


class ImageRefusedError(Exception):
    """The memory of this process cannot be taken elsewhere; says why."""


def code() -> bytes:
    """What the host puts at the beginning of the table's first page."""
    return _BECOME


def thread_id_address() -> int:
    """Where the C library keeps the thread's id, since it asks the kernel only once."""
    found = ctypes.c_long()
    try:
        # PR_GET_TID_ADDRESS: the kernel was told the place, to clear it at the thread's end.
        syscalls.prctl(_PR_GET_TID_ADDRESS, ctypes.addressof(found))
    except OSError as error:
        raise ImageRefusedError("the kernel does not tell where thread ids are kept") from error
    return found.value


def leave(facts: dict[str, object], descriptor: int, message: bytes, tid_address: int) -> dict:  # type: ignore[type-arg]
    """Stand still, having written `message` to `descriptor`; in the processes that come of it, what they were told.

    `facts` are for the host. The calling process must have one thread.
    """
    _map(HEADER_ADDRESS, 2 * PAGE, READ | WRITE | EXECUTE)
    ctypes.memmove(HEADER_ADDRESS, _LEAVE, len(_LEAVE))
    text = ctypes.create_string_buffer(message, len(message))
    told = json.dumps({**facts, "break": _libc().sbrk(0)}).encode()
    kept = ctypes.create_string_buffer(told, len(told))
    place = struct.pack("<3q", descriptor, ctypes.addressof(text), len(message))
    ctypes.memmove(HEADER_ADDRESS + CONTEXT_OFFSET + 64, place, len(place))
    place = struct.pack("<2q", ctypes.addressof(kept), len(told))
    ctypes.memmove(HEADER_ADDRESS + FACTS_OFFSET, place, len(place))
    ctypes.memmove(HEADER_ADDRESS + PAGE, MAGIC, len(MAGIC))
    leave_at = _Code(HEADER_ADDRESS)
    leave_at(HEADER_ADDRESS + CONTEXT_OFFSET)
    # From here on in another process.
    ctypes.c_int.from_address(tid_address).value = os.getpid()
    (size,) = struct.unpack("<q", ctypes.string_at(MESSAGE_ADDRESS, 8))
    if not size:
        # The platform has gone.
        os._exit(0)
    order: dict[str, object] = json.loads(ctypes.string_at(MESSAGE_ADDRESS + 8, size))
    for address, length in (
        (HEADER_ADDRESS, 2 * PAGE),
        (TABLE_ADDRESS, TABLE_BYTES),
        (MESSAGE_ADDRESS, MAX_MESSAGE_BYTES),
    ):
        placed_memory.remove(address, length)
    return order


def encode(order: dict[str, object]) -> bytes:
    """What is sent to a process that waits in `become`, in one packet."""
    text = json.dumps(order).encode()
    return struct.pack("<q", len(text)) + text


def become(image: int, table: int, orders: int) -> None:
    """Be the process that the image was taken from, told an order once one comes over `orders`. Does not return.

    Until then nothing runs of what was in that process: it waits within the table.
    """
    _map(MESSAGE_ADDRESS, MAX_MESSAGE_BYTES, READ | WRITE)
    _map(TABLE_ADDRESS, TABLE_BYTES, READ | EXECUTE, table)
    os.close(table)
    for descriptor, number in ((image, IMAGE_DESCRIPTOR), (orders, ORDER_DESCRIPTOR)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # A handler would run on a stack that is being written to.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    _Code(TABLE_ADDRESS)(TABLE_ADDRESS + TABLE_OFFSET)


def _map(address: int, size: int, protection: int, descriptor: int = -1) -> None:
    try:
        placed_memory.place(address, size, protection, descriptor)
    except OSError as error:
        raise ImageRefusedError("a place in memory is taken, or may not hold instructions") from error


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sbrk.restype = ctypes.c_long
    return libc
