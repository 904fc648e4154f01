"""What an event on a bus leads to: deliveries to the targets of the rules that it matches, and a place in archives.

`plan` reads and decides; `Router.put` writes all of it in one transaction, so that what was acknowledged arrives.
"""

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.buses import names
from stoker.buses.event import Document, complete, encode, moment
from stoker.buses.event_buses import find_bus
from stoker.buses.rules import Rule, Target, compiled, rule_of
from stoker.buses.target_input import RuleFacts, group_of, target_input
from stoker.deliveries.delivery import DEFAULT_MAX_AGE_S, DEFAULT_RETRIES, DeadLetter, Delivery, Retry
from stoker.deliveries.outbox import Outbox
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException, ValidationException
from stoker.store.store import Store
from stoker.store.tables_buses import archived_events, event_archives, event_rules, event_targets

CALLER = "events.amazonaws.com"
# An event that a bus hands to a bus counts its hops, so that buses that are each other's targets stop.
HOPS = "hops"
MAX_HOPS = 8
LARGE_BYTES = 65_536

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """An event that came to a bus. `rule_arns` are the only rules that it is for, where it is a replayed one."""

    bus: str
    event: Document
    trace_id: str | None = None
    hops: int = 0
    rule_arns: Sequence[str] | None = None
    is_replayed: bool = False


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One delivery, how to retry it, and where it goes when it is given up."""

    delivery: Delivery
    retry: Retry
    dead_letter: DeadLetter | None


@dataclass(kw_only=True)
class Plan:
    """What some events lead to."""

    dispatches: list[Dispatch] = field(default_factory=list)
    archived: list[Mapping[str, Any]] = field(default_factory=list)


class Router:
    """Puts events on buses."""

    def __init__(self, *, store: Store, outbox: Outbox, clock: Clock, account: str) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._account = account

    async def put(self, region: str, arrivals: Sequence[Arrival]) -> None:
        """Everything that the events lead to is durable when this returns."""
        now = self._clock.time()
        plan = await self._store.read(lambda conn: plan_for(conn, region, arrivals, account=self._account, now=now))
        if plan.dispatches or plan.archived:
            await self._store.write(lambda conn: self.carry_out(conn, plan, now))
            self._outbox.wake()

    def carry_out(self, conn: Connection, plan: Plan, now: float) -> None:
        """Write down a plan; the outbox is to be woken after the commit."""
        for each in plan.dispatches:
            self._outbox.put(conn, each.delivery, now=now, retry=each.retry, dead_letter=each.dead_letter)
        if plan.archived:
            conn.execute(sa.insert(archived_events), plan.archived)

    async def deliver(self, delivery: Delivery) -> None:
        """A bus as a target. Raises ResourceNotFoundException, MalformedEventError."""
        name, region = names.of_arn(delivery.target, "event-bus"), delivery.target.split(":")[3]
        if name is None or await self._store.read(lambda conn: find_bus(conn, region, name)) is None:
            raise ResourceNotFoundException(f"Event bus {name} does not exist.")
        hops = int(delivery.attributes.get(HOPS, "0"))
        if hops > MAX_HOPS:
            raise ValidationException("The event went from bus to bus too often.")
        now = self._clock.time()
        given = partial(complete, id=str(uuid.uuid4()), account=self._account, region=region, now=now)
        # A large one takes longer to parse than the event loop should stand still.
        large = len(delivery.body) > LARGE_BYTES
        event = await asyncio.to_thread(given, delivery.body) if large else given(delivery.body)
        await self.put(region, [Arrival(bus=name, event=event, trace_id=delivery.trace_id, hops=hops)])


def plan_for(conn: Connection, region: str, arrivals: Sequence[Arrival], *, account: str, now: float) -> Plan:
    """What events lead to. Events for a bus that is not there lead to nothing, as on AWS."""
    plan = Plan()
    for bus in dict.fromkeys(arrival.bus for arrival in arrivals):
        here = [arrival for arrival in arrivals if arrival.bus == bus]
        if find_bus(conn, region, bus) is None:
            log.warning("%d events for the bus %s, which does not exist, were dropped", len(here), bus)
            continue
        targets = _targets_by_rule(conn, region, bus)
        for rule in _matching_rules(conn, region, bus):
            if rule.name in targets and rule.pattern is not None:
                for arrival in here:
                    if _is_for(rule, arrival, account):
                        plan.dispatches += dispatches(rule, targets[rule.name], arrival, account=account, now=now)
        _plan_archives(conn, region, bus, here, plan, now)
    return plan


def _is_for(rule: Rule, arrival: Arrival, account: str) -> bool:
    if arrival.rule_arns is not None and rule.arn(account) not in arrival.rule_arns:
        return False
    return rule.pattern is not None and compiled(rule.pattern).matches(arrival.event)


def dispatches(
    rule: Rule, targets: Sequence[Target], arrival: Arrival, *, account: str, now: float
) -> Sequence[Dispatch]:
    """The deliveries of an event to a rule's targets."""
    facts = RuleFacts(arn=rule.arn(account), name=rule.name, ingestion_time=moment(now))
    return [_dispatch(rule, target, arrival, facts, account) for target in targets]


def _dispatch(rule: Rule, target: Target, arrival: Arrival, facts: RuleFacts, account: str) -> Dispatch:
    is_bus = names.of_arn(target["Arn"], "event-bus") is not None
    retry = target.get("RetryPolicy", {})
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    delivery = Delivery(
        target=target["Arn"],
        # A template may be filled in with half of a surrogate pair.
        body=target_input(target, arrival.event, facts).encode(errors="replace"),
        caller=CALLER,
        source_arn=facts.arn,
        region=rule.region,
        account=account,
        attributes={HOPS: str(arrival.hops + 1)} if is_bus else {},
        group_id=group_of(target, arrival.event),
        role_arn=target.get("RoleArn") or rule.role_arn,
        trace_id=arrival.trace_id,
    )
    letter = DeadLetter(queue=queue or "", attributes={"RULE_ARN": facts.arn}, body=encode(arrival.event).encode())
    return Dispatch(
        delivery=delivery,
        retry=Retry(
            max_retries=retry.get("MaximumRetryAttempts", DEFAULT_RETRIES),
            max_age_s=float(retry.get("MaximumEventAgeInSeconds", DEFAULT_MAX_AGE_S)),
        ),
        dead_letter=letter if queue else None,
    )


def _matching_rules(conn: Connection, region: str, bus: str) -> Sequence[Rule]:
    columns = event_rules.c
    where = (columns.region == region) & (columns.bus == bus) & columns.enabled & columns.pattern.is_not(None)
    return [rule_of(row) for row in conn.execute(sa.select(event_rules).where(where))]


def _targets_by_rule(conn: Connection, region: str, bus: str) -> Mapping[str, Sequence[Target]]:
    columns = event_targets.c
    query = sa.select(columns.rule, columns.document).where((columns.region == region) & (columns.bus == bus))
    found: dict[str, list[Target]] = {}
    for name, document in conn.execute(query):
        found.setdefault(name, []).append(document)
    return found


def _plan_archives(
    conn: Connection, region: str, bus: str, arrivals: Sequence[Arrival], plan: Plan, now: float
) -> None:
    """Archives keep what arrives, but for what was in an archive before."""
    columns = event_archives.c
    query = sa.select(columns.name, columns.pattern).where((columns.region == region) & (columns.bus == bus))
    for name, pattern in conn.execute(query):
        plan.archived += [
            {
                "region": region,
                "archive": name,
                "at": now,
                "event": encode(arrival.event).encode(),
            }
            for arrival in arrivals
            if not arrival.is_replayed and (pattern is None or compiled(pattern).matches(arrival.event))
        ]
