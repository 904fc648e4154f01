"""Queries and scans in pages, of a table and its indexes, against a list that is sorted and filtered."""

import asyncio
import itertools
import shutil
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.tables_house import REGION, TableHouse
from stoker.items.writing import Write
from stoker.store.store import open_store

_numbers = itertools.count()
INDEXES = {
    "LocalSecondaryIndexes": [("lsi", "h", "n")],
    "GlobalSecondaryIndexes": [("gsi", "g", "n"), ("keys", "g", None)],
}
# By index: its keys.
KEYS = {None: ("h", "r"), "lsi": ("h", "n"), "gsi": ("g", "n"), "keys": ("g", None)}
TYPES = {"h": "S", "r": "S", "g": "S", "n": "N"}

texts = st.sampled_from(["", "a", "ab", "b", "é", "z"])
some = st.sampled_from(["a", "b"])
numbers = st.sampled_from(["-10", "-1.5", "0", "0.1", "2", "10"])
# The table's key, then what may be there; None for an item that is deleted.
writes = st.lists(
    st.tuples(some, texts.filter(bool), st.fixed_dictionaries({}, optional={"g": some, "n": numbers}) | st.none()),
    max_size=20,
)
tests = st.sampled_from(["all", "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Callable[[Any], Any]]:
    """Runs a scene in one house for all examples: a house takes longer than an example."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copy(empty_store, folder / "stoker.db")
    with asyncio.Runner() as runner:
        store = open_store(f"sqlite:///{folder / 'stoker.db'}")
        house = TableHouse(store, FakeClock())

        def run(scene: Callable[[TableHouse], Coroutine[Any, Any, None]]) -> None:
            runner.run(scene(house))

        yield run
        runner.run(house.close())
        runner.run(store.close())


async def make(house: TableHouse) -> str:
    name = f"pages-{next(_numbers)}"
    indexes = {
        kind: [
            {
                "IndexName": index,
                "KeySchema": schema(hash_key, range_key),
                "Projection": {"ProjectionType": "KEYS_ONLY" if index == "keys" else "ALL"},
            }
            for index, hash_key, range_key in each
        ]
        for kind, each in INDEXES.items()
    }
    definitions = [{"AttributeName": key, "AttributeType": kind} for key, kind in TYPES.items()]
    params = {"TableName": name, "AttributeDefinitions": definitions, "KeySchema": schema("h", "r"), **indexes}
    await house.tables.create(REGION, {**params, "BillingMode": "PAY_PER_REQUEST"})
    return name


def schema(hash_key: str, range_key: str | None) -> list[dict[str, str]]:
    keys = zip((hash_key, range_key), ("HASH", "RANGE"), strict=True)
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys if name is not None]


async def fill(house: TableHouse, table: str, done: list[Any]) -> dict[Any, Any]:
    """What is then in the table, by key."""
    there: dict[Any, Any] = {}
    for h, r, more in done:
        key = {"h": {"S": h}, "r": {"S": r}}
        if more is None:
            await house.items.write(REGION, Write(table=table, key=key))
            there.pop((h, r), None)
        else:
            there[h, r] = {**key, **{name: {TYPES[name]: value} for name, value in more.items()}}
            await house.put(table, **there[h, r])
    return there


def ordered(value: dict[str, str]) -> Any:
    return Decimal(value["N"]) if "N" in value else value["S"].encode()


def meets(test: str, value: Any, low: Any, high: Any) -> bool:
    if test == "begins_with":
        return bool(value.startswith(low))
    return {
        "=": value == low, "<": value < low, "<=": value <= low, ">": value > low, ">=": value >= low,
        "BETWEEN": low <= value <= high,
    }[test]  # fmt: skip


def asked(hash_key: str, range_key: str | None, test: str, wanted: str, low: str, high: str) -> dict[str, Any]:
    text, values = "#h = :h", {":h": {"S": wanted}}
    names = {"#h": hash_key}
    if range_key is not None and test != "all":
        kind = TYPES[range_key]
        names["#r"], values[":low"] = range_key, {kind: low}
        if test == "BETWEEN":
            values[":high"] = {kind: high}
        texts = {"BETWEEN": "#r BETWEEN :low AND :high", "begins_with": "begins_with(#r, :low)"}
        text += f" AND {texts.get(test, f'#r {test} :low')}"
    return {
        "KeyConditionExpression": text,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


async def all_pages(read: Callable[..., Any], **params: Any) -> list[Any]:
    found: list[Any] = []
    page = await read(**params)
    while True:
        found += page.items
        assert len(page.items) <= params["Limit"]
        if page.last is None:
            return found
        page = await read(**params, ExclusiveStartKey=page.last)


@settings(max_examples=40)
@given(
    writes,
    st.sampled_from(list(KEYS)),
    tests,
    some,
    st.tuples(texts.filter(bool), texts.filter(bool)).map(sorted),
    st.tuples(numbers, numbers).map(lambda pair: sorted(pair, key=Decimal)),
    st.booleans(),
    st.integers(1, 5),
)
def test_a_query_s_pages_are_what_a_sorted_list_says(
    stage: Any, done: Any, index: Any, test: str, wanted: str, words: Any, sizes: Any, forward: bool, limit: int
) -> None:
    hash_key, range_key = KEYS[index]
    if range_key == "n" and test == "begins_with":
        test = "="
    low, high = sizes if range_key == "n" else words

    async def scene(house: TableHouse) -> None:
        table = await make(house)
        there = await fill(house, table, done)
        params = {**asked(hash_key, range_key, test, wanted, low, high), "ScanIndexForward": forward, "Limit": limit}
        if index is not None:
            params["IndexName"] = index

        async def read(**more: Any) -> Any:
            return await house.query(table, more.pop("KeyConditionExpression"), **more)

        found = await all_pages(read, **params)
        expected = [
            item
            for item in there.values()
            if item.get(hash_key) == {"S": wanted} and (range_key is None or range_key in item)
        ]
        if range_key is not None:
            expected.sort(key=lambda item: ordered(item[range_key]), reverse=not forward)
            if test != "all":
                bounds = [ordered({TYPES[range_key]: value}) for value in (low, high)]
                expected = [item for item in expected if meets(test, ordered(item[range_key]), *bounds)]
            assert [item[range_key] for item in found] == [item[range_key] for item in expected]
        shown = (lambda item: {k: item[k] for k in ("h", "r", "g")}) if index == "keys" else (lambda item: item)
        assert sorted(map(repr, found)) == sorted(repr(shown(item)) for item in expected)

    stage(scene)


@settings(max_examples=25)
@given(writes, st.sampled_from([None, "gsi"]), st.integers(1, 4), st.integers(1, 5))
def test_a_scan_s_segments_and_pages_have_each_item_once(
    stage: Any, done: Any, index: Any, segments: int, limit: int
) -> None:
    async def scene(house: TableHouse) -> None:
        table = await make(house)
        there = await fill(house, table, done)
        found = []
        for segment in range(segments):
            params: dict[str, Any] = {"Segment": segment, "TotalSegments": segments, "Limit": limit}
            if index is not None:
                params["IndexName"] = index

            async def read(**more: Any) -> Any:
                return await house.scan(table, **more)

            found += await all_pages(read, **params)
        expected = [item for item in there.values() if index is None or {"g", "n"} <= set(item)]
        assert sorted(map(repr, found)) == sorted(map(repr, expected))

    stage(scene)
