"""A million things that wait cost the next one nothing: what start-up, picking up and settling read does not grow."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.json import encode

from fakes.loop import on_loop
from fakes.outbox import a_delivery, outbox_bench
from stoker.deliveries.delivery import Retry
from stoker.deliveries.leased_work import AHEAD, LEASE_S, Lease, WorkTable
from stoker.deliveries.outbox_rows import OutboxTable, put
from stoker.deliveries.outcomes import Again as PutOff
from stoker.deliveries.outcomes import Delivered
from stoker.invocations import event_rows
from stoker.invocations.async_event import AsyncEvent
from stoker.invocations.attempts import Attempted
from stoker.invocations.event_rows import EventTable
from stoker.invocations.retries import SUCCESS, Again, Over
from stoker.store.store import open_store

NOW = 1_700_000_000.0
LEASE = Lease(owner="me", until=NOW + LEASE_S)
# Of each four: one is due, two wait for their next try or somebody else has them, the last waits in a lane, or is due.
DUE_AT = f"""CASE WHEN i % 4 = 0 THEN {NOW} - i WHEN i < 1000 AND i % 4 = 2 THEN {NOW} + 30
    WHEN i % 4 < 3 THEN {NOW} + 3600 + i"""
OWNER = "CASE WHEN i < 1000 AND i % 4 = 2 THEN 'another' END"
DELIVERIES = f"""INSERT INTO deliveries
    (outside, lane, due_at, owner, accepted_at, failures, size, delivery, retry, dead_letter, body)
    {{numbers}} SELECT {{outside}}, CASE i % 4 WHEN 3 THEN 'lane' END, {DUE_AT} END, {OWNER}, 0, 0, 1,
    :delivery, :retry, NULL, :body FROM n"""
EVENTS = f"""INSERT INTO async_events (request_id, region, function, qualifier, client_context, trace_id, accepted_at,
    due_at, owner, attempts, backoffs, payload)
    {{numbers}} SELECT 'r' || i, 'us-east-1', 'f' || (i % 100), NULL, NULL, '', 0, {DUE_AT} ELSE {NOW} - i END, {OWNER},
    0, 0, :body FROM n"""
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})"


def event(request_id: str) -> AsyncEvent:
    return AsyncEvent(
        request_id=request_id,
        region="us-east-1",
        function="f",
        qualifier=None,
        payload=b"{}",
        client_context=None,
        trace_id="",
        accepted_at=NOW,
        due_at=NOW,
    )


def settled_deliveries(held: Sequence[Any]) -> Sequence[Any]:
    over = [Delivered(id=item.id, lane=item.lane) for item in held[1:]]
    return [PutOff(id=held[0].id, due_at=NOW + 9, failures=1), *over]


def settled_events(held: Sequence[Any]) -> Sequence[Any]:
    again = Attempted(event=held[0].event, settlement=Again(due_at=NOW + 9, attempts=1, backoffs=0))
    return [again, *(Attempted(event=item.event, settlement=Over(condition=SUCCESS, attempts=1)) for item in held[1:])]


def put_deliveries(conn: sa.Connection) -> None:
    for delivery in (a_delivery(), a_delivery(group_id="g"), a_delivery(group_id="g")):
        put(conn, delivery, now=NOW, retry=Retry(), dead_letter=None)


KINDS: dict[str, tuple[WorkTable[Any, Any], str, Callable[..., Any], Callable[..., Any]]] = {
    "deliveries": (OutboxTable(outside=False), DELIVERIES, settled_deliveries, put_deliveries),
    "deliveries outside": (OutboxTable(outside=True), DELIVERIES, settled_deliveries, put_deliveries),
    "events": (EventTable(), EVENTS, settled_events, lambda conn: event_rows.insert(conn, [event("new")])),
}


class Meter:
    """What the database does: the steps of SQLite's machine, or the rows that PostgreSQL looks at."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn
        self._steps = 0
        if conn.dialect.name == "sqlite":
            conn.connection.driver_connection.set_progress_handler(self._step, 10)  # type: ignore[union-attr]

    def _step(self) -> int:
        self._steps += 1
        return 0

    def read(self) -> int:
        if self._conn.dialect.name == "sqlite":
            return self._steps
        looked = "SELECT SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        return int(self._conn.execute(sa.text(looked)).scalar_one() or 0)


async def costs(url: str, kind: str, many: int) -> list[int]:
    """Of a start, a claim, a renewal, a settlement and a put, where so many wait."""
    table, fill, settled, add = KINDS[kind]
    store = open_store(url)
    values = {"body": b"1", "delivery": encode(a_delivery(b"")).decode(), "retry": encode(Retry()).decode()}
    insert = fill.format(numbers=NUMBERS.format(many=many), outside="TRUE" if "outside" in kind else "FALSE")

    def backlog(conn: sa.Connection) -> None:
        conn.execute(sa.text(f"DELETE FROM {'async_events' if kind == 'events' else 'deliveries'}"))
        conn.execute(sa.text(insert), {name: value for name, value in values.items() if f":{name}" in insert})

    def work(conn: sa.Connection) -> list[int]:
        conn.execute(sa.text("ANALYZE"))
        meter, read = Meter(conn), list[int]()
        read.append(meter.read())
        table.recover(conn, "me", NOW)
        read.append(meter.read())
        claim = table.claim(conn, NOW, AHEAD, LEASE)
        assert len(claim.held) == min(AHEAD, many // 4) and claim.next_due is not None
        read.append(meter.read())
        table.renew(conn, [table.key(item) for item in claim.held], LEASE)
        read.append(meter.read())
        table.settle(conn, settled(claim.held), NOW)
        read.append(meter.read())
        add(conn)
        read.append(meter.read())
        if conn.dialect.name == "sqlite":
            conn.connection.driver_connection.set_progress_handler(None, 0)  # type: ignore[union-attr]
        return [after - before for before, after in pairwise(read)]

    try:
        await store.write(backlog)
        return await store.write(work)
    finally:
        await store.close()


@pytest.mark.parametrize("kind", KINDS)
@on_loop
async def test_a_backlog_costs_the_next_nothing(store_url: str, kind: str) -> None:
    few, many = await costs(store_url, kind, 4 * AHEAD), await costs(store_url, kind, 400 * AHEAD)
    # A tree that is a level deeper, and no more.
    assert all(more <= 2 * less + 100 for less, more in zip(few, many, strict=True)), (few, many)


@on_loop
async def test_what_was_held_by_one_that_was_away_for_long_is_all_delivered(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.go.clear()
        await bench.put(*(a_delivery(b"%d" % number) for number in range(AHEAD + 100)))
        while sum(row.owner is not None for row in await bench.rows()) < AHEAD + 100:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await bench.crash()
        bench.clock.advance(2 * LEASE_S)
        bench.new()
        await bench.outbox.start()
        async with asyncio.timeout(60):
            await bench.emptied()
        assert len(bench.inbox.bodies) == AHEAD + 100
