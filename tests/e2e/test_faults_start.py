"""What a start meets: another Stoker, a port in use, a store on another machine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.deployment import Deployment
from fakes.live_server import STOKER, LiveServer, free_port
from fakes.postgres import fresh_database, running_postgres

pytestmark = pytest.mark.root


def start_in_vain(data: Path, port: int) -> str:
    """What `stoker up` says, which has to be one line, before it ends with status 1."""
    done = subprocess.run(
        [STOKER, "up", "--data", data, "--port", str(port)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_second_server_on_the_same_data_is_refused_in_one_line(live_server: LiveServer) -> None:
    said = start_in_vain(live_server.data, free_port())
    assert live_server.process is not None
    assert str(live_server.data) in said and f"process {live_server.process.pid}" in said and "--data" in said
    assert live_server.client("lambda").list_functions()


def test_a_port_in_use_is_refused_in_one_line(live_server: LiveServer, tmp_path: Path) -> None:
    said = start_in_vain(tmp_path, live_server.port)
    assert f"127.0.0.1:{live_server.port}" in said and "--port" in said


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_postgres() as server:
        yield server


@pytest.mark.slow
def test_functions_are_kept_in_postgresql(own_server: LiveServer, postgres: str) -> None:
    with fresh_database(postgres, "stoker-e2e") as url:
        own_server.options = ["--store", url]
        own_server.start()
        functions = Deployment(own_server.client("lambda"))
        name = functions.deploy("def handler(event, context):\n    return event\n", Publish=True)
        assert functions.invoke(name, 1).value == 1
        own_server.kill()
        own_server.start()
        assert functions.invoke(name, 2, Qualifier="1").value == 2
        assert not (own_server.data / "stoker.db").exists()
        assert own_server.stop() == 0
