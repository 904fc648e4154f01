"""Memory at an address of one's own choice.

Read by CPython 3.9 and later. What the kernel places by itself is never in the way of an address that was chosen well:
then it is an error, and nothing is replaced.
"""

from __future__ import annotations

import ctypes
import errno
import os

PAGE = 4096
READ, WRITE, EXECUTE = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE, _MAP_ANONYMOUS, _MAP_FIXED_NOREPLACE = 0x01, 0x02, 0x20, 0x100000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def place(address: int, size: int, protection: int, descriptor: int = -1, shared: bool = False) -> None:
    """Map whole pages at `address`: of a file, or fresh ones. OSError where something else is, or it is not allowed."""
    flags = _MAP_FIXED_NOREPLACE | (_MAP_SHARED if shared else _MAP_PRIVATE) | (_MAP_ANONYMOUS if descriptor < 0 else 0)
    found = _libc.mmap(address, size, protection, flags, descriptor, 0)
    # A kernel before 4.17 takes the address for a wish.
    if found != address:
        raise OSError(ctypes.get_errno() or errno.EEXIST, f"no memory to be had at {address:x}")


def protect(address: int, size: int, protection: int) -> None:
    """Change what may be done with whole pages. OSError."""
    if _libc.mprotect(address, size, protection):
        raise OSError(ctypes.get_errno(), f"memory at {address:x}: {os.strerror(ctypes.get_errno())}")


def remove(address: int, size: int) -> None:
    """Unmap whole pages."""
    _libc.munmap(address, size)
