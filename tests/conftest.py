"""Fixtures for tests that speak to a live Stoker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from fakes.live_server import LiveServer, free_port
from fakes.seaweedfs import SeaweedFs, running_seaweedfs

# The same examples each time: whoever looks for others says `--hypothesis-profile=default`.
# None fails for being slow: machines are.
settings.register_profile("the same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("the same")


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all tests that don't harm it; names of functions must be the test's own."""
    server = LiveServer(data=tmp_path_factory.mktemp("stoker"), port=free_port())
    server.start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedFs]:
    """A store that is S3-compatible and not Stoker, for all tests."""
    with running_seaweedfs() as weed:
        yield weed


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server of the test's own, to kill and start again."""
    server = LiveServer(data=tmp_path, port=free_port())
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()


@pytest.fixture
def lambda_client(live_server: LiveServer) -> Any:
    return live_server.client("lambda")


@pytest.fixture
def logs_client(live_server: LiveServer) -> Any:
    return live_server.client("logs")
