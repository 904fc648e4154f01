"""Receiving: claims in the store, and what they change in memory."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from sqlalchemy import Connection

from stoker.model.clock import Clock
from stoker.queues import claims, message_rows
from stoker.queues.catalogue import Catalogue
from stoker.queues.claims import Claim, Claimed, Source, Taken, Want
from stoker.queues.contents import Contents
from stoker.queues.errors import OverLimit, QueueDoesNotExist
from stoker.queues.memory import Memory, OpenQueue
from stoker.queues.message import Received, sequence_number
from stoker.queues.message_rows import MessageRow
from stoker.queues.queue import Queue
from stoker.queues.receipts import Receipt, Receipts
from stoker.store.store import Store

MAX_IN_FLIGHT = 120_000
# How soon a queue with that many in flight is looked at again.
FULL_PAUSE_S = 1.0


class Receiving:
    """For the event loop's thread."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        receipts: Receipts,
        contents: Contents,
        memory: Memory,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._receipts = receipts
        self._contents = contents
        self._memory = memory
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Receiving, {len(self._tasks)} given back>"

    async def close(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def receive(self, queue: Queue, want: Want, wait_s: float | None) -> Sequence[Received]:
        memory = self._memory.of(queue)
        full = memory.tally.in_flight(self._clock.time()) >= MAX_IN_FLIGHT
        if full and wait_s == 0 and not queue.settings.fifo:
            raise OverLimit(f"{MAX_IN_FLIGHT} messages are in flight, which is the most that a queue may have.")
        return await memory.receivers.receive(want, wait_s)

    async def claim(self, queue_id: int, wants: Sequence[Want]) -> tuple[Sequence[Sequence[Received]], float | None]:
        queue = self._catalogue.current(queue_id)
        if queue is None:
            raise QueueDoesNotExist
        memory, now = self._memory.of(queue), self._clock.time()
        if memory.tally.in_flight(now) >= MAX_IN_FLIGHT:
            return [[] for _ in wants], now + FULL_PAUSE_S
        source, grave = self._source(queue)
        # A power cut may show messages again before their time: they are delivered at least once anyway.
        claimed = await self._store.write(lambda conn: Claim(conn, source, now).run(wants), relaxed=True)
        self._count(memory, claimed, grave, now)
        return [[self._received(queue, taken) for taken in mine] for mine in claimed.taken], claimed.next_at

    def _source(self, queue: Queue) -> tuple[Source, Queue | None]:
        redrive = queue.settings.redrive
        grave = None if redrive is None else self._catalogue.by_arn(redrive.target_arn)
        source = Source(
            generation=queue.generation,
            arn=queue.arn,
            settings=queue.settings,
            grave=None if grave is None else grave.generation,
        )
        return source, grave

    def _count(self, memory: OpenQueue, claimed: Claimed, grave: Queue | None, now: float) -> None:
        for mine in claimed.taken:
            for taken in mine:
                memory.tally.hidden(taken.until, now)
        for row in (*claimed.dropped, *claimed.buried):
            memory.tally.gone(row.visible_at, received=row.received)
        if claimed.buried and grave is not None:
            target = self._memory.of(grave)
            for _ in claimed.buried:
                target.tally.arrived(now, now)
            target.receivers.stir()

    def _received(self, queue: Queue, taken: Taken) -> Received:
        row = taken.row
        receipt = Receipt(queue_id=queue.id, message=row.id, count=row.receive_count + 1)
        return Received(
            content=self._contents.unpack(taken.content),
            receipt_handle=self._receipts.handle(receipt),
            receive_count=row.receive_count + 1,
            sent_at=row.sent_at,
            first_received_at=row.first_received_at or self._clock.time(),
            sequence_number=sequence_number(row.id) if queue.settings.fifo else None,
            source_arn=row.source_arn,
        )

    def give_back(self, queue_id: int, messages: Sequence[Received]) -> None:
        if messages:
            self._spawn(self._release(queue_id, messages), f"give back {len(messages)} messages")

    async def _release(self, queue_id: int, messages: Sequence[Received]) -> None:
        queue = self._catalogue.current(queue_id)
        if queue is None:
            return
        now = self._clock.time()
        rows = [self._receipts.read(each.receipt_handle, queue_id).message for each in messages]
        groups = {each.content.group_id for each in messages if queue.settings.fifo and each.content.group_id}
        before = await self._store.write(lambda conn: _release(conn, rows, queue.generation, sorted(groups), now))
        memory = self._memory.of(queue)
        for row in before:
            memory.tally.moved(row.visible_at, now, now)
        memory.receivers.stir()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _release(
    conn: Connection, rows: Sequence[int], generation: int, groups: Sequence[str], now: float
) -> Sequence[MessageRow]:
    before = message_rows.find(conn, rows)
    there = [row for row in rows if row in before]
    if there:
        claims.release(conn, there, generation, groups, now)
    return list(before.values())
