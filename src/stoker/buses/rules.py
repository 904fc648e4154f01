"""Rules of event buses, and their targets: who gets which events, or what happens when."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses import names
from stoker.buses.event_buses import changed_tags, require_bus
from stoker.buses.event_errors import InvalidEventPatternException, LimitExceededException
from stoker.buses.names import DEFAULT_BUS
from stoker.buses.schedule_expression import Expression, ScheduleExpressionError, parse_expression
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException, ValidationException
from stoker.model.event_pattern import EventPattern, PatternError, parse_pattern
from stoker.store.store import Store
from stoker.store.tables_buses import event_rules, event_targets

MAX_TARGETS = 5
MAX_RULES = 300

Target = Mapping[str, Any]
"""A target in PutTargets' words: `Id`, `Arn`, `Input`, `RetryPolicy`, …"""

_rules = event_rules.c
_targets = event_targets.c


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `origin` is what a rate counts from; `due_at` when its schedule is next due, None while it is not."""

    region: str
    bus: str
    name: str
    pattern: str | None = None
    schedule: str | None = None
    enabled: bool = True
    description: str | None = None
    role_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    origin: float = 0.0
    due_at: float | None = None

    def arn(self, account: str) -> str:
        return names.rule_arn(self.region, account, self.bus, self.name)

    def next_due(self, now: float) -> float | None:
        """When its schedule is next due after `now`; None where it has none, or is disabled."""
        if self.schedule is None or not self.enabled:
            return None
        return parse_rule_schedule(self.schedule).next_after(now, self.origin)


@functools.lru_cache(maxsize=4096)
def compiled(pattern: str) -> EventPattern:
    """A rule's pattern, compiled. Raises InvalidEventPatternException."""
    try:
        return parse_pattern(pattern)
    except PatternError as error:
        raise InvalidEventPatternException(f"Event pattern is not valid. Reason: {error}") from None


def parse_rule_schedule(text: str) -> Expression:
    """A rule's schedule expression, in UTC. Raises ValidationException."""
    try:
        return parse_expression(text, strict_units=True)
    except ScheduleExpressionError:
        raise ValidationException("Parameter ScheduleExpression is not valid.") from None


class Rules:
    """Put, find, list, switch and delete rules. `due` of a changed rule is returned for the timetable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def put(self, given: Rule) -> Rule:
        """Create a rule, or replace what was there but for its targets and tags; `given.origin` is not asked."""
        if given.pattern is None and given.schedule is None:
            raise ValidationException("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        if given.schedule is not None and given.bus != DEFAULT_BUS:
            raise ValidationException("ScheduleExpression is supported only on the default event bus.")
        if given.pattern is not None:
            compiled(given.pattern)
        if given.schedule is not None:
            parse_rule_schedule(given.schedule)
        now = self._clock.time()

        def work(conn: Connection) -> Rule:
            require_bus(conn, given.region, given.bus)
            known = find_rule(conn, given.region, given.bus, given.name)
            if known is None:
                _check_room(conn, given.region, given.bus)
            same_schedule = known is not None and known.schedule == given.schedule
            origin = known.origin if known is not None and same_schedule else now
            rule = replace(given, origin=origin, tags=given.tags if known is None else known.tags)
            return _save(conn, rule, now)

        return await self._store.write(work)

    async def get(self, region: str, bus: str, name: str) -> Rule:
        return await self._store.read(lambda conn: require_rule(conn, region, bus, name))

    async def list(self, region: str, bus: str, prefix: str, after: str, limit: int) -> Sequence[Rule]:
        def read(conn: Connection) -> Sequence[Rule]:
            require_bus(conn, region, bus)
            where = (_rules.region == region) & (_rules.bus == bus) & (_rules.name > after)
            query = sa.select(event_rules).where(where & _rules.name.startswith(prefix, autoescape=True))
            return [rule_of(row) for row in conn.execute(query.order_by(_rules.name).limit(limit))]

        return await self._store.read(read)

    async def names_by_target(self, region: str, bus: str, arn: str, after: str, limit: int) -> Sequence[str]:
        def read(conn: Connection) -> Sequence[str]:
            require_bus(conn, region, bus)
            where = (_targets.region == region) & (_targets.bus == bus) & (_targets.arn == arn)
            query = sa.select(_targets.rule).distinct().where(where & (_targets.rule > after))
            return conn.execute(query.order_by(_targets.rule).limit(limit)).scalars().all()

        return await self._store.read(read)

    async def switch(self, region: str, bus: str, name: str, *, enabled: bool) -> Rule:
        now = self._clock.time()

        def work(conn: Connection) -> Rule:
            return _save(conn, replace(require_rule(conn, region, bus, name), enabled=enabled), now)

        return await self._store.write(work)

    async def delete(self, region: str, bus: str, name: str) -> None:
        """Delete a rule without targets; one that is not there is no error."""

        def work(conn: Connection) -> None:
            require_bus(conn, region, bus)
            if targets_of(conn, region, bus, name):
                raise ValidationException("Rule can't be deleted since it has targets.")
            conn.execute(sa.delete(event_rules).where(_is(region, bus, name)))

        await self._store.write(work)

    async def tag(self, region: str, bus: str, name: str, add: Mapping[str, str], remove: Sequence[str] = ()) -> None:
        def work(conn: Connection) -> None:
            rule = require_rule(conn, region, bus, name)
            tags = dict(changed_tags(rule.tags, add, remove))
            conn.execute(sa.update(event_rules).where(_is(region, bus, name)).values(tags=tags))

        await self._store.write(work)

    async def put_targets(self, region: str, bus: str, name: str, targets: Sequence[Target]) -> None:
        """Add targets, or replace those with their ids; checked already, one by one."""

        def work(conn: Connection) -> None:
            require_rule(conn, region, bus, name)
            known = {target["Id"]: target for target in targets_of(conn, region, bus, name)}
            known.update({target["Id"]: target for target in targets})
            if len(known) > MAX_TARGETS:
                raise LimitExceededException
            _remove_targets(conn, region, bus, name, known)
            key = {"region": region, "bus": bus, "rule": name}
            rows = [{**key, "id": id_, "arn": it["Arn"], "document": dict(it)} for id_, it in known.items()]
            conn.execute(sa.insert(event_targets), rows)

        await self._store.write(work)

    async def remove_targets(self, region: str, bus: str, name: str, ids: Sequence[str]) -> Sequence[str]:
        """Remove targets; the ids of which there were none."""

        def work(conn: Connection) -> Sequence[str]:
            require_rule(conn, region, bus, name)
            known = {target["Id"] for target in targets_of(conn, region, bus, name)}
            _remove_targets(conn, region, bus, name, ids)
            return [id_ for id_ in ids if id_ not in known]

        return await self._store.write(work)

    async def list_targets(self, region: str, bus: str, name: str) -> Sequence[Target]:
        def read(conn: Connection) -> Sequence[Target]:
            require_rule(conn, region, bus, name)
            return targets_of(conn, region, bus, name)

        return await self._store.read(read)


def find_rule(conn: Connection, region: str, bus: str, name: str) -> Rule | None:
    row = conn.execute(sa.select(event_rules).where(_is(region, bus, name))).first()
    return None if row is None else rule_of(row)


def require_rule(conn: Connection, region: str, bus: str, name: str) -> Rule:
    """The rule, or ResourceNotFoundException."""
    require_bus(conn, region, bus)
    rule = find_rule(conn, region, bus, name)
    if rule is None:
        raise ResourceNotFoundException(f"Rule {name} does not exist on EventBus {bus}.")
    return rule


def targets_of(conn: Connection, region: str, bus: str, name: str) -> Sequence[Target]:
    where = (_targets.region == region) & (_targets.bus == bus) & (_targets.rule == name)
    return conn.execute(sa.select(_targets.document).where(where).order_by(_targets.id)).scalars().all()


def rule_of(row: Row[Any]) -> Rule:
    return Rule(**{name: getattr(row, name) for name in Rule.__dataclass_fields__})


def _check_room(conn: Connection, region: str, bus: str) -> None:
    count = sa.select(sa.func.count()).where((_rules.region == region) & (_rules.bus == bus))
    if conn.execute(count).scalar_one() >= MAX_RULES:
        raise LimitExceededException


def _save(conn: Connection, rule: Rule, now: float) -> Rule:
    saved = replace(rule, due_at=rule.next_due(now))
    conn.execute(sa.delete(event_rules).where(_is(rule.region, rule.bus, rule.name)))
    values = {name: getattr(saved, name) for name in Rule.__dataclass_fields__}
    conn.execute(sa.insert(event_rules).values(**{**values, "tags": dict(saved.tags)}))
    return saved


def _remove_targets(conn: Connection, region: str, bus: str, name: str, ids: Iterable[str]) -> None:
    where = (_targets.region == region) & (_targets.bus == bus) & (_targets.rule == name)
    conn.execute(sa.delete(event_targets).where(where & _targets.id.in_(list(ids))))


def _is(region: str, bus: str, name: str) -> sa.ColumnElement[bool]:
    return (_rules.region == region) & (_rules.bus == bus) & (_rules.name == name)
