import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.postgres import fresh_database


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same test on both engines."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "stoker.db")
        yield f"sqlite:///{tmp_path / 'stoker.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres_server"), f"t{uuid.uuid4().hex}") as url:
        yield url
