"""What the server makes of the limits it is started with."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.live_server import LiveServer

pytestmark = pytest.mark.root


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """A shell's limit for what it starts; the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_server_has_room_for_all_environments_and_clients_that_the_machine_allows(
    few_descriptors: int, own_server: LiveServer
) -> None:
    own_server.start()
    assert own_server.process is not None
    limits = Path(f"/proc/{own_server.process.pid}/limits").read_text().splitlines()
    (line,) = [line for line in limits if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(few_descriptors)] * 2
