"""Replays: an archive's events once more, in their order, a batch in a transaction with how far it got."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses.archives import archived_after, require_archive
from stoker.buses.event_buses import require_bus
from stoker.buses.event_errors import IllegalStatusException, ResourceAlreadyExistsException
from stoker.buses.routing import Arrival, Router, plan_for
from stoker.buses.timetable import Timetable
from stoker.deliveries.outbox import Outbox
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException, ValidationException
from stoker.store.store import Store
from stoker.store.tables_buses import event_replays

AT_ONCE = 50
GOING = ("STARTING", "RUNNING", "CANCELLING")

_replays = event_replays.c


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One replay; `from_at` and `to_at` are its window, all times in seconds since the epoch.

    `cursor_at` is the time of the last event replayed. `rule_arns` are the rules that it is for, None for all.
    """

    region: str
    name: str
    archive: str
    bus: str
    from_at: float
    to_at: float
    description: str | None = None
    rule_arns: Sequence[str] | None = None
    state: str = "STARTING"
    cursor_at: float | None = None
    cursor_id: int | None = None
    started: float = 0.0
    ended: float | None = None


class Replays:
    """Start, find, list and cancel replays, and run them."""

    def __init__(self, *, store: Store, clock: Clock, router: Router, outbox: Outbox, account: str) -> None:
        self._store = store
        self._clock = clock
        self._router = router
        self._account = account
        self._timetable = Timetable(name="replays", store=store, clock=clock, work=self._go_on, done=outbox.wake)
        self.begin = self._timetable.start
        self.end = self._timetable.close

    async def start(self, given: Replay) -> Replay:
        if given.to_at <= given.from_at:
            raise ValidationException("Parameter EventEndTime is not valid. Reason: EventStartTime must be before it.")
        now = self._clock.time()

        def work(conn: Connection) -> Replay:
            archive = require_archive(conn, given.region, given.archive)
            require_bus(conn, given.region, given.bus)
            if archive.bus != given.bus:
                raise ValidationException(
                    "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."
                )
            if _find(conn, given.region, given.name) is not None:
                raise ResourceAlreadyExistsException(f"Replay {given.name} already exists.")
            values = {name: getattr(given, name) for name in Replay.__dataclass_fields__} | {"started": now}
            conn.execute(sa.insert(event_replays).values(**values))
            return replace(given, started=now)

        replay = await self._store.write(work)
        self._timetable.note(now)
        return replay

    async def get(self, region: str, name: str) -> Replay:
        return await self._store.read(lambda conn: _require(conn, region, name))

    async def list(
        self, region: str, prefix: str, state: str | None, archive: str | None, after: str, limit: int
    ) -> Sequence[Replay]:
        where = (_replays.region == region) & (_replays.name > after)
        where &= _replays.name.startswith(prefix, autoescape=True)
        if state is not None:
            where &= _replays.state == state
        if archive is not None:
            where &= _replays.archive == archive
        query = sa.select(event_replays).where(where).order_by(_replays.name).limit(limit)
        return await self._store.read(lambda conn: [_replay(row) for row in conn.execute(query)])

    async def cancel(self, region: str, name: str) -> Replay:
        def work(conn: Connection) -> Replay:
            replay = _require(conn, region, name)
            if replay.state not in ("STARTING", "RUNNING"):
                raise IllegalStatusException(f"Replay {name} is not in a valid state for this operation.")
            _update(conn, replay, state="CANCELLING")
            return replace(replay, state="CANCELLING")

        replay = await self._store.write(work)
        self._timetable.note(self._clock.time())
        return replay

    def _go_on(self, conn: Connection, now: float) -> float | None:
        """One batch of each replay that goes on."""
        rows = conn.execute(sa.select(event_replays).where(_replays.state.in_(GOING))).all()
        going = [self._replay_some(conn, _replay(row), now) for row in rows]
        return now if any(going) else None

    def _replay_some(self, conn: Connection, replay: Replay, now: float) -> bool:
        """Replay a batch; whether there is more."""
        if replay.state == "CANCELLING":
            _update(conn, replay, state="CANCELLED", ended=now)
            return False
        try:
            archive = require_archive(conn, replay.region, replay.archive)
        except ResourceNotFoundException:
            _update(conn, replay, state="FAILED", ended=now)
            return False
        cursor = (replay.from_at, 0) if replay.cursor_at is None else (replay.cursor_at, replay.cursor_id or 0)
        found = archived_after(conn, archive, cursor, replay.to_at, AT_ONCE)
        if not found:
            _update(conn, replay, state="COMPLETED", ended=now)
            return False
        arrivals = [
            Arrival(
                bus=replay.bus,
                event={**each.event, "replay-name": replay.name},
                rule_arns=replay.rule_arns or None,
                is_replayed=True,
            )
            for each in found
        ]
        self._router.carry_out(conn, plan_for(conn, replay.region, arrivals, account=self._account, now=now), now)
        _update(conn, replay, state="RUNNING", cursor_at=found[-1].at, cursor_id=found[-1].id)
        return True


def _is(region: str, name: str) -> sa.ColumnElement[bool]:
    return (_replays.region == region) & (_replays.name == name)


def _find(conn: Connection, region: str, name: str) -> Replay | None:
    row = conn.execute(sa.select(event_replays).where(_is(region, name))).first()
    return None if row is None else _replay(row)


def _require(conn: Connection, region: str, name: str) -> Replay:
    replay = _find(conn, region, name)
    if replay is None:
        raise ResourceNotFoundException(f"Replay {name} does not exist.")
    return replay


def _update(conn: Connection, replay: Replay, **values: Any) -> None:
    conn.execute(sa.update(event_replays).where(_is(replay.region, replay.name)).values(**values))


def _replay(row: Row[Any]) -> Replay:
    return Replay(**{name: getattr(row, name) for name in Replay.__dataclass_fields__})
