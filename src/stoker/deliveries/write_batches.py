"""Writes that many callers share: while one batch is being written, the next one gathers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class WriteBatches(Generic[T]):
    """Hands items to `write` in their order, at most `most` at once, and one batch after another.

    The store shares commits by itself; this shares the statements too, which cost more than a small event does.
    """

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], most: int) -> None:
        self._write = write
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, item: T) -> "asyncio.Future[None]":
        """Done when the item's batch is written; fails with what the batch failed with."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((item, written))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all(), name="write batches")
        return written

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._write_one(batch)
        self._writing = None

    async def _write_one(self, batch: "list[tuple[T, asyncio.Future[None]]]") -> None:
        error: BaseException | None = None
        try:
            await self._write([item for item, _ in batch])
        except Exception as failure:
            # Not swallowed: each of those who wait for the batch gets it.
            error = failure
        for _, written in batch:
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
