"""Events in the database: plain functions of a connection, for `Store.write`.

An event is there until it is settled. Who runs one has a lease on it: until that ends nobody else picks it up, and
whoever opens the data of an owner that died takes its leases back at once.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.functions.event_invoke_config import read_configs
from stoker.invocations.async_event import AsyncEvent, HeldEvent
from stoker.invocations.retries import Again
from stoker.store.tables_async import async_events

_events = async_events.c
_FIELDS = tuple(AsyncEvent.__slots__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Who runs what it picks up, and until when nobody else may."""

    owner: str
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Events that were picked up, and when the next of the others is due; None if there is none."""

    held: Sequence[HeldEvent]
    next_due: float | None


def insert(conn: Connection, events: Sequence[AsyncEvent], lease: Lease | None = None) -> None:
    """Add events, to be picked up when they are due or, with a lease, run by its owner at once."""
    leased = {} if lease is None else {"due_at": lease.until}
    owner = None if lease is None else lease.owner
    rows = [{**{name: getattr(event, name) for name in _FIELDS}, "owner": owner, **leased} for event in events]
    conn.execute(sa.insert(async_events), rows)


def claim(conn: Connection, now: float, limit: int, lease: Lease) -> Claim:
    """Pick up what is due, the longest due first. A lease that has ended counts as due."""
    due = sa.select(async_events).where(_events.due_at <= now).order_by(_events.due_at, _events.request_id).limit(limit)
    events = [_event(row) for row in conn.execute(due)]
    if events:
        _update(conn, [event.request_id for event in events], owner=lease.owner, due_at=lease.until)
    next_due = conn.execute(sa.select(sa.func.min(_events.due_at))).scalar()
    return Claim(held=with_configs(conn, events), next_due=next_due)


def with_configs(conn: Connection, events: Sequence[AsyncEvent]) -> list[HeldEvent]:
    """Events with the configs that hold for them now."""
    configs = read_configs(conn, {event.config_key for event in events})
    return [HeldEvent(event=event, config=configs[event.config_key]) for event in events]


def renew(conn: Connection, request_ids: Collection[str], lease: Lease) -> None:
    """Put off the end of the owner's leases on those of these that it still has: a settled one is not taken back."""
    held = _events.request_id.in_(request_ids) & (_events.owner == lease.owner)
    conn.execute(sa.update(async_events).where(held).values(due_at=lease.until))


def release(conn: Connection, request_ids: Collection[str], now: float) -> None:
    """Give back events that were picked up and did not run."""
    _update(conn, request_ids, owner=None, due_at=now)


def recover(conn: Connection, owner: str, now: float) -> None:
    """What an owner had picked up when it died is due again."""
    conn.execute(sa.update(async_events).where(_events.owner == owner).values(owner=None, due_at=now))


def put_off(conn: Connection, events: Iterable[tuple[str, Again]]) -> None:
    """Give up the lease on events by request id, which are to run again."""
    query = (
        sa.update(async_events)
        .where(_events.request_id == sa.bindparam("id"))
        .values(
            owner=None,
            due_at=sa.bindparam("due"),
            attempts=sa.bindparam("tried"),
            backoffs=sa.bindparam("waited"),
        )
    )
    rows = [
        {"id": request_id, "due": again.due_at, "tried": again.attempts, "waited": again.backoffs}
        for request_id, again in events
    ]
    if rows:
        conn.execute(query, rows)


def remove(conn: Connection, request_ids: Collection[str]) -> set[str]:
    """Forget events; those of them that were still there, since a deleted function takes its events with it."""
    query = sa.delete(async_events).where(_events.request_id.in_(request_ids)).returning(_events.request_id)
    return set(conn.execute(query).scalars()) if request_ids else set()


def _update(conn: Connection, request_ids: Collection[str], **values: Any) -> None:
    conn.execute(sa.update(async_events).where(_events.request_id.in_(request_ids)).values(**values))


def _event(row: Row[Any]) -> AsyncEvent:
    return AsyncEvent(**{name: getattr(row, name) for name in _FIELDS})
