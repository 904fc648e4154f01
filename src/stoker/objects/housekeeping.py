"""What follows a commit: blobs are settled, or removed, soon and in groups. See `byte_store` for why that is safe."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.objects.byte_store import ByteStore
from stoker.store.store import Store
from stoker.store.tables_objects import s3_garbage, s3_objects, s3_parts

_AT_ONCE = 500
# The store, or the place of the bytes, is out of order; nothing is lost meanwhile.
_RETRY_S = 5.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Housekeeping:
    """`start` takes up what the last run left; on the event loop's thread."""

    def __init__(self, store: Store, bytes_: ByteStore, threads: Executor) -> None:
        self._store = store
        self._bytes = bytes_
        self._threads = threads
        self._unsettled: list[str] = []
        self._garbage = True
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Housekeeping {len(self._unsettled)} to settle>"

    async def start(self) -> None:
        staged = await self._run(self._bytes.staged)
        for at in range(0, len(staged), _AT_ONCE):
            await self._sort_out(staged[at : at + _AT_ONCE])
        self._task = asyncio.create_task(self._keep())
        self._woken.set()

    async def close(self) -> None:
        """Stop. What is left is done at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def note(self, *, settled: Sequence[str] = (), garbage: bool = False) -> None:
        """Something was committed: rows refer to the blobs `settled`, others may be `garbage`."""
        self._unsettled += settled
        self._garbage |= garbage
        self._woken.set()

    async def discard(self, blob: str) -> None:
        """A staged blob that no row will refer to."""
        await self._run(self._bytes.discard, [blob])

    async def _keep(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._settle()
                while self._garbage:
                    # Before looking: what is noted meanwhile may have come too late to be seen.
                    self._garbage = False
                    more = await self._remove_some()
                    self._garbage |= more
            except Exception:
                # The boundary of a background task: whatever it is may pass, and must not end it.
                log.exception("objects' bytes could not be put in order; trying again")
                self._garbage = True
                await asyncio.sleep(_RETRY_S)
                self._woken.set()

    async def _settle(self) -> None:
        blobs, self._unsettled = self._unsettled, []
        if blobs:
            await self._run(self._bytes.settle, blobs)

    async def _remove_some(self) -> bool:
        """Whether there may be more."""

        def read(conn: Connection) -> Sequence[str]:
            return list(conn.execute(sa.select(s3_garbage.c.blob).limit(_AT_ONCE)).scalars())

        def forget(conn: Connection) -> None:
            conn.execute(sa.delete(s3_garbage).where(s3_garbage.c.blob.in_(blobs)))

        blobs = await self._store.read(read)
        if blobs:
            await self._run(self._bytes.discard, blobs)
            await self._store.write(forget)
        return len(blobs) == _AT_ONCE

    async def _sort_out(self, staged: Sequence[str]) -> None:
        """Blobs of which nobody knows whether their row was committed."""

        def read(conn: Connection) -> frozenset[str]:
            found = [
                conn.execute(sa.select(table.c.blob).where(table.c.blob.in_(staged))).scalars()
                for table in (s3_objects, s3_parts)
            ]
            return frozenset(blob for each in found for blob in each)

        known = await self._store.read(read)
        await self._run(self._bytes.settle, [blob for blob in staged if blob in known])
        await self._run(self._bytes.discard, [blob for blob in staged if blob not in known])

    def _run(self, work: Callable[..., T], *args: object) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args))
