"""Work that grows with a body's size, kept off the event loop where it would stop everybody else."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LARGE_BYTES = 256 * 1024  # from here on, hashing and parsing take over a millisecond


async def in_thread_if_large(body: bytes, work: Callable[[], T]) -> T:
    """What `work` returns; it is done in a thread if the body that it is about is large."""
    return work() if len(body) < LARGE_BYTES else await asyncio.to_thread(work)
