"""Kinesis' records on both engines, and what becomes of them as time passes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy as sa

from fakes.clock import FakeClock
from fakes.tables_house import REGION, StreamHouse
from stoker.store.store import open_store
from stoker.store.tables_streams import kinesis_records, kinesis_shards
from stoker.streams.errors import ExpiredIterator, StreamInUse, StreamNotFound
from stoker.streams.records import Batch, Start

Scene = Callable[[StreamHouse], Awaitable[None]]
Play = Callable[[Scene], None]
DAY_S = 86_400.0
FIRST = "shardId-000000000000"


@pytest.fixture
def play(store_url: str) -> Play:
    def run(scene: Scene) -> None:
        async def on_stage() -> None:
            store = await asyncio.to_thread(open_store, store_url)
            house = StreamHouse(store, FakeClock(1_700_000_000.0))
            try:
                await scene(house)
            finally:
                await house.close()
                await store.close()

        asyncio.run(on_stage())

    return run


async def count(house: StreamHouse, table: sa.Table) -> int:
    return await house.store.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(90):
        while not await true():  # noqa: ASYNC110 - nothing tells that a trimming is over
            await asyncio.sleep(0.005)


def test_records_are_kept_for_as_long_as_their_stream_says(play: Play) -> None:
    async def scene(house: StreamHouse) -> None:
        await house.make("s")
        for text in "abcd":
            await house.put("s", text)
            house.clock.advance(DAY_S / 2)
        assert await house.texts("s") == ["d"]
        await house.streams.set_retention(REGION, "s", 48, longer=True)
        assert await house.texts("s") == ["b", "c", "d"]
        since = house.clock.time() - DAY_S - 1
        assert await house.texts("s", kind="AT_TIMESTAMP", since=since) == ["c", "d"]
        house.retention.wake()

        async def is_trimmed() -> bool:
            return await count(house, kinesis_records) == 3

        await until(is_trimmed)
        # A reader at the place of what is gone goes on with what is there.
        stream = await house.streams.find(REGION, "s")
        batch = await house.records.read(stream.id, 0, 1, 1)
        assert ([record.data for record in batch.records], batch.next) == ([b"b"], 3)
        assert batch.behind_s == pytest.approx(1.5 * DAY_S)

    play(scene)


def test_a_closed_shard_is_told_until_its_last_record_is_too_old(play: Play) -> None:
    async def scene(house: StreamHouse) -> None:
        await house.make("s")
        await house.put("s", "a")
        await house.streams.split(REGION, "s", FIRST, str(1 << 127))
        assert await house.texts("s") == ["a"]
        house.clock.advance(DAY_S + 1)
        stream = await house.streams.find(REGION, "s")
        assert [shard.number for shard in stream.listed(house.clock.time())] == [1, 2]
        with pytest.raises(StreamNotFound):
            await house.records.iterator(REGION, "s", FIRST, Start(kind="LATEST"))
        house.retention.wake()

        async def is_forgotten() -> bool:
            return (await count(house, kinesis_records), await count(house, kinesis_shards)) == (0, 2)

        await until(is_forgotten)
        await house.streams.merge(REGION, "s", stream.shards[1].name, stream.shards[2].name)
        assert [shard.number for shard in (await house.streams.find(REGION, "s")).shards] == [1, 2, 3]

    play(scene)


def test_what_a_deleted_stream_leaves_goes_behind_it(play: Play) -> None:
    async def scene(house: StreamHouse) -> None:
        await house.make("s", shards=2)
        await asyncio.gather(*(house.put("s", f"{number}") for number in range(210)))
        await house.streams.delete(REGION, "s")
        await house.make("s")
        await house.put("s", "new")

        async def is_purged() -> bool:
            return (await count(house, kinesis_records), await count(house, kinesis_shards)) == (1, 1)

        await until(is_purged)
        assert await house.texts("s") == ["new"]

    play(scene)


def test_an_iterator_is_good_for_five_minutes(play: Play) -> None:
    async def scene(house: StreamHouse) -> None:
        await house.make("s")
        iterator = await house.records.iterator(REGION, "s", FIRST, Start(kind="LATEST"))
        house.clock.advance(299)
        assert house.records.parse(iterator).next == 1
        house.clock.advance(2)
        with pytest.raises(ExpiredIterator):
            house.records.parse(iterator)

    play(scene)


def test_a_subscription_gives_signs_of_life_may_be_taken_over_and_ends_after_five_minutes(play: Play) -> None:
    async def scene(house: StreamHouse) -> None:
        await house.make("s")
        consumer = await house.streams.register(REGION, "s", "c")
        stream = await house.streams.find(REGION, "s")

        async def subscribe() -> AsyncIterator[Batch]:
            start = Start(kind="TRIM_HORIZON")
            return await house.subscriptions.open(stream, consumer, stream.shards[0], start)

        async def after(batches: AsyncIterator[Batch], seconds: float) -> list[bytes]:
            """What a subscription gives when so much time has passed, while nothing comes."""
            batch = asyncio.ensure_future(anext(batches))
            # Once it waits for that, and no further: the disk may take its time.
            while seconds and house.clock.next_in() > seconds:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            house.clock.advance(seconds)
            return [record.data for record in (await batch).records]

        first = await subscribe()
        with pytest.raises(StreamInUse):
            await subscribe()
        assert await after(first, 5.0) == []
        house.clock.advance(5.0)
        second = await subscribe()
        with pytest.raises(StopAsyncIteration):
            await anext(first)
        await house.put("s", "a")
        assert await after(second, 0.0) == [b"a"]
        house.clock.advance(300.0)
        with pytest.raises(StopAsyncIteration):
            await anext(second)

    play(scene)
