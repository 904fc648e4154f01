"""Items and their streams on both engines, and what becomes of them as time passes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from fakes.clock import FakeClock
from fakes.tables_house import REGION, TableHouse
from stoker.items.errors import ExpiredIterator, ProvisionedThroughputExceeded, TrimmedDataAccess
from stoker.store.store import Store, open_store
from stoker.store.tables_items import items as item_rows
from stoker.store.tables_items import stream_records

Scene = Callable[[TableHouse, Store], Awaitable[None]]
Play = Callable[[Scene], None]
DAY_S = 86_400.0


@pytest.fixture
def play(store_url: str) -> Play:
    def run(scene: Scene) -> None:
        async def on_stage() -> None:
            store = await asyncio.to_thread(open_store, store_url)
            house = TableHouse(store, FakeClock(1_700_000_000.0))
            try:
                await scene(house, store)
            finally:
                await house.close()
                await store.close()

        asyncio.run(on_stage())

    return run


async def count(store: Store, table: sa.Table) -> int:
    return await store.read(lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


async def until(house: TableHouse, true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(90):
        while not await true():
            house.clock.advance(0.1)
            await asyncio.sleep(0.005)


def test_sort_keys_are_in_the_order_of_their_values(play: Play) -> None:
    async def scene(house: TableHouse, _store: Store) -> None:
        await house.make("ttt", "id:S at:N")
        for number in ("10", "-2", "0", "9.5", "-10", "1E+20", "-1E-20"):
            await house.put("ttt", id={"S": "a"}, at={"N": number})
        values = {":id": {"S": "a"}, ":low": {"N": "-3"}}
        page = await house.query("ttt", "id = :id", ExpressionAttributeValues={":id": values[":id"]})
        assert [float(item["at"]["N"]) for item in page.items] == [-10, -2, -1e-20, 0, 9.5, 10, 1e20]
        page = await house.query("ttt", "id = :id AND #at > :low", ExpressionAttributeValues=values,
                                 ExpressionAttributeNames={"#at": "at"}, Limit=2)  # fmt: skip
        assert [item["at"]["N"] for item in page.items] == ["-2", "-0.00000000000000000001"]
        assert page.last == page.items[-1]

    play(scene)


def test_an_item_ends_when_its_time_has_come_and_not_before(play: Play) -> None:
    async def scene(house: TableHouse, _store: Store) -> None:
        await house.make("ttt")
        await house.tables.set_ttl(REGION, "ttt", "ends", True)
        await house.jobs.start()
        await house.put("ttt", id={"S": "a"}, ends={"N": f"{house.clock.time() + 7200:.0f}"})
        house.clock.advance(3600)
        assert await house.get("ttt", id={"S": "a"}) is not None
        house.clock.advance(3601)

        async def is_gone() -> bool:
            return await house.get("ttt", id={"S": "a"}) is None

        await until(house, is_gone)

    play(scene)


def test_a_stream_keeps_its_records_for_a_day(play: Play) -> None:
    async def scene(house: TableHouse, store: Store) -> None:
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
        await house.make("ttt", **stream)
        for name in "abc":
            await house.put("ttt", id={"S": name})
            house.clock.advance(DAY_S / 2)
        table = await house.tables.find(REGION, "ttt")
        assert table.stream is not None
        arn = f"{table.arn('000000000000')}/stream/{table.stream.label}"
        found = await house.reading.find(arn)
        iterator = await house.reading.iterator(arn, found.shard_id, "TRIM_HORIZON")
        assert house.reading.parse(iterator) == (arn, 3)
        with pytest.raises(TrimmedDataAccess):
            await house.reading.read(arn, 1, 10)
        batch = await house.reading.read(arn, 1, 10, trimmed_is_error=False)
        assert [record.content["dynamodb"]["Keys"]["id"]["S"] for record in batch.records] == ["c"]
        house.clock.advance(901)
        with pytest.raises(ExpiredIterator):
            house.reading.parse(iterator)
        house.retention.start()

        async def is_trimmed() -> bool:
            return await count(store, stream_records) == 1

        await until(house, is_trimmed)

    play(scene)


def test_units_come_back_with_time(play: Play) -> None:
    async def scene(house: TableHouse, _store: Store) -> None:
        least = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
        await house.make("ttt", BillingMode="PROVISIONED", ProvisionedThroughput=least)
        large = {"S": "x" * 301 * 1024}
        await house.put("ttt", id={"S": "a"}, large=large)
        with pytest.raises(ProvisionedThroughputExceeded):
            await house.put("ttt", id={"S": "a"})
        house.clock.advance(10)
        await house.put("ttt", id={"S": "a"})

    play(scene)


def test_what_a_deleted_table_leaves_goes_behind_it(play: Play) -> None:
    async def scene(house: TableHouse, store: Store) -> None:
        await house.make("ttt")
        await asyncio.gather(*(house.put("ttt", id={"S": f"{number}"}) for number in range(250)))
        await house.tables.delete(REGION, "ttt")
        await house.make("ttt")
        await house.put("ttt", id={"S": "new"})
        assert await house.get("ttt", id={"S": "1"}) is None
        await house.jobs.start()

        async def is_purged() -> bool:
            return await count(store, item_rows) == 1

        await until(house, is_purged)
        assert await house.get("ttt", id={"S": "new"}) is not None

    play(scene)


def test_reads_that_come_together_each_get_their_own(play: Play) -> None:
    async def scene(house: TableHouse, _store: Store) -> None:
        await house.make("ttt")
        for number in range(40):
            await house.put("ttt", id={"S": f"{number}"}, n={"N": f"{number}"})
        keys = [*range(40), "none", *range(40)]
        outcomes = await asyncio.gather(
            *(house.get("ttt", id={"S": f"{key}"}) for key in keys),
            house.get("not", id={"S": "a"}),
            return_exceptions=True,
        )
        assert [found["n"]["N"] if found else None for found in outcomes[:-1]] == [
            None if key == "none" else f"{key}" for key in keys
        ]
        assert str(outcomes[-1]) == "Requested resource not found"

    play(scene)
