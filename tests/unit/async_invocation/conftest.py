from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.control_plane import ControlPlane


@pytest.fixture
def plane(tmp_path: Path, store_url: str) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path, store_url)
    yield plane
    plane.close()
