"""Time to live: items go when their time has come, as deletions by the service in their table's stream."""

import asyncio
import logging

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.items import writing
from stoker.items.catalogue import Catalogue
from stoker.items.item_rows import expiry, stored_items
from stoker.items.writing import Decision
from stoker.model.clock import Clock, Timer
from stoker.store.arrivals import Arrivals
from stoker.store.store import Store
from stoker.store.tables_items import items

log = logging.getLogger(__name__)

SWEPT_AT_ONCE = 100
# What ended longer ago than this was not meant to be deleted. Source: "Using time to live (TTL) in DynamoDB".
TOO_OLD_S = 5 * 365 * 86_400
# Wall clocks are set: so far ahead the timer trusts them.
LONGEST_SLEEP_S = 3600.0
RETRY_S = 60.0
_items = items.c


class Expiry:
    """Deletes what has ended. It sleeps until the next item's end; nothing is polled. On the event loop's thread."""

    def __init__(self, *, store: Store, catalogue: Catalogue, clock: Clock, arrivals: Arrivals) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._arrivals = arrivals
        self._next: float | None = None
        self._timer: Timer | None = None
        self._sweep: asyncio.Task[None] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Expiry next at {self._next}>"

    async def start(self) -> None:
        """Go on with what was there before."""
        self._sweep_soon()

    async def close(self) -> None:
        """Let what is being swept finish; sweep no more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sweep is not None:
            await asyncio.wait([self._sweep])

    def expect(self, at: float | None) -> None:
        """An item that ends at this time is there."""
        if at is None or self._closed or (self._next is not None and self._next <= at):
            return
        if at < self._clock.time() - TOO_OLD_S:
            return
        self._next = at
        if self._timer is not None:
            self._timer.cancel()
        delay = min(max(at - self._clock.time(), 0.0), LONGEST_SLEEP_S)
        self._timer = self._clock.call_later(delay, self._sweep_soon)

    def _sweep_soon(self) -> None:
        self._next = None
        if not self._closed and (self._sweep is None or self._sweep.done()):
            self._sweep = asyncio.get_running_loop().create_task(self._sweep_all())

    async def _sweep_all(self) -> None:
        try:
            while not self._closed:
                gone = await self._store.write(self._sweep_some)
                self._arrivals.announce({each.table.live_stream.id for each in gone if each.table.live_stream})
                if len(gone) < SWEPT_AT_ONCE:
                    break
            self.expect(await self._store.read(self._next_end))
        except Exception:
            # The boundary of a task that nobody waits for: told here, and tried again.
            log.exception("items whose time to live has ended could not be deleted")
            self.expect(self._clock.time() + RETRY_S)

    def _sweep_some(self, conn: Connection) -> list[Decision]:
        """Delete some; what is not to be deleted after all is not looked at again."""
        now = self._clock.time()
        ended = (_items.expires_at > now - TOO_OLD_S) & (_items.expires_at <= now)
        gone = []
        for table_id, stored in stored_items(conn, ended, [_items.expires_at], SWEPT_AT_ONCE):
            table = self._catalogue.by_id(conn, table_id)
            end = None if table is None else expiry(table, stored.item)
            if table is None or end is None or end > now:
                here = (_items.table_id == table_id) & (_items.hash == stored.key.hash)
                conn.execute(sa.update(items).where(here, _items.range == stored.key.range).values(expires_at=end))
                continue
            decision = Decision(table=table, key=stored.key, old=stored.item, new=None)
            writing.act(conn, decision, now=now, expired=True)
            gone.append(decision)
        return gone

    def _next_end(self, conn: Connection) -> float | None:
        since = self._clock.time() - TOO_OLD_S
        soonest: float | None = conn.scalar(sa.select(sa.func.min(_items.expires_at)).where(_items.expires_at > since))
        return soonest
