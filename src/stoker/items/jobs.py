"""Work over all items of a table, a piece at a time between other writes: its place is kept with what it did.

Killed at any moment it goes on where it was. Kinds: `fill` an index, `expire` (note when items end), `empty` an index
that is gone, `purge` a table that is gone.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.items import catalogue as tables
from stoker.items.catalogue import Catalogue
from stoker.items.expiry import Expiry
from stoker.items.item_rows import StoredItem, add_entry, expiry, stored_items
from stoker.items.keys import RowKey, index_row_key
from stoker.items.table import ACTIVE, Table
from stoker.model.clock import Clock
from stoker.store.store import Store
from stoker.store.tables_items import index_entries, item_jobs, items

log = logging.getLogger(__name__)

# A piece is some milliseconds of the writer's time.
ITEMS_AT_ONCE = 100
RETRY_S = 10.0
_jobs = item_jobs.c
_items = items.c
_entries = index_entries.c


def add(conn: Connection, table: Table, kind: str, number: int = 0) -> None:
    """Begin a job, or begin it again from the start."""
    here = (_jobs.table_id == table.id) & (_jobs.kind == kind) & (_jobs.number == number)
    conn.execute(sa.delete(item_jobs).where(here))
    conn.execute(sa.insert(item_jobs).values(table_id=table.id, kind=kind, number=number, hash=b"", range=b""))


class Jobs:
    """Does the jobs that there are, one after the other. Started and woken on the event loop's thread."""

    def __init__(self, *, store: Store, catalogue: Catalogue, clock: Clock, expiry: Expiry) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._expiry = expiry
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Jobs {'running' if self._task is not None else 'not running'}>"

    async def start(self) -> None:
        """Go on with what was begun."""
        self._wanted.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop between two pieces."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def wake(self) -> None:
        """A job was added."""
        self._wanted.set()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                while await self._store.write(self._do_piece):
                    pass
                await self._expiry.start()
            except Exception:
                # The boundary of a task that nobody waits for: told here, and tried again.
                log.exception("work over a table's items failed")
                self._clock.call_later(RETRY_S, self.wake)

    def _do_piece(self, conn: Connection) -> bool:
        """Do the next piece; whether there was one."""
        job = conn.execute(sa.select(item_jobs).order_by(_jobs.table_id, _jobs.kind, _jobs.number).limit(1)).first()
        if job is None:
            return False
        here = (_jobs.table_id == job.table_id) & (_jobs.kind == job.kind) & (_jobs.number == job.number)
        place = _KINDS[job.kind](self, conn, job)
        if place is None:
            conn.execute(sa.delete(item_jobs).where(here))
        else:
            conn.execute(sa.update(item_jobs).where(here).values(hash=place.hash, range=place.range))
        return True

    def _fill(self, conn: Connection, job: Row[Any]) -> RowKey | None:
        table = self._catalogue.by_id(conn, job.table_id)
        index = None if table is None else next((it for it in table.indexes if it.number == job.number), None)
        if table is None or index is None:
            return None
        found = _next_items(conn, job)
        for stored in found:
            place = index_row_key(table, index, stored.item)
            if place is not None:
                add_entry(conn, table, index, place, stored.key)
        if not found:
            filled = msgspec.structs.replace(index, status=ACTIVE)
            indexes = tuple(filled if it.number == index.number else it for it in table.indexes)
            tables.update(conn, msgspec.structs.replace(table, indexes=indexes))
        return found[-1].key if found else None

    def _expire(self, conn: Connection, job: Row[Any]) -> RowKey | None:
        table = self._catalogue.by_id(conn, job.table_id)
        if table is None:
            return None
        found = _next_items(conn, job)
        for stored in found:
            here = (_items.table_id == table.id) & (_items.hash == stored.key.hash)
            change = sa.update(items).where(here, _items.range == stored.key.range)
            conn.execute(change.values(expires_at=expiry(table, stored.item)))
        return found[-1].key if found else None

    def _empty(self, conn: Connection, job: Row[Any]) -> RowKey | None:
        here = (_entries.table_id == job.table_id) & (_entries.number == job.number)
        return _here(job) if _delete_some(conn, index_entries, here) else None

    def _purge(self, conn: Connection, job: Row[Any]) -> RowKey | None:
        for table in (items, index_entries):
            if _delete_some(conn, table, table.c.table_id == job.table_id):
                return _here(job)
        return None


_KINDS: Mapping[str, Callable[[Jobs, Connection, Row[Any]], RowKey | None]] = {
    "fill": Jobs._fill,
    "expire": Jobs._expire,
    "empty": Jobs._empty,
    "purge": Jobs._purge,
}


def _here(job: Row[Any]) -> RowKey:
    return RowKey(job.hash, job.range)


def _next_items(conn: Connection, job: Row[Any]) -> list[StoredItem]:
    place = sa.tuple_(sa.literal(job.hash, sa.LargeBinary), sa.literal(job.range, sa.LargeBinary))
    where = (_items.table_id == job.table_id) & (sa.tuple_(_items.hash, _items.range) > place)
    return [stored for _, stored in stored_items(conn, where, [_items.hash, _items.range], ITEMS_AT_ONCE)]


def _delete_some(conn: Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> bool:
    keys = list(table.primary_key.columns)
    rows = conn.execute(sa.select(*keys).where(where).limit(ITEMS_AT_ONCE)).all()
    for row in rows:
        conn.execute(sa.delete(table).where(*(key == value for key, value in zip(keys, row, strict=True))))
    return bool(rows)
