"""Rules with a schedule: when one is due, its targets get a "Scheduled Event"."""

import uuid

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.buses.event import document_of
from stoker.buses.routing import Arrival, Plan, Router, dispatches
from stoker.buses.rules import Rule, rule_of, targets_of
from stoker.buses.timetable import Timetable
from stoker.deliveries.outbox import Outbox
from stoker.model.clock import Clock
from stoker.store.store import Store
from stoker.store.tables_buses import event_rules

AT_ONCE = 100

_rules = event_rules.c


class RuleSchedules:
    """Fires rules when they are due. One that was due while Stoker was down fires once, when it is back."""

    def __init__(self, *, store: Store, clock: Clock, router: Router, outbox: Outbox, account: str) -> None:
        self._router = router
        self._account = account
        self._timetable = Timetable(name="rules", store=store, clock=clock, work=self._fire_due, done=outbox.wake)
        self.begin = self._timetable.start
        self.end = self._timetable.close
        self.note = self._timetable.note

    def __repr__(self) -> str:
        return f"<RuleSchedules {self._timetable!r}>"

    def _fire_due(self, conn: Connection, now: float) -> float | None:
        due = sa.select(event_rules).where(_rules.due_at <= now).order_by(_rules.due_at).limit(AT_ONCE)
        for rule in [rule_of(row) for row in conn.execute(due)]:
            self._fire(conn, rule, now)
            key = (_rules.region == rule.region) & (_rules.bus == rule.bus) & (_rules.name == rule.name)
            conn.execute(sa.update(event_rules).where(key).values(due_at=rule.next_due(now)))
        return conn.execute(sa.select(sa.func.min(_rules.due_at))).scalar()

    def _fire(self, conn: Connection, rule: Rule, now: float) -> None:
        event = document_of(
            id=str(uuid.uuid4()),
            source="aws.events",
            detail_type="Scheduled Event",
            detail={},
            account=self._account,
            region=rule.region,
            time=rule.due_at or now,
            resources=[rule.arn(self._account)],
        )
        targets = targets_of(conn, rule.region, rule.bus, rule.name)
        arrival = Arrival(bus=rule.bus, event=event)
        plan = Plan(dispatches=[*dispatches(rule, targets, arrival, account=self._account, now=now)])
        self._router.carry_out(conn, plan, now)
