"""Node functions over both transports: what a test asks of one, it asks of the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_function import FramePlatform, HttpPlatform, Load, NodeFunction, Platform


@pytest.fixture(params=[FramePlatform, HttpPlatform], ids=["frames", "http"])
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    platform: Platform = request.param()
    yield platform
    platform.close()


@pytest.fixture
def load(platform: Platform, tmp_path: Path) -> Iterator[Load]:
    """Start a function from its source, or several files; it may yet fail in its init."""
    running: list[NodeFunction] = []

    def start(
        source: str = "", *, handler: str = "index.handler", files: Any = None, **environment: str
    ) -> NodeFunction:
        function = NodeFunction(platform, tmp_path, handler, files or {"index.js": source}, environment)
        running.append(function)
        return function

    yield start
    for function in running:
        function.stop()


@pytest.fixture
def serve(load: Load) -> Load:
    """Start a function and wait until it asks for its first event."""

    def start(*args: Any, **options: Any) -> NodeFunction:
        function = load(*args, **options)
        function.platform.wait_ready()
        return function

    return start
