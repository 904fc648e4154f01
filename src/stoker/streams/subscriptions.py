"""Subscriptions: a shard's records pushed to a consumer as they are committed.

Source: SubscribeToShard in the Amazon Kinesis Data Streams API reference.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from stoker.model.clock import Clock
from stoker.store.arrivals import Arrivals
from stoker.streams.errors import StreamInUse, StreamNotFound
from stoker.streams.records import Batch, Records, Start
from stoker.streams.stream import Consumer, Shard, Stream
from stoker.streams.streams import Streams

SUBSCRIPTION_S = 300.0
# A consumer may take over its own subscription, but not at once.
TAKE_OVER_S = 5.0
# What keeps a connection alive while nothing comes.
HEARTBEAT_S = 5.0
PUSHED_RECORDS = 1_000


@dataclass(eq=False)
class _Subscription:
    began: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    def end(self) -> None:
        self.over = True
        self.wake.set()


class Subscriptions:
    """One for each consumer and shard. On the event loop's thread; they end with the process."""

    def __init__(self, *, streams: Streams, records: Records, arrivals: Arrivals, clock: Clock) -> None:
        self._streams = streams
        self._records = records
        self._arrivals = arrivals
        self._clock = clock
        self._active: dict[tuple[int, str, int], _Subscription] = {}

    def __repr__(self) -> str:
        return f"<Subscriptions {len(self._active)}>"

    def end_all(self) -> None:
        """Stoker stops."""
        for subscription in self._active.values():
            subscription.end()

    async def open(self, stream: Stream, consumer: Consumer, shard: Shard, start: Start) -> AsyncIterator[Batch]:
        """Batches for five minutes, or until the shard ends; ResourceInUseException for a second one at once."""
        key, now = (stream.id, consumer.name, shard.number), self._clock.monotonic()
        earlier = self._active.get(key)
        if earlier is not None:
            if now - earlier.began < TAKE_OVER_S:
                raise StreamInUse(f"Another active subscription exists for this consumer: {consumer.name}:{shard.name}")
            earlier.end()
        position = await self._records.start(stream.id, shard.number, start)
        subscription = self._active[key] = _Subscription(began=now)
        return self._batches(stream, consumer, key, subscription, position)

    async def _batches(
        self, stream: Stream, consumer: Consumer, key: tuple[int, str, int], subscription: _Subscription, position: int
    ) -> AsyncIterator[Batch]:
        over = subscription.began + SUBSCRIPTION_S
        try:
            while not subscription.over and self._clock.monotonic() < over:
                batch = await self._next(stream, key[2], subscription, position)
                if (await self._streams.find(stream.region, stream.name)).consumer(consumer.name) != consumer:
                    raise StreamNotFound(f"Consumer {consumer.name} is not registered any more.")
                yield batch
                if batch.next is None:
                    return
                position = batch.next
        finally:
            if self._active.get(key) is subscription:
                del self._active[key]

    async def _next(self, stream: Stream, number: int, subscription: _Subscription, position: int) -> Batch:
        """What comes, or an empty batch as a sign of life."""
        with self._arrivals.watch((stream.id, number), subscription.wake) as arrived:
            timer = self._clock.call_later(HEARTBEAT_S, arrived.set)
            try:
                arrived.clear()
                batch = await self._records.read(stream.id, number, position, PUSHED_RECORDS)
                if not batch.records and batch.next is not None and not subscription.over:
                    await arrived.wait()
                    batch = await self._records.read(stream.id, number, position, PUSHED_RECORDS)
                return batch
            finally:
                timer.cancel()
