"""What unit tests of several parts share."""

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.control_plane import ControlPlane
from fakes.postgres import OPT_OUT, fresh_database, running_postgres
from stoker.store.store import open_store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database: copying it is much faster than migrating one for each test."""
    path = tmp_path_factory.mktemp("empty") / "stoker.db"
    asyncio.run(open_store(f"sqlite:///{path}").close())
    return path


@pytest.fixture
def plane(tmp_path: Path, empty_store: Path) -> Iterator[ControlPlane]:
    shutil.copy(empty_store, tmp_path / "stoker.db")
    plane = ControlPlane(tmp_path)
    yield plane
    plane.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for all tests; without PostgreSQL they fail, unless the environment says that it is meant so."""
    if os.environ.get(OPT_OUT) == "1":
        pytest.skip(f"{OPT_OUT}=1")
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same test on both engines."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "stoker.db")
        yield f"sqlite:///{tmp_path / 'stoker.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres_server"), f"t{uuid.uuid4().hex}") as url:
        yield url
