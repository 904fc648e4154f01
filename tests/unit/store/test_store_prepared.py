"""Statements whose text is made once: the same on both engines, and undone as all others are."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam

from stoker.store.prepared import Prepared, PreparedInsert, items
from stoker.store.store import Store

WithStore = Callable[[Any], Any]

_note = sa.table("note", sa.column("text"))
_INSERT = Prepared(lambda _: sa.insert(_note).values(text=bindparam("text")))
_INSERT_ROWS = PreparedInsert(sa.Table("note", sa.MetaData(), sa.Column("text", sa.String)), ("text",))
_AMONG = Prepared(lambda count: sa.select(_note.c.text).where(_note.c.text.in_(items(count))).order_by(_note.c.text))
_BEHIND = Prepared(
    lambda _: (
        sa.select(_note.c.text + "!")
        .where(_note.c.text > bindparam("after"))
        .order_by(_note.c.text)
        .limit(bindparam("most"))
    )
)


def add(*texts: str) -> Callable[[sa.Connection], None]:
    return lambda conn: _INSERT.run_many(conn, [{"text": text} for text in texts])


def test_rows_are_found_by_values_and_by_lists_of_any_length(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        await store.write(add("a", "b", "c", "d"))
        for listed in (["b"], ["d", "b", "z"], ["a", "z", "b", "c", "d"], []):
            found = await store.read(lambda conn: _AMONG.rows(conn, listed=listed))  # noqa: B023
            assert found == [(text,) for text in sorted(listed) if text != "z"]
        assert await store.read(lambda conn: _BEHIND.rows(conn, {"after": "a", "most": 2})) == [("b!",), ("c!",)]

    with_store(scenario)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65, 200])
def test_any_number_of_rows_is_written(with_store: WithStore, count: int) -> None:
    texts = [f"{number:03}" for number in range(count)]

    async def scenario(store: Store) -> None:
        await store.write(lambda conn: _INSERT_ROWS.run(conn, [(text,) for text in texts]))
        assert await store.read(lambda conn: _BEHIND.rows(conn, {"after": "", "most": 1000})) == [
            (f"{text}!",) for text in texts
        ]

    with_store(scenario)


def test_a_constant_may_be_nothing(with_store: WithStore) -> None:
    empty = Prepared(lambda _: sa.update(_note).where(_note.c.text == bindparam("old")).values(text=None))

    async def scenario(store: Store) -> None:
        await store.write(add("a", "b"))
        await store.write(lambda conn: empty.run(conn, {"old": "a"}))
        assert await store.read(lambda conn: _AMONG.rows(conn, listed=["a", "b"])) == [("b",)]

    with_store(scenario)


def test_one_that_fails_undoes_only_its_own_write(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        writes = [store.write(add(*texts)) for texts in (("a", "b"), ("c", "a"), ("d",))]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
        assert await store.read(lambda conn: _AMONG.rows(conn, listed=["a", "b", "c", "d"])) == [("a",), ("b",), ("d",)]

    with_store(scenario)


def test_a_reader_cannot_write_with_one(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        with pytest.raises(Exception, match=r"read-?only"):
            await store.read(add("sneaked in"))

    with_store(scenario)
