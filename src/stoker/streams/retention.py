"""What is too old goes, and what is left of streams and shards that are gone."""

import asyncio
import logging

from sqlalchemy import Connection

from stoker.model.clock import Clock, Timer
from stoker.store.store import Store
from stoker.streams import record_rows
from stoker.streams.catalogue import Catalogue

log = logging.getLogger(__name__)

# Readers do not see what is too old; this only says how long it takes up space.
INTERVAL_S = 600.0
RECORDS_AT_ONCE = 200


class Retention:
    """Trims shards every ten minutes, and when it is woken. On the event loop's thread."""

    def __init__(self, *, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Retention {'off' if self._timer is None else 'on'}>"

    def wake(self) -> None:
        """Begin with what there is to trim now."""
        if self._closed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_later(INTERVAL_S, self.wake)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._trim())

    async def close(self) -> None:
        """Finish the piece that is being trimmed."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _trim(self) -> None:
        try:
            for stream_id, number in await self._store.read(record_rows.shards_with_records):
                while await self._store.write(lambda conn: self._trim_some(conn, stream_id, number)):  # noqa: B023
                    pass
        except Exception:
            # The boundary of a task that nobody waits for; the next one is in ten minutes.
            log.exception("records of streams that are too old could not be trimmed")

    def _trim_some(self, conn: Connection, stream_id: int, number: int) -> int:
        stream, now = self._catalogue.by_id(conn, stream_id), self._clock.time()
        is_there = stream is not None and any(shard.number == number for shard in stream.listed(now))
        before = float("inf") if stream is None or not is_there else now - stream.retention_s
        gone = record_rows.trim(conn, stream_id, number, before, limit=RECORDS_AT_ONCE)
        if not gone and not is_there:
            record_rows.forget_shard(conn, stream_id, number)
        return gone
