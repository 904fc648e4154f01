import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.control_plane import ControlPlane
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
