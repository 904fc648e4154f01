"""An outbox on a real store, with targets that a test writes and a clock that it moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from fakes.clock import FakeClock
from stoker.deliveries.delivery import Delivery
from stoker.deliveries.leased_work import LeasedWork
from stoker.deliveries.outbox import Outbox
from stoker.deliveries.targets import Targets
from stoker.store.store import Store, open_store
from stoker.store.tables_deliveries import deliveries

QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
DEAD_LETTERS = "arn:aws:sqs:us-east-1:000000000000:dead"


def a_delivery(body: bytes = b"1", **members: Any) -> Delivery:
    defaults = {
        "target": QUEUE,
        "body": body,
        "caller": "events.amazonaws.com",
        "source_arn": "arn:aws:events:us-east-1:000000000000:rule/r",
        "region": "us-east-1",
        "account": "000000000000",
    }
    return Delivery(**{**defaults, **members})


class Inbox:
    """Takes deliveries as `script` says (an exception refuses them); holds them back while `go` is not set."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.tried: list[Delivery] = []
        self.running = 0
        self.most_running = 0
        self.script: Callable[[Delivery], Exception | None] = lambda delivery: None
        self.go = asyncio.Event()
        self.go.set()

    async def deliver(self, delivery: Delivery) -> None:
        self.tried.append(delivery)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            await self.go.wait()
        finally:
            self.running -= 1
        error = self.script(delivery)
        if error is not None:
            raise error
        self.taken.append(delivery)

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.taken]


class OutboxBench:
    """One outbox after another on the same store: `crash` leaves everything as it is."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.new()

    def new(self, owner: str = "here") -> None:
        self.inbox = Inbox()
        self.targets = Targets()
        for service in ("sqs", "http"):
            self.targets.register(service, self.inbox.deliver)
        self.outbox = Outbox(store=self.store, targets=self.targets, clock=self.clock, owner=owner, jitter=lambda: 1.0)

    async def put(self, *given: Delivery, **settings: Any) -> None:
        now = self.clock.time()

        def work(conn: sa.Connection) -> None:
            for delivery in given:
                self.outbox.put(conn, delivery, now=now, **settings)

        await self.store.write(work)
        self.outbox.wake()

    async def rows(self) -> Sequence[sa.Row[Any]]:
        """What is not delivered, in the order in which it was put."""
        query = sa.select(deliveries).order_by(deliveries.c.id)
        return await self.store.read(lambda conn: list(conn.execute(query)))

    async def count(self) -> int:
        return await self.store.read(lambda conn: conn.execute(sa.select(sa.func.count(deliveries.c.id))).scalar_one())

    async def emptied(self) -> None:
        """Wait until nothing is on its way."""
        while await self.count():  # noqa: ASYNC110 - the database does not signal
            await asyncio.sleep(0.001)

    async def waiting(self, **members: Any) -> sa.Row[Any]:
        """Wait until there is one delivery, which nobody holds and which is so; the delivery."""
        while True:
            rows = await self.rows()
            # The database knows it a moment before the outbox does.
            if len(rows) == 1 and rows[0].owner is None and not any(half._held for half in self._halves()):
                (row,) = rows
                if all(getattr(row, name) == value for name, value in members.items()):
                    return row
            await asyncio.sleep(0.001)

    def _halves(self) -> tuple[LeasedWork[Any, Any], ...]:
        return self.outbox._inside, self.outbox._outside

    async def crash(self) -> None:
        """Kill -9: nothing of the outbox goes on, and nothing is told to the database."""
        for half in self._halves():
            half._open = False
            half._lease_alarm.stop()
            for task in [*half._tasks]:
                task.cancel()
        await asyncio.sleep(0)


@asynccontextmanager
async def outbox_bench(url: str) -> AsyncIterator[OutboxBench]:
    """A bench whose outbox has started."""
    store = open_store(url)
    bench = OutboxBench(store)
    try:
        await bench.outbox.start()
        yield bench
        await bench.outbox.close(limit_s=1.0)
    finally:
        await store.close()
