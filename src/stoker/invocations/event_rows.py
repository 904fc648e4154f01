"""Events in the database: plain functions of a connection, for `Store.write`.

An event is there until it is settled.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from stoker.deliveries import outbox_rows
from stoker.deliveries.delivery import Retry
from stoker.deliveries.leased_work import AHEAD, LEASE_S, Claim, Lease
from stoker.functions import lookup
from stoker.functions.event_invoke_config import read_configs
from stoker.invocations.async_event import AsyncEvent, HeldEvent
from stoker.invocations.attempts import Attempted
from stoker.invocations.retries import Again
from stoker.model.arn import FunctionId
from stoker.model.errors import ResourceNotFoundException
from stoker.model.function import FunctionVersion
from stoker.store.prepared import Prepared, PreparedInsert, items
from stoker.store.tables_async import async_events

_events = async_events.c
_FIELDS = tuple(AsyncEvent.__struct_fields__)
_KEPT = tuple(name for name in _FIELDS if name != "due_at")

_INSERT = PreparedInsert(async_events, (*_KEPT, "due_at", "owner"))
_kept = attrgetter(*_KEPT)
_CLAIM = Prepared(
    lambda _: (
        sa.select(*(_events[name] for name in _FIELDS))
        .where(_events.due_at <= bindparam("now"))
        .order_by(_events.due_at, _events.request_id)
        .limit(bindparam("most"))
    )
)
_LEASE = Prepared(
    lambda count: (
        sa.update(async_events)
        .where(_events.request_id.in_(items(count)))
        .values(owner=bindparam("holder"), due_at=bindparam("until"))
    )
)
_FORGET = Prepared(lambda count: sa.delete(async_events).where(_events.request_id.in_(items(count))))
_REMOVE = Prepared(
    lambda count: sa.delete(async_events).where(_events.request_id.in_(items(count))).returning(_events.request_id)
)
_PUT_OFF = Prepared(
    lambda _: (
        sa.update(async_events)
        .where(_events.request_id == bindparam("id"))
        .values(owner=None, due_at=bindparam("due"), attempts=bindparam("tried"), backoffs=bindparam("waited"))
    )
)


def insert(conn: Connection, events: Sequence[AsyncEvent], lease: Lease | None = None) -> None:
    """Add events, to be picked up when they are due or, with a lease, run by its owner at once."""
    owner = None if lease is None else lease.owner
    _INSERT.run(conn, [(*_kept(event), event.due_at if lease is None else lease.until, owner) for event in events])


def with_configs(conn: Connection, events: Sequence[AsyncEvent]) -> list[HeldEvent]:
    """Events with the configs that hold for them now."""
    configs = read_configs(conn, {event.config_key for event in events})
    return [HeldEvent(event=event, config=configs[event.config_key]) for event in events]


def count(conn: Connection) -> int:
    """How many events there are."""
    return conn.execute(sa.select(sa.func.count()).select_from(async_events)).scalar_one()


def release(conn: Connection, request_ids: Collection[str], now: float) -> None:
    """Give back events that were picked up and did not run."""
    listed = list(request_ids)
    for begin in range(0, len(listed), AHEAD):
        _LEASE.run(conn, {"holder": None, "until": now}, listed[begin : begin + AHEAD])


class EventTable:
    """Events as work to be done."""

    def key(self, item: HeldEvent) -> Hashable:
        return item.event.request_id

    def recover(self, conn: Connection, owner: str, now: float) -> None:
        # No lease ends later, and what is due already needs no recovery: a million that wait are not looked at.
        held = _events.due_at.between(now, now + LEASE_S) & (_events.owner == owner)
        conn.execute(sa.update(async_events).where(held).values(owner=None, due_at=now))

    def claim(self, conn: Connection, now: float, limit: int, lease: Lease) -> Claim[HeldEvent]:
        rows = _CLAIM.rows(conn, {"now": now, "most": limit})
        events = [AsyncEvent(**dict(zip(_FIELDS, row, strict=True))) for row in rows]
        if events:
            ids = [event.request_id for event in events]
            _LEASE.run(conn, {"holder": lease.owner, "until": lease.until}, ids)
        # A lease of one's own that has ended is nobody's: it is left from when this owner died.
        free = _events.owner.is_distinct_from(lease.owner) | (_events.due_at <= now)
        others = sa.select(_events.due_at).where(free)
        next_due = conn.execute(others.order_by(_events.due_at).limit(1)).scalar()
        return Claim(held=with_configs(conn, events), next_due=next_due)

    def renew(self, conn: Connection, keys: Collection[Any], lease: Lease) -> None:
        # One that was settled meanwhile is not taken back.
        held = _events.request_id.in_(keys) & (_events.owner == lease.owner)
        conn.execute(sa.update(async_events).where(held).values(due_at=lease.until))

    def settle(self, conn: Connection, done: Sequence[Attempted], now: float) -> Sequence[float]:
        again = [(each.event.request_id, each.settlement) for each in done if isinstance(each.settlement, Again)]
        quiet = [each.event.request_id for each in done if each.is_quiet]
        over = {each.event.request_id: each.delivery for each in done if each.tells}
        _put_off(conn, again)
        if quiet:
            _FORGET.run(conn, listed=quiet)
        removed = _remove(conn, over.keys())
        told = [event for key, event in over.items() if event is not None and key in removed]
        if told:
            insert(conn, told)
        for each in done:
            if each.event.request_id in removed:
                _deliver(conn, each, now)
        return [*(event.due_at for event in told), *(each.due_at for _, each in again)]


def _deliver(conn: Connection, done: Attempted, now: float) -> None:
    """Put into the outbox what goes to destinations that are no functions, and to a dead-letter queue.

    It goes there as the function's role. A function that is gone meanwhile has none, and no dead-letter queue.
    """
    if not done.may_deliver:
        return
    function = _function_of(conn, done.event)
    role_arn = None if function is None else function.role
    if done.outgoing is not None:
        outbox_rows.put(conn, replace(done.outgoing, role_arn=role_arn), now=now, retry=Retry(), dead_letter=None)
    if done.dead_letter is not None and function is not None and function.dead_letter_arn is not None:
        letter = replace(done.dead_letter.to(function.dead_letter_arn), role_arn=role_arn)
        outbox_rows.put(conn, letter, now=now, retry=Retry(), dead_letter=None)


def _function_of(conn: Connection, event: AsyncEvent) -> FunctionVersion | None:
    """The version that an event was for, if it is still there."""
    # There is one account, and rows do not name it.
    function = FunctionId(account="", region=event.region, name=event.function)
    try:
        return lookup.require_version(conn, function, event.qualifier).function
    except ResourceNotFoundException:
        return None


def _put_off(conn: Connection, events: Iterable[tuple[str, Again]]) -> None:
    """Give up the lease on events by request id, which are to run again."""
    rows = [
        {"id": request_id, "due": again.due_at, "tried": again.attempts, "waited": again.backoffs}
        for request_id, again in events
    ]
    if rows:
        _PUT_OFF.run_many(conn, rows)


def _remove(conn: Connection, request_ids: Collection[str]) -> set[str]:
    """Forget events; those of them that were still there, since a deleted function takes its events with it."""
    return {request_id for (request_id,) in _REMOVE.rows(conn, listed=list(request_ids))} if request_ids else set()
