"""What only several Stokers on one PostgreSQL can do to each other."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from stoker.store.prepared import Prepared
from stoker.store.store import open_store


def increment(both_have_read: threading.Barrier) -> Callable[[sa.Connection], None]:
    """Reads and writes a counter; in its first attempt it waits until the other machine has read too."""
    attempts: list[int] = []

    def work(connection: sa.Connection) -> None:
        value = connection.execute(sa.text("SELECT value FROM counter")).scalar_one()
        attempts.append(value)
        if len(attempts) == 1:
            both_have_read.wait(60)
        connection.execute(sa.text("UPDATE counter SET value = :v"), {"v": value + 1})

    return work


def test_two_machines_never_lose_each_others_update(postgres_url: str) -> None:
    async def scenario() -> int:
        one, other = open_store(postgres_url), open_store(postgres_url)
        try:
            await one.write(lambda c: c.execute(sa.text("CREATE TABLE counter (value INTEGER)")).close())
            await one.write(lambda c: c.execute(sa.text("INSERT INTO counter VALUES (0)")).close())
            barrier = threading.Barrier(2)
            await asyncio.gather(one.write(increment(barrier)), other.write(increment(barrier)))
            return await one.read(lambda c: c.execute(sa.text("SELECT value FROM counter")).scalar_one())
        finally:
            await one.close()
            await other.close()

    assert asyncio.run(scenario()) == 2


_COUNT = Prepared(lambda _: sa.select(sa.func.count()).select_from(sa.table("pg_database")))


def _id_of_backend(conn: sa.Connection) -> int:
    return int(conn.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


@pytest.mark.parametrize(
    "work",
    [_id_of_backend, lambda conn: _COUNT.rows(conn)],
    ids=["by SQLAlchemy", "prepared"],
)
@pytest.mark.parametrize("relaxed", [False, True])
def test_a_server_that_was_restarted_between_two_writes_costs_neither(
    postgres_url: str, work: Callable[[sa.Connection], Any], relaxed: bool
) -> None:
    async def scenario() -> None:
        store = open_store(postgres_url)
        try:
            backend = await store.write(_id_of_backend)
            await store.read(lambda c: c.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": backend}).all())
            assert await store.write(work, relaxed=relaxed)
            assert await store.write(_id_of_backend) != backend
        finally:
            await store.close()

    asyncio.run(scenario())


def test_two_that_start_at_once_on_an_empty_database_both_come_up(postgres_url: str) -> None:
    code = f"from stoker.store.store import open_store; open_store({postgres_url!r})"
    starts = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [start.communicate(timeout=120)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], errors
