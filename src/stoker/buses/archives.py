"""Archives: what arrived on a bus, kept for a while, to be replayed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses.event_buses import require_bus
from stoker.buses.event_errors import LimitExceededException, ResourceAlreadyExistsException
from stoker.buses.rules import compiled
from stoker.buses.timetable import Timetable
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException
from stoker.store.store import Store
from stoker.store.tables_buses import archived_events, event_archives

MAX_ARCHIVES = 100
DAY_S = 86_400.0
# How often what is past its retention goes, and how much of it in one transaction.
SWEEP_S = 3600.0
SWEPT_AT_ONCE = 1000

_archives = event_archives.c
_events = archived_events.c


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One archive of a bus; `retention_days` of 0 is for ever. `created` is in seconds since the epoch."""

    region: str
    name: str
    bus: str
    pattern: str | None = None
    description: str | None = None
    retention_days: int = 0
    created: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ArchiveSize:
    """How many events are in an archive, and how many bytes they are."""

    events: int
    bytes: int


class Archives:
    """Create, find, list, change and delete archives; what is past its retention goes, an hour later at most."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._sweeps = Timetable(name="archives", store=store, clock=clock, work=sweep)
        self.begin = self._sweeps.start
        self.end = self._sweeps.close

    async def create(self, given: Archive) -> Archive:
        if given.pattern is not None:
            compiled(given.pattern)
        archive = replace(given, created=self._clock.time())

        def work(conn: Connection) -> None:
            require_bus(conn, archive.region, archive.bus)
            if _find(conn, archive.region, archive.name) is not None:
                raise ResourceAlreadyExistsException(f"Archive {archive.name} already exists.")
            count = sa.select(sa.func.count()).where(_archives.region == archive.region)
            if conn.execute(count).scalar_one() >= MAX_ARCHIVES:
                raise LimitExceededException
            _save(conn, archive)

        await self._store.write(work)
        self._sweeps.note(self._clock.time())
        return archive

    async def get(self, region: str, name: str) -> tuple[Archive, ArchiveSize]:
        def read(conn: Connection) -> tuple[Archive, ArchiveSize]:
            return require_archive(conn, region, name), _size(conn, region, name)

        return await self._store.read(read)

    async def list(
        self, region: str, prefix: str, bus: str | None, after: str, limit: int
    ) -> Sequence[tuple[Archive, ArchiveSize]]:
        def read(conn: Connection) -> Sequence[tuple[Archive, ArchiveSize]]:
            where = (_archives.region == region) & (_archives.name > after)
            where &= _archives.name.startswith(prefix, autoescape=True)
            if bus is not None:
                where &= _archives.bus == bus
            rows = conn.execute(sa.select(event_archives).where(where).order_by(_archives.name).limit(limit)).all()
            return [(_archive(row), _size(conn, region, row.name)) for row in rows]

        return await self._store.read(read)

    async def update(self, region: str, name: str, **changes: Any) -> Archive:
        if changes.get("pattern") is not None:
            compiled(changes["pattern"])

        def work(conn: Connection) -> Archive:
            archive = replace(require_archive(conn, region, name), **changes)
            _save(conn, archive)
            return archive

        archive = await self._store.write(work)
        self._sweeps.note(self._clock.time())
        return archive

    async def delete(self, region: str, name: str) -> None:
        def work(conn: Connection) -> None:
            require_archive(conn, region, name)
            conn.execute(sa.delete(event_archives).where(_is(region, name)))
            conn.execute(sa.delete(archived_events).where((_events.region == region) & (_events.archive == name)))

        await self._store.write(work)


def require_archive(conn: Connection, region: str, name: str) -> Archive:
    """The archive, or ResourceNotFoundException."""
    archive = _find(conn, region, name)
    if archive is None:
        raise ResourceNotFoundException(f"Archive {name} does not exist.")
    return archive


@dataclass(frozen=True, kw_only=True)
class Archived:
    """One event of an archive, and where it stands in it."""

    at: float
    id: int
    event: Mapping[str, Any]


def archived_after(
    conn: Connection, archive: Archive, cursor: tuple[float, int], until: float, limit: int
) -> Sequence[Archived]:
    """The next events of an archive in their order, after a cursor and before `until`."""
    after = sa.tuple_(_events.at, _events.id) > sa.tuple_(*cursor)
    where = (_events.region == archive.region) & (_events.archive == archive.name) & after & (_events.at < until)
    query = sa.select(_events.at, _events.id, _events.event).where(where).order_by(_events.at, _events.id).limit(limit)
    return [Archived(at=row.at, id=row.id, event=json.loads(row.event)) for row in conn.execute(query)]


def sweep(conn: Connection, now: float) -> float | None:
    """Remove events past their retention; when to look again, None where nothing is ever past it."""
    rows = conn.execute(sa.select(event_archives).where(_archives.retention_days > 0)).all()
    more = False
    for row in rows:
        past = (_events.region == row.region) & (_events.archive == row.name)
        past &= _events.at < now - row.retention_days * DAY_S
        ids = sa.select(_events.id).where(past).limit(SWEPT_AT_ONCE)
        more |= conn.execute(sa.delete(archived_events).where(_events.id.in_(ids))).rowcount == SWEPT_AT_ONCE
    if more:
        return now
    return now + SWEEP_S if rows else None


def _is(region: str, name: str) -> sa.ColumnElement[bool]:
    return (_archives.region == region) & (_archives.name == name)


def _find(conn: Connection, region: str, name: str) -> Archive | None:
    row = conn.execute(sa.select(event_archives).where(_is(region, name))).first()
    return None if row is None else _archive(row)


def _archive(row: Row[Any]) -> Archive:
    return Archive(**{name: getattr(row, name) for name in Archive.__dataclass_fields__})


def _save(conn: Connection, archive: Archive) -> None:
    conn.execute(sa.delete(event_archives).where(_is(archive.region, archive.name)))
    values = {name: getattr(archive, name) for name in Archive.__dataclass_fields__}
    conn.execute(sa.insert(event_archives).values(**values))


def _size(conn: Connection, region: str, name: str) -> ArchiveSize:
    where = (_events.region == region) & (_events.archive == name)
    size = sa.func.coalesce(sa.func.sum(sa.func.length(_events.event)), 0)
    row = conn.execute(sa.select(sa.func.count(), size).where(where)).one()
    return ArchiveSize(events=row[0], bytes=int(row[1]))
