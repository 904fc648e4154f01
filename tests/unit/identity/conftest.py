"""IAM on a real store, without a server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.identity_house import IdentityHouse


@pytest.fixture
def iam(tmp_path: Path, empty_store: Path) -> Iterator[IdentityHouse]:
    shutil.copy(empty_store, tmp_path / "stoker.db")
    house = IdentityHouse(tmp_path)
    yield house
    house.close()
