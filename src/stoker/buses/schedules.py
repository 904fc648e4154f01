"""EventBridge Scheduler: schedules, and the timetable by which they fire."""

import logging
import random as randoms
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses.event import moment
from stoker.buses.schedule import Document, Schedule, check_document
from stoker.buses.schedule_errors import ConflictException
from stoker.buses.schedule_groups import require_group
from stoker.buses.schedule_targets import Firing, deliveries, undeliverable
from stoker.buses.timetable import Timetable
from stoker.deliveries.delivery import DEFAULT_MAX_AGE_S, DEFAULT_RETRIES, DeadLetter, Delivery, Retry
from stoker.deliveries.outbox import Outbox
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException
from stoker.store.store import Store
from stoker.store.tables_buses import schedules

AT_ONCE = 100

_schedules = schedules.c

log = logging.getLogger(__name__)


class Schedules:
    """Create, find, list, change and delete schedules, and fire them when they are due.

    One that was due while Stoker was down fires once when it is back, with the time that was meant.
    """

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        account: str,
        random: Callable[[], float] = randoms.random,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._account = account
        self._random = random
        self._timetable = Timetable(name="schedules", store=store, clock=clock, work=self._fire_due, done=outbox.wake)
        self.begin = self._timetable.start
        self.end = self._timetable.close

    def __repr__(self) -> str:
        return f"<Schedules {self._timetable!r}>"

    async def create(
        self, region: str, group: str, name: str, document: Document, client_token: str | None
    ) -> Schedule:
        """A new schedule; the same call twice, by its token, is one."""
        check_document(document)
        now = self._clock.time()
        schedule = self._timed(
            Schedule(
                region=region, group_name=group, name=name, document=document, created=now, client_token=client_token
            ),
            now,
        )

        def work(conn: Connection) -> Schedule:
            require_group(conn, region, group)
            known = _find(conn, region, group, name)
            if known is not None:
                if client_token is not None and known.client_token == client_token:
                    return known
                raise ConflictException(f"Schedule {name} already exists.")
            _insert(conn, schedule)
            return schedule

        created = await self._store.write(work)
        self._timetable.note(created.due_at)
        return created

    async def update(self, region: str, group: str, name: str, document: Document) -> Schedule:
        """The schedule with everything replaced."""
        check_document(document)
        now = self._clock.time()

        def work(conn: Connection) -> Schedule:
            known = _require(conn, region, group, name)
            schedule = self._timed(replace(known, document=document), now)
            conn.execute(sa.delete(schedules).where(_is(region, group, name)))
            _insert(conn, schedule)
            return schedule

        updated = await self._store.write(work)
        self._timetable.note(updated.due_at)
        return updated

    async def get(self, region: str, group: str, name: str) -> Schedule:
        return await self._store.read(lambda conn: _require(conn, region, group, name))

    async def list(
        self, region: str, group: str | None, prefix: str, after: tuple[str, str], limit: int, state: str | None = None
    ) -> Sequence[Schedule]:
        """Schedules by group and name, after `after`."""

        def read(conn: Connection) -> Sequence[Schedule]:
            where = (_schedules.region == region) & _schedules.name.startswith(prefix, autoescape=True)
            where &= sa.tuple_(_schedules.group_name, _schedules.name) > sa.tuple_(*after)
            if group is not None:
                require_group(conn, region, group)
                where &= _schedules.group_name == group
            if state is not None:
                where &= _schedules.document["State"].as_string() == state
            query = sa.select(schedules).where(where).order_by(_schedules.group_name, _schedules.name)
            return [_schedule(row) for row in conn.execute(query.limit(limit))]

        return await self._store.read(read)

    async def delete(self, region: str, group: str, name: str) -> None:
        def work(conn: Connection) -> None:
            _require(conn, region, group, name)
            conn.execute(sa.delete(schedules).where(_is(region, group, name)))

        await self._store.write(work)

    def _timed(self, schedule: Schedule, now: float) -> Schedule:
        """The schedule as of now, with the time at which it is first due."""
        begin = max(now, schedule.document.get("StartDate") or now)
        fresh = replace(schedule, modified=now, origin=begin)
        return self._due(fresh, fresh.first(now) if fresh.enabled else None)

    def _due(self, schedule: Schedule, scheduled_at: float | None) -> Schedule:
        due_at = None if scheduled_at is None else schedule.delayed(scheduled_at, self._random())
        return replace(schedule, scheduled_at=scheduled_at, due_at=due_at)

    # Firing

    def _fire_due(self, conn: Connection, now: float) -> float | None:
        due = sa.select(schedules).where(_schedules.due_at <= now).order_by(_schedules.due_at).limit(AT_ONCE)
        for schedule in [_schedule(row) for row in conn.execute(due)]:
            self._fire(conn, schedule, now)
            self._put_off(conn, schedule, now)
        return conn.execute(sa.select(sa.func.min(_schedules.due_at))).scalar()

    def _fire(self, conn: Connection, schedule: Schedule, now: float) -> None:
        scheduled_at = now if schedule.scheduled_at is None else schedule.scheduled_at
        firing = Firing(
            schedule=schedule, account=self._account, scheduled_at=scheduled_at, execution_id=str(uuid.uuid4())
        )
        target = schedule.document["Target"]
        policy = target.get("RetryPolicy", {})
        retry = Retry(
            max_retries=policy.get("MaximumRetryAttempts", DEFAULT_RETRIES),
            max_age_s=float(policy.get("MaximumEventAgeInSeconds", DEFAULT_MAX_AGE_S)),
        )
        for delivery in _deliveries(firing):
            letter = _dead_letter(target, schedule.arn(self._account), firing)
            self._outbox.put(conn, delivery, now=now, retry=retry, dead_letter=letter)

    def _put_off(self, conn: Connection, schedule: Schedule, now: float) -> None:
        """Set the next time; where there is none the schedule may have to go."""
        later = self._due(schedule, schedule.following(max(now, schedule.scheduled_at or now)))
        key = _is(schedule.region, schedule.group_name, schedule.name)
        if later.due_at is None and schedule.document.get("ActionAfterCompletion") == "DELETE":
            conn.execute(sa.delete(schedules).where(key))
            return
        conn.execute(sa.update(schedules).where(key).values(due_at=later.due_at, scheduled_at=later.scheduled_at))


def _deliveries(firing: Firing) -> Sequence[Delivery]:
    try:
        return deliveries(firing)
    except Exception:
        # The boundary of a schedule: one that cannot be made out must not keep back all those that are due with it.
        log.exception("schedule %s could not be made out", firing.schedule.arn(firing.account))
        return [undeliverable(firing)]


def _dead_letter(target: Mapping[str, Any], arn: str, firing: Firing) -> DeadLetter | None:
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue is None:
        return None
    return DeadLetter(queue=queue, attributes={"SCHEDULE_ARN": arn, "SCHEDULED_TIME": moment(firing.scheduled_at)})


def _is(region: str, group: str, name: str) -> sa.ColumnElement[bool]:
    return (_schedules.region == region) & (_schedules.group_name == group) & (_schedules.name == name)


def _find(conn: Connection, region: str, group: str, name: str) -> Schedule | None:
    row = conn.execute(sa.select(schedules).where(_is(region, group, name))).first()
    return None if row is None else _schedule(row)


def _require(conn: Connection, region: str, group: str, name: str) -> Schedule:
    require_group(conn, region, group)
    schedule = _find(conn, region, group, name)
    if schedule is None:
        raise ResourceNotFoundException(f"Schedule {name} does not exist.")
    return schedule


def _insert(conn: Connection, schedule: Schedule) -> None:
    values = {name: getattr(schedule, name) for name in Schedule.__dataclass_fields__}
    conn.execute(sa.insert(schedules).values(**{**values, "document": dict(schedule.document)}))


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(**{name: getattr(row, name) for name in Schedule.__dataclass_fields__})
