"""Root where no cgroup is mounted: functions are frozen, measured and ended by their processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rootless_servers import WEAK, WITHOUT_CGROUPS, refusal
from test_attacks import (  # noqa: F401
    test_a_function_has_no_rights_and_sees_only_itself,
    test_background_threads_stand_still_between_invocations,
    test_children_left_behind_end_with_their_environment,
)

from conftest import Hostile
from fakes.live_server import LiveServer, free_port

pytestmark = [pytest.mark.root, pytest.mark.slow]


@pytest.fixture(scope="module")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    data = tmp_path_factory.mktemp("stoker")
    server = LiveServer(data=data, port=free_port(), options=WEAK, launcher=WITHOUT_CGROUPS)
    server.start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture(scope="module")
def hostile(live_server: LiveServer) -> Hostile:
    return Hostile(live_server.client("lambda"))


def test_it_does_not_start_unless_weak_isolation_is_allowed(tmp_path: Path) -> None:
    said = refusal(LiveServer(data=tmp_path, port=free_port(), launcher=WITHOUT_CGROUPS))
    assert "cgroups not to be had" in said
    assert "not starting, unless with --allow-weak-isolation" in said


def test_the_memory_that_is_reported_was_measured(hostile: Hostile) -> None:
    assert 5 < int(hostile.invoke("counts").report["Max Memory Used"].removesuffix(" MB")) < 100
