"""What holds on SQLite and PostgreSQL alike."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from stoker.store.store import Store, open_store
from stoker.store.writer import StoreClosedError

WithStore = Callable[[Any], Any]


def add(text: str) -> Callable[[sa.Connection], None]:
    return lambda connection: connection.execute(sa.text("INSERT INTO note VALUES (:t)"), {"t": text}).close()


def notes(connection: sa.Connection) -> list[str]:
    return sorted(connection.execute(sa.text("SELECT text FROM note")).scalars())


def test_what_was_written_is_read(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        await store.write(add("a"))
        assert await store.read(notes) == ["a"]

    with_store(scenario)


def test_what_need_not_wait_for_the_disk_is_read_as_well_and_the_next_write_waits(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        await store.write(add("a"), relaxed=True)
        await asyncio.gather(store.write(add("b"), relaxed=True), store.write(add("c")))
        assert await store.read(notes) == ["a", "b", "c"]
        assert not await store.write(waits_for_the_disk, relaxed=True)
        assert await store.write(waits_for_the_disk)

    with_store(scenario)


def waits_for_the_disk(connection: sa.Connection) -> bool:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        return connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2
    # The tests' own server waits for no disk at all: what counts is whether it was told so for this transaction.
    query = "SELECT source <> 'session' FROM pg_settings WHERE name = 'synchronous_commit'"
    return bool(connection.execute(sa.text(query)).scalar())


def test_a_write_answers_what_its_work_returned(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        assert await store.write(lambda connection: notes(connection)) == []

    with_store(scenario)


def test_a_work_that_raises_undoes_only_itself(with_store: WithStore) -> None:
    def broken(connection: sa.Connection) -> None:
        add("lost")(connection)
        raise KeyError("mine")

    async def scenario(store: Store) -> None:
        results = await asyncio.gather(
            store.write(add("a")), store.write(broken), store.write(add("b")), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), KeyError, type(None)]
        assert await store.read(notes) == ["a", "b"]

    with_store(scenario)


def test_a_constraint_is_the_fault_of_its_own_write_only(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        results = await asyncio.gather(*(store.write(add(text)) for text in "aab"), return_exceptions=True)
        assert isinstance(results[1], IntegrityError)
        assert await store.read(notes) == ["a", "b"]

    with_store(scenario)


class Held:
    """A write that keeps the writer busy until it is let go, so that what comes after it gathers."""

    def __init__(self, store: Store) -> None:
        self._running, self._gate = threading.Event(), threading.Event()
        self.done = asyncio.ensure_future(store.write(self._work))

    def _work(self, connection: sa.Connection) -> None:
        self._running.set()
        assert self._gate.wait(60)

    async def running(self) -> None:
        assert await asyncio.to_thread(self._running.wait, 60)

    def let_go(self) -> None:
        self._gate.set()


async def gathered(store: Store, works: list[Callable[[sa.Connection], Any]], on_commit: Any) -> list[Any]:
    """The outcomes of works that waited together; `on_commit` is called at every COMMIT, one before theirs included."""
    held = Held(store)
    await held.running()
    sa.event.listen(store._writer_engine, "commit", on_commit)
    writes = [asyncio.ensure_future(store.write(work)) for work in works]
    await asyncio.sleep(0)
    held.let_go()
    await held.done
    return await asyncio.gather(*writes, return_exceptions=True)


def test_writes_that_wait_share_one_commit(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        commits: list[int] = []
        works = [add(f"{number:03}") for number in range(100)]
        await gathered(store, works, lambda connection: commits.append(1))
        assert len(commits) == 2
        assert len(await store.read(notes)) == 100

    with_store(scenario)


def test_a_failed_commit_fails_everybody_in_its_group(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        errors = iter([None, OSError("disk gone")])

        def commit(connection: sa.Connection) -> None:
            if error := next(errors, None):
                raise error

        outcomes = await gathered(store, [add("a"), add("b")], commit)
        assert [type(outcome) for outcome in outcomes] == [OSError, OSError]
        assert await store.read(notes) == []

    with_store(scenario)


def test_close_finishes_what_was_asked_for(store_url: str) -> None:
    async def scenario() -> list[str]:
        store = open_store(store_url)
        await store.write(lambda c: c.execute(sa.text("CREATE TABLE note (text VARCHAR(100))")).close())
        writes = [asyncio.ensure_future(store.write(add(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*writes)
        again = open_store(store_url)
        try:
            return await again.read(notes)
        finally:
            await again.close()

    assert len(asyncio.run(scenario())) == 20


def test_a_closed_store_says_so(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        await store.close()
        with pytest.raises(StoreClosedError):
            await store.write(notes)
        with pytest.raises(StoreClosedError):
            await store.read(notes)

    with_store(scenario)


def test_a_reader_cannot_write(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        with pytest.raises(DBAPIError):
            await store.read(add("sneaked in"))

    with_store(scenario)


def test_a_reader_sees_one_snapshot(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        looked, written = threading.Event(), threading.Event()

        def look_twice(connection: sa.Connection) -> tuple[list[str], list[str]]:
            before = notes(connection)
            looked.set()
            assert written.wait(60)
            return before, notes(connection)

        reading = asyncio.ensure_future(store.read(look_twice))
        await asyncio.to_thread(looked.wait, 10)
        await store.write(add("meanwhile"))
        written.set()
        assert await reading == ([], [])

    with_store(scenario)


def test_a_caller_that_gives_up_harms_nobody(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        held = Held(store)
        await held.running()
        patient = asyncio.ensure_future(store.write(add("a")))
        held.done.cancel()
        held.let_go()
        await patient
        assert await store.read(notes) == ["a"]

    with_store(scenario)


def test_what_was_written_is_not_in_the_text_of_a_failure(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        with pytest.raises(DBAPIError) as caught:
            await store.read(
                lambda connection: connection.execute(sa.text("SELECT :t FROM nowhere"), {"t": "a-secret"})
            )
        assert "a-secret" not in str(caught.value)

    with_store(scenario)


def test_nobody_else_may_read_the_file_of_an_sqlite_store(tmp_path: Path) -> None:
    async def write_and_look() -> set[int]:
        store = open_store(f"sqlite:///{tmp_path / 'stoker.db'}")
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("stoker.db*")}
        await store.close()
        return modes

    assert asyncio.run(write_and_look()) == {0o600}
