"""SQS's queues as other parts use them: send, receive, delete, hide. What is acknowledged is on the disk."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.deliveries.write_batches import WriteBatches
from stoker.model.clock import Clock
from stoker.queues import message_rows, sending
from stoker.queues.attempts import ReceiveAttempts
from stoker.queues.catalogue import Catalogue
from stoker.queues.claims import Want
from stoker.queues.contents import Contents
from stoker.queues.errors import InvalidParameterValue, QueueDoesNotExist, QueueError
from stoker.queues.memory import Memory, OpenQueue
from stoker.queues.message import Outgoing, Received, Sent
from stoker.queues.message_rows import Arrival, MessageRow, Written
from stoker.queues.message_rules import check_message
from stoker.queues.queue import Queue
from stoker.queues.receipts import Receipts
from stoker.queues.receiving import Receiving
from stoker.queues.row_ids import RowIds
from stoker.queues.settling import MAX_VISIBILITY_S, Settled, Settling, settle
from stoker.queues.sweeper import Sweeper
from stoker.queues.tally import Tally
from stoker.store.store import Store
from stoker.store.tables_queues import queue_messages, queues

MAX_MESSAGES = 10
MAX_WAIT_S = 20
AT_ONCE = 256


@dataclass(kw_only=True, slots=True, eq=False)
class _Sending:
    """A message that waits to be written; `written` says how it went."""

    arrival: Arrival
    written: Written | None = None


class Queues:
    """All queues of an account. `start` first, `close` at the end; on the event loop's thread.

    `key` seals receipt handles, `contents` packs what messages carry.
    """

    def __init__(self, *, account: str, store: Store, clock: Clock, key: bytes, contents: Contents) -> None:
        self._store = store
        self._clock = clock
        self._ids = RowIds(clock)
        self._receipts = Receipts(key)
        self.contents = contents
        self.catalogue = Catalogue(account=account, store=store, clock=clock, ids=self._ids)
        self._memory = Memory(clock, self.catalogue.current)
        self._receiving = Receiving(
            store=store,
            clock=clock,
            catalogue=self.catalogue,
            receipts=self._receipts,
            contents=contents,
            memory=self._memory,
        )
        self._memory.claims(self._receiving.claim, self._receiving.give_back)
        self._sweeper = Sweeper(store=store, clock=clock, catalogue=self.catalogue, memory=self._memory)
        self._attempts = ReceiveAttempts(clock)
        self._sending = WriteBatches(self._write_sent, AT_ONCE)
        self._settling = WriteBatches(self._write_settled, AT_ONCE)

    def __repr__(self) -> str:
        return f"<Queues {self.catalogue!r}>"

    async def start(self) -> None:
        """Read which queues there are and count what is in them."""
        await self.catalogue.load()
        now = self._clock.time()
        everything = self.catalogue.all()
        if any(queue.settings.sealed for queue in everything):
            await self.contents.prepare()
        last, tallies = await self._store.read(lambda conn: _survey(conn, everything, now))
        self._ids.rise_above(last)
        for queue in everything:
            self._memory.of(queue).tally = tallies.get(queue.id) or Tally()
        self._sweeper.sweep_soon()

    async def close(self) -> None:
        """Answer whoever waits, and let what has begun finish."""
        self.answer_waiting()
        await self._receiving.close()
        await self._sweeper.close()

    def answer_waiting(self) -> None:
        """Long polls end with what there is, that is nothing, and no more begin to wait."""
        self._memory.close()

    # Queues

    def now(self) -> float:
        """Seconds since the epoch, by the clock that messages are timed with."""
        return self._clock.time()

    async def set_attributes(self, queue: Queue, given: Mapping[str, str]) -> None:
        """Change a queue's attributes. A FIFO queue's new delay holds for the messages that wait already."""
        changed = await self.catalogue.set_attributes(queue, given)
        if changed.settings.sealed:
            await self.contents.prepare()
        if changed.settings.fifo and changed.settings.delay_s != queue.settings.delay_s:
            generation, delay_s = changed.generation, changed.settings.delay_s
            await self._store.write(lambda conn: message_rows.delay_again(conn, generation, delay_s))
            now = self._clock.time()
            _, tallies = await self._store.read(lambda conn: _survey(conn, [changed], now))
            self._memory.of(changed).tally = tallies.get(changed.id) or Tally()
        self._memory.of(changed).receivers.stir()
        self._sweeper.sweep_soon()

    def tally(self, queue: Queue) -> Tally:
        return self._memory.of(queue).tally

    async def purge(self, queue: Queue) -> None:
        await self.catalogue.purge(queue)
        self._memory.of(queue).tally = Tally()
        self._sweeper.sweep_soon()

    async def delete_queue(self, queue: Queue) -> None:
        await self.catalogue.delete(queue)
        self._memory.forget(queue)
        self._sweeper.sweep_soon()

    def new_row_id(self) -> int:
        return self._ids.next()

    def note_moved(self, source: Queue, rows: Sequence[MessageRow], targets: Mapping[int, Sequence[float]]) -> None:
        """Messages were taken from a queue and written to others, by id, where they are visible at these moments."""
        now = self._clock.time()
        if (memory := self._memory.find(source.id)) is not None:
            for row in rows:
                memory.tally.gone(row.visible_at, received=row.received)
        for target, moments in targets.items():
            if (memory := self._memory.find(target)) is not None:
                for visible_at in moments:
                    memory.tally.arrived(visible_at, now)
                memory.receivers.stir()

    # Messages

    async def send(self, queue: Queue, message: Outgoing) -> Sent:
        """Durable when this returns. Raises the caller's error."""
        check_message(message, queue.settings)
        now = self._clock.time()
        arrival, sent = sending.arrival_of(queue, message, self.contents, row=self._ids.next(), now=now)
        ticket = _Sending(arrival=arrival)
        await self._sending.add(ticket)
        if ticket.written is None:
            raise QueueDoesNotExist
        return sending.told(sent, ticket.written, queue)

    async def send_many(self, queue: Queue, messages: Sequence[Outgoing]) -> list[Sent | QueueError]:
        """Each of them sent in their order, or the reason why not."""
        return await _each([self.send(queue, message) for message in messages])

    async def receive(
        self,
        queue: Queue,
        *,
        most: int = 1,
        visibility_s: int | None = None,
        wait_s: float | None = 0,
        attempt_id: str | None = None,
    ) -> Sequence[Received]:
        """Messages, hidden from others for `visibility_s` (None: as the queue says).

        Waits for the first one for `wait_s` seconds (None: for ever). Cancelled, it takes nothing. A FIFO queue gives
        the same messages again for the same `attempt_id`.
        """
        hidden_s = queue.settings.visibility_s if visibility_s is None else visibility_s
        attempt = attempt_id if queue.settings.fifo else None
        if attempt is not None and (known := self._attempts.find(queue.id, attempt)):
            again = await self.change_visibility_many(queue, [(each.receipt_handle, hidden_s) for each in known])
            if not any(again):
                return known
        messages = await self._receiving.receive(queue, Want(most=most, visibility_s=hidden_s), wait_s)
        if attempt is not None and messages:
            self._attempts.keep(queue.id, attempt, messages)
        return messages

    def give_back(self, queue: Queue, messages: Sequence[Received]) -> None:
        """What was received and nobody took is to be had at once, as if it had not been received."""
        self._receiving.give_back(queue.id, messages)

    async def delete(self, queue: Queue, handle: str) -> None:
        """Raises ReceiptHandleIsInvalid; a message that is gone already is no error."""
        await self._settle(queue, handle, None)

    async def delete_many(self, queue: Queue, handles: Sequence[str]) -> list[QueueError | None]:
        return await _each([self._settle(queue, handle, None) for handle in handles])

    async def change_visibility(self, queue: Queue, handle: str, visibility_s: int) -> None:
        """Hide a received message for so long from now; 0 shows it."""
        if not 0 <= visibility_s <= MAX_VISIBILITY_S:
            reason = f"VisibilityTimeout must be an integer between 0 and {MAX_VISIBILITY_S}"
            raise InvalidParameterValue.of("VisibilityTimeout", visibility_s, reason)
        await self._settle(queue, handle, visibility_s)

    async def change_visibility_many(self, queue: Queue, changes: Sequence[tuple[str, int]]) -> list[QueueError | None]:
        return await _each([self.change_visibility(queue, handle, seconds) for handle, seconds in changes])

    # Sending

    async def _write_sent(self, batch: Sequence[_Sending]) -> None:
        arrivals = [ticket.arrival for ticket in batch]
        written = await self._store.write(lambda conn: message_rows.insert(conn, arrivals))
        now = self._clock.time()
        reached: dict[int, OpenQueue] = {}
        for ticket, outcome in zip(batch, written, strict=True):
            ticket.written = outcome
            queue = self.catalogue.current(ticket.arrival.queue_id)
            if outcome is None or outcome.duplicate or queue is None:
                continue
            memory = reached[queue.id] = self._memory.of(queue)
            memory.tally.arrived(ticket.arrival.visible_at, now)
        for memory in reached.values():
            memory.receivers.stir()

    # Settling

    async def _settle(self, queue: Queue, handle: str, visibility_s: int | None) -> None:
        wish = Settling(
            receipt=self._receipts.read(handle, queue.id),
            handle=handle,
            generation=queue.generation,
            fifo=queue.settings.fifo,
            visibility_s=visibility_s,
        )
        await self._settling.add(wish)
        if wish.outcome is not None and wish.outcome.error is not None:
            raise wish.outcome.error

    async def _write_settled(self, batch: Sequence[Settling]) -> None:
        now = self._clock.time()
        settled = await self._store.write(lambda conn: settle(conn, batch, now))
        for wish, outcome in zip(batch, settled, strict=True):
            wish.outcome = outcome
            self._note_settled(wish, outcome, now)

    def _note_settled(self, wish: Settling, outcome: Settled, now: float) -> None:
        memory, row = self._memory.find(wish.receipt.queue_id), outcome.row
        if memory is None or row is None or outcome.error is not None:
            return
        if outcome.hidden_until is None:
            memory.tally.gone(row.visible_at, received=row.received)
        else:
            memory.tally.moved(row.visible_at, outcome.hidden_until, now)
        if wish.fifo or outcome.hidden_until is not None:
            memory.receivers.stir()


async def _each(works: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Begin all in their order, and wait for all: results, or errors that are the caller's."""
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, QueueError):
            raise outcome
    return outcomes


def _survey(conn: Connection, all_queues: Sequence[Queue], now: float) -> tuple[int, dict[int, Tally]]:
    """The highest key given out, and each queue's numbers: by indexes, and what is not visible one by one."""
    last = conn.execute(sa.select(sa.func.max(queue_messages.c.id))).scalar() or 0
    generations = conn.execute(sa.select(sa.func.max(queues.c.generation))).scalar() or 0
    columns = queue_messages.c
    counted = sa.select(columns.generation, sa.func.count()).group_by(columns.generation)
    totals = {row[0]: row[1] for row in conn.execute(counted)}
    tallies = {}
    for queue in all_queues:
        if total := totals.get(queue.generation, 0):
            hidden = sa.select(columns.visible_at, columns.receive_count > columns.received_before).where(
                columns.generation == queue.generation, columns.visible_at > now
            )
            tallies[queue.id] = Tally(total, ((at, bool(received)) for at, received in conn.execute(hidden)))
    return max(last, generations), tallies
