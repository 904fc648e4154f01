"""Bytes on their way out: read in threads, a piece ahead of whoever sends them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor

_END = object()


class Reading:
    """An async iterator over a blocking one.

    The first piece is there when `open` returns: bytes that are not to be had are known before an answer begins.
    `aclose` lets go of the source; idempotent.
    """

    def __init__(self, source: Iterator[bytes], threads: Executor) -> None:
        self._source = source
        self._threads = threads
        self._next: asyncio.Future[object] | None = None

    def __repr__(self) -> str:
        return f"<Reading {'closed' if self._next is None else 'open'}>"

    @classmethod
    async def open(cls, source: Iterator[bytes], threads: Executor) -> "Reading":
        reading = cls(source, threads)
        reading._fetch()
        assert reading._next is not None
        await asyncio.wait({reading._next})
        # Its error belongs here; the piece stays for whoever iterates.
        reading._next.result()
        return reading

    def _fetch(self) -> None:
        self._next = asyncio.get_running_loop().run_in_executor(self._threads, next, self._source, _END)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._next is None:
            raise StopAsyncIteration
        piece = await asyncio.shield(self._next)
        if not isinstance(piece, bytes):
            self._next = None
            raise StopAsyncIteration
        self._fetch()
        return piece

    async def aclose(self) -> None:
        pending, self._next = self._next, None
        if pending is not None:
            # The source is in a thread's hands until then.
            await asyncio.wait({pending})
            pending.exception()
        close = getattr(self._source, "close", None)
        if close is not None:
            await asyncio.get_running_loop().run_in_executor(self._threads, close)


async def collect(source: Iterator[bytes], threads: Executor) -> bytes:
    """All pieces at once, for what is small."""
    return await asyncio.get_running_loop().run_in_executor(threads, b"".join, source)
