"""Groups of schedules: the default one, which is always there, and those that were made; their tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses.schedule_errors import ConflictException, ServiceQuotaExceededException
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException, ValidationException
from stoker.store.store import Store
from stoker.store.tables_buses import schedule_groups, schedules

DEFAULT_GROUP = "default"
MAX_GROUPS = 500
MAX_TAGS = 50

_groups = schedule_groups.c


@dataclass(frozen=True, kw_only=True)
class ScheduleGroup:
    """One group; times in seconds since the epoch."""

    region: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    modified: float = 0.0
    client_token: str | None = None


class ScheduleGroups:
    """Create, find, list, tag and delete groups."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, region: str, name: str, tags: Mapping[str, str], client_token: str | None) -> None:
        """A new group; the same call twice, by its token, is one."""
        now = self._clock.time()
        _check_tags(tags)

        def work(conn: Connection) -> None:
            known = find_group(conn, region, name)
            if known is not None:
                if client_token is not None and known.client_token == client_token:
                    return
                raise ConflictException(f"Schedule group {name} already exists.")
            count = sa.select(sa.func.count()).where(_groups.region == region)
            if conn.execute(count).scalar_one() >= MAX_GROUPS:
                raise ServiceQuotaExceededException
            values = {"region": region, "name": name, "tags": dict(tags), "client_token": client_token}
            conn.execute(sa.insert(schedule_groups).values(**values, created=now, modified=now))

        await self._store.write(work)

    async def get(self, region: str, name: str) -> ScheduleGroup:
        return await self._store.read(lambda conn: require_group(conn, region, name))

    async def list(self, region: str, prefix: str, after: str, limit: int) -> Sequence[ScheduleGroup]:
        def read(conn: Connection) -> Sequence[ScheduleGroup]:
            rows = conn.execute(sa.select(schedule_groups).where(_groups.region == region))
            found = {DEFAULT_GROUP: ScheduleGroup(region=region, name=DEFAULT_GROUP)}
            found |= {row.name: _group(row) for row in rows}
            wanted = sorted(name for name in found if name.startswith(prefix) and name > after)
            return [found[name] for name in wanted[:limit]]

        return await self._store.read(read)

    async def delete(self, region: str, name: str) -> None:
        """Delete a group with all its schedules."""
        if name == DEFAULT_GROUP:
            raise ValidationException("Deleting the default schedule group is not allowed.")

        def work(conn: Connection) -> None:
            require_group(conn, region, name)
            conn.execute(sa.delete(schedules).where((schedules.c.region == region) & (schedules.c.group_name == name)))
            conn.execute(sa.delete(schedule_groups).where(_is(region, name)))

        await self._store.write(work)

    async def tag(self, region: str, name: str, add: Mapping[str, str], remove: Sequence[str] = ()) -> None:
        now = self._clock.time()

        def work(conn: Connection) -> None:
            group = require_group(conn, region, name)
            tags = {key: value for key, value in {**group.tags, **add}.items() if key not in remove}
            _check_tags(tags)
            values = {"region": region, "name": name, "tags": tags, "client_token": group.client_token}
            conn.execute(sa.delete(schedule_groups).where(_is(region, name)))
            created = group.created or now
            conn.execute(sa.insert(schedule_groups).values(**values, created=created, modified=now))

        await self._store.write(work)


def find_group(conn: Connection, region: str, name: str) -> ScheduleGroup | None:
    row = conn.execute(sa.select(schedule_groups).where(_is(region, name))).first()
    if row is not None:
        return _group(row)
    return ScheduleGroup(region=region, name=DEFAULT_GROUP) if name == DEFAULT_GROUP else None


def require_group(conn: Connection, region: str, name: str) -> ScheduleGroup:
    """The group, or ResourceNotFoundException."""
    group = find_group(conn, region, name)
    if group is None:
        raise ResourceNotFoundException(f"Schedule group {name} does not exist.")
    return group


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise ValidationException(f"A schedule group can have no more than {MAX_TAGS} tags.")


def _is(region: str, name: str) -> sa.ColumnElement[bool]:
    return (_groups.region == region) & (_groups.name == name)


def _group(row: Row[Any]) -> ScheduleGroup:
    return ScheduleGroup(**{name: getattr(row, name) for name in ScheduleGroup.__dataclass_fields__})
