"""The C library's heap: how many it keeps, and giving back to the kernel what is free in it.

glibc only; on others nothing happens.
"""

import ctypes

_M_ARENA_MAX = -8

_libc = ctypes.CDLL(None)


def keep_one() -> None:
    """No heap of its own for each thread: what one has freed another can use. To be called before there are threads."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_ARENA_MAX, 1)


def trim() -> None:
    """Give whole free pages back to the kernel; some ms."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(ctypes.c_size_t(0))
