"""A control plane of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.control_plane import ControlPlane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path)
    yield plane
    plane.close()
