"""What is too old goes: records of streams after 24 hours."""

import asyncio
import logging

from sqlalchemy import Connection

from stoker.items import streams
from stoker.model.clock import Clock, Timer
from stoker.store.store import Store

log = logging.getLogger(__name__)

# Readers do not see what is too old; this only says how long it takes up space.
INTERVAL_S = 600.0
RECORDS_AT_ONCE = 200


class Retention:
    """Trims streams every ten minutes. On the event loop's thread."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Retention {'on' if self._timer is not None else 'off'}>"

    def start(self) -> None:
        """Begin with what the last run left."""
        self._begin()

    async def close(self) -> None:
        """Finish the piece that is being trimmed."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _begin(self) -> None:
        self._timer = self._clock.call_later(INTERVAL_S, self._begin)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._trim())

    async def _trim(self) -> None:
        try:
            while await self._store.write(self._trim_some):
                pass
        except Exception:
            # The boundary of a task that nobody waits for; the next one is in ten minutes.
            log.exception("records of streams that are too old could not be trimmed")

    def _trim_some(self, conn: Connection) -> int:
        return streams.trim(conn, now=self._clock.time(), limit=RECORDS_AT_ONCE)
