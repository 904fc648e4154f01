"""The outbox in the database: plain functions of a connection, for `Store.write`.

Of the deliveries of a lane only the first can be due; the others wait without a time, so that it costs nothing to have
a million of them. When the first one is over the next one becomes due.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.deliveries.delivery import DeadLetter, Delivery, Retry
from stoker.deliveries.leased_work import LEASE_S, Claim, Lease
from stoker.deliveries.outcomes import Again, Delivered, Outcome, Outgoing
from stoker.store.tables_deliveries import deliveries

_deliveries = deliveries.c
# What is picked up at once has to fit into memory, whatever the bodies' sizes.
MAX_CLAIM_BYTES = 8 << 20

_read_delivery = msgspec.json.Decoder(Delivery).decode
_read_retry = msgspec.json.Decoder(Retry).decode
_read_dead_letter = msgspec.json.Decoder(DeadLetter).decode
_encode = msgspec.json.Encoder().encode


def put(conn: Connection, delivery: Delivery, *, now: float, retry: Retry, dead_letter: DeadLetter | None) -> None:
    """Add a delivery, due now or after those before it in its lane."""
    lane = None if delivery.group_id is None else f"{delivery.target}\n{delivery.group_id}"
    behind = lane is not None and conn.execute(sa.select(sa.exists().where(_deliveries.lane == lane))).scalar()
    conn.execute(
        sa.insert(deliveries).values(
            outside=delivery.is_outside,
            lane=lane,
            due_at=None if behind else now,
            accepted_at=now,
            failures=0,
            size=len(delivery.body),
            delivery=_encode(replace(delivery, body=b"")).decode(),
            retry=_encode(retry).decode(),
            dead_letter=None if dead_letter is None else _encode(dead_letter).decode(),
            body=delivery.body,
        )
    )


def count(conn: Connection) -> dict[bool, int]:
    """How many deliveries there are that leave Stoker, and how many that do not."""
    found = conn.execute(sa.select(_deliveries.outside, sa.func.count()).group_by(_deliveries.outside))
    return {row[0]: row[1] for row in found}


class OutboxTable:
    """One half of the outbox as work to be done: what leaves Stoker, or what stays in it."""

    def __init__(self, *, outside: bool) -> None:
        self._half = _deliveries.outside.is_(outside)

    def key(self, item: Outgoing) -> Hashable:
        return item.id

    def recover(self, conn: Connection, owner: str, now: float) -> None:
        # No lease ends later, and what is due already needs no recovery: a million that wait are not looked at.
        held = self._half & _deliveries.due_at.between(now, now + LEASE_S) & (_deliveries.owner == owner)
        conn.execute(sa.update(deliveries).where(held).values(owner=None, due_at=now))

    def claim(self, conn: Connection, now: float, limit: int, lease: Lease) -> Claim[Outgoing]:
        due = sa.select(_deliveries.id, _deliveries.size).where(self._half & (_deliveries.due_at <= now))
        found = conn.execute(due.order_by(_deliveries.due_at, _deliveries.id).limit(limit))
        ids = _within(found, MAX_CLAIM_BYTES)
        held: Sequence[Outgoing] = []
        if ids:
            chosen = _deliveries.id.in_(ids)
            by_id = {row.id: _outgoing(row) for row in conn.execute(sa.select(deliveries).where(chosen))}
            held = [by_id[id_] for id_ in ids]
            conn.execute(sa.update(deliveries).where(chosen).values(owner=lease.owner, due_at=lease.until))
        # A lease of one's own that has ended is nobody's: it is left from when this owner died.
        others = self._half & (_deliveries.owner.is_distinct_from(lease.owner) | (_deliveries.due_at <= now))
        others &= _deliveries.due_at.is_not(None)
        next_due = sa.select(_deliveries.due_at).where(others).order_by(_deliveries.due_at).limit(1)
        return Claim(held=held, next_due=conn.execute(next_due).scalar())

    def renew(self, conn: Connection, keys: Collection[Any], lease: Lease) -> None:
        held = _deliveries.id.in_(keys) & (_deliveries.owner == lease.owner)
        conn.execute(sa.update(deliveries).where(held).values(due_at=lease.until))

    def settle(self, conn: Connection, done: Sequence[Outcome], now: float) -> Sequence[float]:
        again = [outcome for outcome in done if isinstance(outcome, Again)]
        over = [outcome for outcome in done if isinstance(outcome, Delivered)]
        _put_off(conn, again)
        if over:
            conn.execute(sa.delete(deliveries).where(_deliveries.id.in_([outcome.id for outcome in over])))
        for outcome in over:
            if outcome.dead_letter is not None:
                put(conn, outcome.dead_letter, now=now, retry=Retry(), dead_letter=None)
        moved = [_advance(conn, lane, now) for lane in {outcome.lane for outcome in over} if lane is not None]
        due_now = any(moved) or any(outcome.dead_letter for outcome in over)
        return [*([now] if due_now else []), *(outcome.due_at for outcome in again)]


def _within(rows: Iterable[Row[Any, Any]], most: int) -> Sequence[int]:
    """Of ids and sizes, the ids of as many as are no larger together, and of one in any case."""
    ids: list[int] = []
    size = 0
    for id_, bytes_ in rows:
        size += bytes_
        if ids and size > most:
            break
        ids.append(id_)
    return ids


def _put_off(conn: Connection, again: Sequence[Again]) -> None:
    if again:
        query = (
            sa.update(deliveries)
            .where(_deliveries.id == sa.bindparam("key"))
            .values(owner=None, due_at=sa.bindparam("due"), failures=sa.bindparam("failed"))
        )
        conn.execute(query, [{"key": it.id, "due": it.due_at, "failed": it.failures} for it in again])


def _advance(conn: Connection, lane: str, now: float) -> bool:
    """Let the first one that waits in a lane be due, if nothing is before it; whether there is one."""
    first = sa.select(sa.func.min(_deliveries.id)).where(_deliveries.lane == lane).scalar_subquery()
    waiting = (_deliveries.id == first) & _deliveries.due_at.is_(None)
    return conn.execute(sa.update(deliveries).where(waiting).values(due_at=now)).rowcount > 0


def _outgoing(row: Row[Any]) -> Outgoing:
    return Outgoing(
        id=row.id,
        lane=row.lane,
        accepted_at=row.accepted_at,
        failures=row.failures,
        delivery=replace(_read_delivery(row.delivery), body=row.body),
        retry=_read_retry(row.retry),
        dead_letter=None if row.dead_letter is None else _read_dead_letter(row.dead_letter),
    )
