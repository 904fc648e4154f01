"""Event buses: the default one, which is always there, and those that were made; their policies and tags."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses import names
from stoker.buses.event_errors import (
    LimitExceededException,
    PolicyLengthExceededException,
    ResourceAlreadyExistsException,
)
from stoker.buses.names import DEFAULT_BUS
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException, ValidationException
from stoker.store.store import Store
from stoker.store.tables_buses import event_archives, event_buses, event_rules

MAX_BUSES = 100
MAX_POLICY_BYTES = 10_240
MAX_TAGS = 50

_buses = event_buses.c


@dataclass(frozen=True, kw_only=True)
class EventBus:
    """One bus; times in seconds since the epoch. `statements` are those of its policy."""

    region: str
    name: str
    description: str | None = None
    statements: Sequence[Mapping[str, Any]] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    modified: float = 0.0

    @property
    def policy(self) -> str | None:
        """The policy's JSON, if there is one."""
        if not self.statements:
            return None
        return json.dumps({"Version": "2012-10-17", "Statement": list(self.statements)}, separators=(",", ":"))


class EventBuses:
    """Create, find, list, change and delete buses."""

    def __init__(self, store: Store, clock: Clock, account: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account

    async def create(self, region: str, name: str, description: str | None, tags: Mapping[str, str]) -> EventBus:
        """A new bus; ResourceAlreadyExistsException if there is one."""
        if "/" in name:
            raise ValidationException(f"Event bus name {name} starts with aws.partner only for partner event buses.")
        now = self._clock.time()
        bus = EventBus(region=region, name=name, description=description, tags=tags, created=now, modified=now)

        def work(conn: Connection) -> None:
            if find_bus(conn, region, name) is not None:
                raise ResourceAlreadyExistsException(f"Event bus {name} already exists.")
            count = sa.select(sa.func.count()).select_from(event_buses).where(_buses.region == region)
            if conn.execute(count).scalar_one() >= MAX_BUSES:
                raise LimitExceededException
            _save(conn, bus)

        await self._store.write(work)
        return bus

    async def get(self, region: str, name: str) -> EventBus:
        return await self._store.read(lambda conn: require_bus(conn, region, name))

    async def list(self, region: str, prefix: str, after: str, limit: int) -> Sequence[EventBus]:
        """The buses by name, those after `after`; the default one is always among all of them."""

        def read(conn: Connection) -> Sequence[EventBus]:
            rows = conn.execute(sa.select(event_buses).where(_buses.region == region))
            found = {DEFAULT_BUS: EventBus(region=region, name=DEFAULT_BUS)} | {row.name: _bus(row) for row in rows}
            wanted = sorted(name for name in found if name.startswith(prefix) and name > after)
            return [found[name] for name in wanted[:limit]]

        return await self._store.read(read)

    async def update(self, region: str, name: str, description: str | None) -> EventBus:
        return await self._change(region, name, description=description)

    async def delete(self, region: str, name: str) -> None:
        """Delete a bus; one that is not there is no error."""
        if name == DEFAULT_BUS:
            raise ValidationException("Cannot delete event bus default.")

        def work(conn: Connection) -> None:
            for table, what in ((event_rules, "rules"), (event_archives, "archives")):
                used = (table.c.region == region) & (table.c.bus == name)
                if conn.execute(sa.select(sa.exists().where(used))).scalar():
                    raise ValidationException(f"Event bus {name} can't be deleted since it has {what}.")
            conn.execute(sa.delete(event_buses).where(_is(region, name)))

        await self._store.write(work)

    async def set_policy(self, region: str, name: str, text: str) -> None:
        """Replace the whole policy."""
        try:
            document = json.loads(text)
            statements = document["Statement"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ValidationException("Invalid policy document.") from None
        await self._change(region, name, statements=statements if isinstance(statements, list) else [statements])

    async def add_statement(self, region: str, name: str, statement: Mapping[str, Any]) -> None:
        """Add a statement, or replace the one with its Sid."""

        def change(bus: EventBus) -> Mapping[str, Any]:
            others = [known for known in bus.statements if known.get("Sid") != statement["Sid"]]
            return {"statements": [*others, statement]}

        await self._store.write(lambda conn: self._changed(conn, region, name, change))

    async def remove_statement(self, region: str, name: str, sid: str | None) -> None:
        """Remove one statement, or all of them where `sid` is None."""

        def change(bus: EventBus) -> Mapping[str, Any]:
            if not bus.statements and sid is not None:
                raise ResourceNotFoundException("EventBus does not have a policy.")
            left = [known for known in bus.statements if sid is not None and known.get("Sid") != sid]
            if sid is not None and len(left) == len(bus.statements):
                raise ResourceNotFoundException("Statement with the provided id does not exist.")
            return {"statements": left}

        await self._store.write(lambda conn: self._changed(conn, region, name, change))

    async def tag(self, region: str, name: str, add: Mapping[str, str], remove: Sequence[str] = ()) -> None:
        def change(bus: EventBus) -> Mapping[str, Any]:
            return {"tags": changed_tags(bus.tags, add, remove)}

        await self._store.write(lambda conn: self._changed(conn, region, name, change))

    async def resource_policy(self, arn: str) -> str | None:
        """The policy of the bus with this ARN; None where it has none or is not there."""
        name = names.of_arn(arn, "event-bus")
        if name is None or arn.split(":")[4] != self._account:
            return None
        region = arn.split(":")[3]
        bus = await self._store.read(lambda conn: find_bus(conn, region, name))
        return None if bus is None else bus.policy

    async def _change(self, region: str, name: str, **values: Any) -> EventBus:
        return await self._store.write(lambda conn: self._changed(conn, region, name, lambda bus: values))

    def _changed(self, conn: Connection, region: str, name: str, change: Any) -> EventBus:
        before = require_bus(conn, region, name)
        now = self._clock.time()
        kept = {key: getattr(before, key) for key in EventBus.__dataclass_fields__}
        bus = EventBus(**{**kept, **change(before), "created": before.created or now, "modified": now})
        if len((bus.policy or "").encode()) > MAX_POLICY_BYTES:
            raise PolicyLengthExceededException
        conn.execute(sa.delete(event_buses).where(_is(region, name)))
        _save(conn, bus)
        return bus


def find_bus(conn: Connection, region: str, name: str) -> EventBus | None:
    row = conn.execute(sa.select(event_buses).where(_is(region, name))).first()
    if row is not None:
        return _bus(row)
    return EventBus(region=region, name=DEFAULT_BUS) if name == DEFAULT_BUS else None


def require_bus(conn: Connection, region: str, name: str) -> EventBus:
    """The bus, or ResourceNotFoundException."""
    bus = find_bus(conn, region, name)
    if bus is None:
        raise ResourceNotFoundException(f"Event bus {name} does not exist.")
    return bus


def changed_tags(tags: Mapping[str, str], add: Mapping[str, str], remove: Sequence[str]) -> Mapping[str, str]:
    """Tags with some added and some removed; LimitExceededException beyond 50."""
    changed = {key: value for key, value in {**tags, **add}.items() if key not in remove}
    if len(changed) > MAX_TAGS:
        raise LimitExceededException("The requested resource exceeds the maximum number of tags allowed.")
    return changed


def _is(region: str, name: str) -> sa.ColumnElement[bool]:
    return (_buses.region == region) & (_buses.name == name)


def _save(conn: Connection, bus: EventBus) -> None:
    conn.execute(
        sa.insert(event_buses).values(
            region=bus.region,
            name=bus.name,
            description=bus.description,
            policy=list(bus.statements) or None,
            tags=dict(bus.tags),
            created=bus.created,
            modified=bus.modified,
        )
    )


def _bus(row: Row[Any]) -> EventBus:
    return EventBus(
        region=row.region,
        name=row.name,
        description=row.description,
        statements=row.policy or (),
        tags=row.tags,
        created=row.created,
        modified=row.modified,
    )
