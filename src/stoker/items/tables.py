"""Tables: made, changed, described and deleted. What takes long goes on behind, in `jobs.py`."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Connection

from stoker.items import catalogue as rows
from stoker.items import jobs, streams, table_rules
from stoker.items.catalogue import Catalogue
from stoker.items.errors import LimitExceeded, ResourceInUse
from stoker.items.jobs import Jobs
from stoker.items.table import Table
from stoker.items.table_changes import changed_settings, index_updates
from stoker.model.clock import Clock
from stoker.model.errors import ValidationException
from stoker.store import refusals
from stoker.store.arrivals import Arrivals
from stoker.store.store import Store
from stoker.store.tables_items import index_entries, items

MAX_TABLES = 2_500
# Counting looks at every item: it is done again when it would take up no more than this part of the time.
COUNTING_SHARE = 0.02
# Nobody waits longer for a count; AWS's are up to six hours old.
COUNTING_PATIENCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many items there are, in how many bytes; and how many of them each index shows, by its number."""

    items: int = 0
    size: int = 0
    indexed: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class _Counted:
    tally: Tally
    good_until: float


class Tables:
    """The operations on tables. On the event loop's thread; the work is done in the store's."""

    def __init__(self, *, store: Store, catalogue: Catalogue, clock: Clock, jobs: Jobs, arrivals: Arrivals) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._jobs = jobs
        self._arrivals = arrivals
        self._counted: dict[int, _Counted] = {}
        self._counting: dict[int, asyncio.Task[Tally]] = {}

    def __repr__(self) -> str:
        return f"<Tables of {self._catalogue!r}>"

    async def create(self, region: str, params: Mapping[str, Any]) -> Table:
        """A new table, ready for use."""
        now = self._clock.time()
        table = table_rules.new_table(params, region=region, uuid=str(uuid.uuid4()), now=now)
        view = table_rules.stream_view(params.get("StreamSpecification"))

        def work(conn: Connection) -> Table:
            if self._catalogue.find(conn, region, table.name) is not None:
                raise ResourceInUse(f"Table already exists: {table.name}")
            if rows.count(conn, region) >= MAX_TABLES:
                raise LimitExceeded
            stream = None if view is None else streams.open_stream(conn, table, view, now=now)
            return rows.insert(conn, replace(table, stream=stream))

        return await refusals.write(self._store, work)

    async def find(self, region: str, name: str) -> Table:
        """The table as it is."""
        return await self._store.read(lambda conn: self._catalogue.require_described(conn, region, name))

    async def list(self, region: str, after: str, limit: int) -> Sequence[str]:
        """Names of tables in their order."""
        return await self._store.read(lambda conn: rows.names(conn, region, after, limit))

    async def update(self, region: str, name: str, params: Mapping[str, Any]) -> Table:
        """The table with what UpdateTable asks for."""
        table_rules.refuse_unbuilt(params)
        now = self._clock.time()

        def work(conn: Connection) -> Table:
            table = self._catalogue.require_described(conn, region, name)
            changed = changed_settings(table, params, now=now)
            changed, added, removed = index_updates(changed, params)
            changed = self._switch_stream(conn, changed, params, now)
            for index in added:
                jobs.add(conn, table, "fill", index.number)
            for index in removed:
                jobs.add(conn, table, "empty", index.number)
            return rows.update(conn, changed)

        table = await refusals.write(self._store, work)
        self._jobs.wake()
        self._announce_end(table)
        return table

    async def delete(self, region: str, name: str) -> Table:
        """The table that was; its items go behind."""
        now = self._clock.time()

        def work(conn: Connection) -> Table:
            table = self._catalogue.require_described(conn, region, name)
            if table.is_protected:
                raise ValidationException(
                    "Resource cannot be deleted as it is currently protected against deletion. "
                    "Disable deletion protection first."
                )
            if table.live_stream is not None:
                streams.close_stream(conn, table.live_stream, now=now)
            rows.delete(conn, table)
            jobs.add(conn, table, "purge")
            return table

        table = await refusals.write(self._store, work)
        self._jobs.wake()
        self._counted.pop(table.id, None)
        if table.stream is not None:
            self._arrivals.announce([table.stream.id])
        return table

    async def set_ttl(self, region: str, name: str, attribute: str, enabled: bool) -> None:
        """Let items end at the time that an attribute of theirs says, or not any more."""

        def work(conn: Connection) -> None:
            table = self._catalogue.require_described(conn, region, name)
            current = table.ttl_attribute
            if enabled and current is not None:
                if current == attribute:
                    raise ValidationException("TimeToLive is already enabled")
                raise ValidationException(
                    f"TimeToLive is active on a different AttributeName: current AttributeName is {current}"
                )
            if not enabled and current is None:
                raise ValidationException("TimeToLive is already disabled")
            if not enabled and current != attribute:
                raise ValidationException(
                    f"TimeToLive is active on a different AttributeName: current AttributeName is {current}"
                )
            changed = rows.update(conn, replace(table, ttl_attribute=attribute if enabled else None))
            jobs.add(conn, changed, "expire")

        await refusals.write(self._store, work)
        self._jobs.wake()

    async def change_tags(
        self, region: str, name: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        """Replace the table's tags by what `change` makes of them."""

        def work(conn: Connection) -> None:
            table = self._catalogue.require_described(conn, region, name)
            tags = change(table.tags)
            table_rules.check_tag_count(tags)
            rows.update(conn, replace(table, tags=tags))

        await refusals.write(self._store, work)

    async def tally(self, table: Table) -> Tally:
        """How much is in the table: now, or a while ago where there is much of it (nothing before the first count)."""
        counted = self._counted.get(table.id)
        if counted is not None and self._clock.monotonic() < counted.good_until:
            return counted.tally
        counting = self._counting.get(table.id)
        if counting is None:
            counting = self._counting[table.id] = asyncio.get_running_loop().create_task(self._count(table))
            counting.add_done_callback(lambda _task: self._counting.pop(table.id, None))
        try:
            return await asyncio.wait_for(asyncio.shield(counting), COUNTING_PATIENCE_S)
        except TimeoutError:
            return Tally(indexed={}) if counted is None else counted.tally

    async def _count(self, table: Table) -> Tally:
        started = time.monotonic()
        tally = await self._store.read(lambda conn: _count(conn, table))
        took = time.monotonic() - started
        self._counted[table.id] = _Counted(
            tally=tally, good_until=self._clock.monotonic() + (took / COUNTING_SHARE if took > 0.1 else 0.0)
        )
        return tally

    def _switch_stream(self, conn: Connection, table: Table, params: Mapping[str, Any], now: float) -> Table:
        specification = params.get("StreamSpecification")
        if specification is None:
            return table
        view, current = table_rules.stream_view(specification), table.live_stream
        if view is not None:
            if current is not None:
                raise ValidationException(f"Table already has an enabled stream: TableName: {table.name}")
            return replace(table, stream=streams.open_stream(conn, table, view, now=now))
        if current is None:
            raise ValidationException(f"Table has no stream to disable: TableName: {table.name}")
        streams.close_stream(conn, current, now=now)
        return replace(table, stream=replace(current, enabled=False))

    def _announce_end(self, table: Table) -> None:
        if table.stream is not None and not table.stream.enabled:
            self._arrivals.announce([table.stream.id])


def _count(conn: Connection, table: Table) -> Tally:
    query = sa.select(sa.func.count(), sa.func.sum(items.c.size)).where(items.c.table_id == table.id)
    count, size = conn.execute(query).one()
    number = index_entries.c.number
    indexed = sa.select(number, sa.func.count()).where(index_entries.c.table_id == table.id).group_by(number)
    by_number: Mapping[int, int] = {row[0]: row[1] for row in conn.execute(indexed)}
    return Tally(items=count, size=size or 0, indexed=by_number)
