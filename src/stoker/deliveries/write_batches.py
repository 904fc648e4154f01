"""Writes that many callers share: while one batch is being written, the next one gathers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")
# Hears that an item is written, or why it is not.
Told = Callable[[BaseException | None], None]
# For how much of the time that a batch took to write the next one is held up, so that more come along.
PATIENCE = 0.25
LONGEST_WAIT_S = 0.005


class WriteBatches(Generic[T]):
    """Hands items to `write` in their order, at most `most` at once, and one batch after another.

    The store shares commits by itself; this shares the statements too, which cost more than a small event does.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        most: int,
        *,
        patience: float = PATIENCE,
        longest_wait_s: float = LONGEST_WAIT_S,
    ) -> None:
        self._write = write
        self._most = most
        self._patience = patience
        self._longest_wait_s = longest_wait_s
        self._waiting: list[tuple[T, Told]] = []
        self._writing: asyncio.Task[None] | None = None
        # How many callers there were the last time, and how long the next batch waits for as many.
        self._usual = 1
        self._wait_s = 0.0
        self._enough = asyncio.Event()

    def add(self, item: T) -> "asyncio.Future[None]":
        """Done when the item's batch is written; fails with what the batch failed with."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.put(item, partial(_resolve, written))
        return written

    def put(self, item: T, told: Told) -> None:
        """As `add`, for who can be told without a turn of the loop."""
        self._waiting.append((item, told))
        if len(self._waiting) >= self._usual:
            self._enough.set()
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all(), name="write batches")

    async def _write_all(self) -> None:
        while self._waiting:
            await self._gather()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            began = time.monotonic()
            await self._write_one(batch)
            self._usual = min(len(batch) + len(self._waiting), self._most)
            self._wait_s = min((time.monotonic() - began) * self._patience, self._longest_wait_s)
        self._writing = None

    async def _gather(self) -> None:
        """Wait a little for as many as there were the last time.

        Without this, callers who each have one item under way fall into parts that wait for each other's commits.
        """
        if len(self._waiting) >= self._usual:
            return
        timer = asyncio.get_running_loop().call_later(self._wait_s, self._enough.set)
        self._enough.clear()
        await self._enough.wait()
        timer.cancel()

    async def _write_one(self, batch: Sequence[tuple[T, Told]]) -> None:
        error: BaseException | None = None
        try:
            await self._write([item for item, _ in batch])
        except Exception as failure:
            # Not swallowed: each of those who wait for the batch gets it.
            error = failure
        for _, told in batch:
            try:
                told(error)
            except Exception as fault:
                # The boundary between callers: the others have to hear of their items, and the next batch to go on.
                context = {"message": "failed to tell what was written", "exception": fault}
                asyncio.get_running_loop().call_exception_handler(context)


def _resolve(written: "asyncio.Future[None]", error: BaseException | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)
