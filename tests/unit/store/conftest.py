import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from fakes.postgres import fresh_database
from stoker.store.store import Store, open_store


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of the test's own."""
    with fresh_database(postgres_server, f"t{uuid.uuid4().hex}") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same test on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'stoker.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


Scenario = Callable[[Store], Awaitable[Any]]


@pytest.fixture
def with_store(store_url: str) -> Callable[[Scenario], Any]:
    """Runs a scenario against an open store that has a table `note(text unique)`, and closes it."""

    async def run(scenario: Scenario) -> Any:
        store = open_store(store_url)
        try:
            await store.write(lambda c: c.execute(sa.text("CREATE TABLE note (text VARCHAR(100) UNIQUE)")).close())
            return await scenario(store)
        finally:
            await store.close()

    return lambda scenario: asyncio.run(run(scenario))
