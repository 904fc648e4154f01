"""The alarms that there are: made, changed, deleted, and brought into states that are told in the same transaction."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.alarms import notices
from stoker.alarms.alarm import Alarm, State
from stoker.deliveries.outbox import Outbox
from stoker.model.clock import Clock
from stoker.store.store import Store
from stoker.store.tables_alarms import alarm_history, metric_alarms

# "Alarm history is available for 30 days."
HISTORY_S = 30 * 86_400.0
# Of one alarm, so that one that flaps does not fill the disk.
MOST_HISTORY = 2_000
# As long as the wire lets an item be.
_MOST_DATA = 4095
CONFIGURATION, STATE = "ConfigurationUpdate", "StateUpdate"

_alarms, _history = metric_alarms.c, alarm_history.c


@dataclass(frozen=True, kw_only=True)
class HistoryItem:
    """Something that became of an alarm `at` a moment; `data` is JSON."""

    id: int
    name: str
    at: float
    kind: str
    summary: str
    data: str


class Alarms:
    """All alarms of a database.

    `changed` is called whenever one was made, changed or deleted; with True where it should be evaluated at once.
    """

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        account: str,
        region_name: Callable[[str], str],
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._account = account
        self._region_name = region_name
        self.changed: Callable[[bool], None] = lambda _at_once: None

    def __repr__(self) -> str:
        return f"<Alarms of {self._account}>"

    async def all(self) -> Sequence[Alarm]:
        """Every alarm, by region and name."""
        query = sa.select(metric_alarms).order_by(_alarms.region, _alarms.name)
        return await self._store.read(lambda conn: [Alarm.of(row) for row in conn.execute(query)])

    async def of_region(self, region: str) -> Sequence[Alarm]:
        """Those of a region, by name."""
        query = sa.select(metric_alarms).where(_alarms.region == region).order_by(_alarms.name)
        return await self._store.read(lambda conn: [Alarm.of(row) for row in conn.execute(query)])

    async def get(self, region: str, name: str) -> Alarm | None:
        return await self._store.read(lambda conn: _find(conn, region, name))

    async def put(self, region: str, name: str, settings: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Make an alarm, or change what one is; its state and its tags then stay."""
        now = self._clock.time()

        def work(conn: Connection) -> None:
            there = _find(conn, region, name)
            if there is None:
                fresh = State(updated_at=now)
                alarm = Alarm(
                    region=region, name=name, revision=1, settings=settings, configured_at=now, state=fresh, tags=tags
                )
                conn.execute(sa.insert(metric_alarms).values(alarm.row()))
                self._note_configuration(conn, alarm, "Create", "created", now)
            else:
                alarm = there.changed(settings=settings, configured_at=now)
                _update(conn, alarm)
                self._note_configuration(conn, alarm, "Update", "updated", now)

        await self._store.write(work)
        self.changed(True)

    async def delete(self, region: str, names: Sequence[str]) -> Sequence[str]:
        """Delete all of them, or, if some are not there, none; then these are returned."""
        now = self._clock.time()

        def work(conn: Connection) -> Sequence[str]:
            found = {name: _find(conn, region, name) for name in names}
            missing = [name for name, alarm in found.items() if alarm is None]
            if not missing:
                for alarm in found.values():
                    assert alarm is not None
                    conn.execute(sa.delete(metric_alarms).where(_is(region, alarm.name)))
                    self._note_configuration(conn, alarm, "Delete", "deleted", now)
            return missing

        missing = await self._store.write(work)
        self.changed(False)
        return missing

    async def change(self, region: str, name: str, change: Callable[[Alarm], Alarm]) -> bool:
        """Change an alarm's settings or tags; False if there is none."""

        def work(conn: Connection) -> bool:
            alarm = _find(conn, region, name)
            if alarm is not None:
                _update(conn, change(alarm))
            return alarm is not None

        found = await self._store.write(work)
        self.changed(False)
        return found

    async def come_into(self, alarm: Alarm, state: State) -> bool:
        """Bring an alarm into a state, and tell of it; durable when this returns. False if it was changed meanwhile."""

        def work(conn: Connection) -> bool:
            there = _find(conn, alarm.region, alarm.name)
            if there is None or there.revision != alarm.revision:
                return False
            after = there.changed(state=state)
            _update(conn, after)
            if state.value != there.state.value:
                self._note_state(conn, there, after)
                self._tell(conn, after, there.state)
            return True

        done = await self._store.write(work)
        self._outbox.wake()
        self.changed(False)
        return done

    async def history(
        self, region: str, name: str | None, *, kind: str | None, since: float, until: float
    ) -> Sequence[HistoryItem]:
        """What became of one alarm, or of all of a region, between two moments; oldest first."""
        conditions = [_history.region == region, _history.at >= since, _history.at <= until]
        if name is not None:
            conditions.append(_history.name == name)
        if kind is not None:
            conditions.append(_history.kind == kind)
        query = sa.select(alarm_history).where(*conditions).order_by(_history.id)

        def work(conn: Connection) -> Sequence[HistoryItem]:
            return [
                HistoryItem(id=row.id, name=row.name, at=row.at, kind=row.kind, summary=row.summary, data=row.data)
                for row in conn.execute(query)
            ]

        return await self._store.read(work)

    def _tell(self, conn: Connection, alarm: Alarm, before: State) -> None:
        named = self._region_name(alarm.region)
        for delivery in notices.deliveries(alarm, before, account=self._account, region_name=named):
            self._outbox.put(conn, delivery, now=alarm.state.updated_at)

    def _note_state(self, conn: Connection, before: Alarm, after: Alarm) -> None:
        data = {"version": "1.0", "oldState": _described(before.state), "newState": _described(after.state)}
        summary = f"Alarm updated from {before.state.value} to {after.state.value}"
        _note(conn, after, STATE, summary, data, after.state.updated_at)

    def _note_configuration(self, conn: Connection, alarm: Alarm, kind: str, done: str, now: float) -> None:
        key = {"Create": "createdAlarm", "Update": "updatedAlarm", "Delete": "deletedAlarm"}[kind]
        named = {"alarmName": alarm.name, "alarmArn": alarm.arn(self._account), "stateValue": alarm.state.value}
        data = {"version": "1.0", "type": kind, key: {**named, **alarm.settings}}
        _note(conn, alarm, CONFIGURATION, f'Alarm "{alarm.name}" {done}', data, now)


def _described(state: State) -> Mapping[str, Any]:
    data = {} if state.data is None else {"stateReasonData": json.loads(state.data)}
    return {"stateValue": state.value, "stateReason": state.reason, **data}


def _note(conn: Connection, alarm: Alarm, kind: str, summary: str, data: Mapping[str, Any], now: float) -> None:
    text = json.dumps(data, separators=(",", ":"))
    if len(text) > _MOST_DATA:
        text = json.dumps({"version": "1.0"})
    row = {"region": alarm.region, "name": alarm.name, "at": now, "kind": kind, "summary": summary[:255], "data": text}
    conn.execute(sa.insert(alarm_history).values(row))
    own = (_history.region == alarm.region) & (_history.name == alarm.name)
    newest = sa.select(_history.id).where(own).order_by(_history.id.desc()).offset(MOST_HISTORY).limit(1)
    beyond = conn.execute(newest).scalar()
    conn.execute(sa.delete(alarm_history).where(own, _history.at < now - HISTORY_S))
    if beyond is not None:
        conn.execute(sa.delete(alarm_history).where(own, _history.id <= beyond))


def with_actions(enabled: bool) -> Callable[[Alarm], Alarm]:
    """The change that switches actions on or off."""
    return lambda alarm: alarm.changed(settings={**alarm.settings, "ActionsEnabled": enabled})


def with_tags(change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Callable[[Alarm], Alarm]:
    """The change of an alarm's tags."""
    return lambda alarm: replace(alarm, tags=change(alarm.tags))


def _find(conn: Connection, region: str, name: str) -> Alarm | None:
    row = conn.execute(sa.select(metric_alarms).where(_is(region, name))).one_or_none()
    return None if row is None else Alarm.of(row)


def _update(conn: Connection, alarm: Alarm) -> None:
    conn.execute(sa.update(metric_alarms).where(_is(alarm.region, alarm.name)).values(alarm.row()))


def _is(region: str, name: str) -> sa.ColumnElement[bool]:
    return (_alarms.region == region) & (_alarms.name == name)
