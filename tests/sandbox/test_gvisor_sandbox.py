"""What holds in gVisor only; what every driver promises is in `test_driver_conformance.py`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from driver_suite import HANDLERS, RUNSC, House, Started, serve_nothing, spec

from stoker.sandbox.driver import SandboxError
from stoker.sandbox.gvisor_driver import GvisorDriver

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(RUNSC is None, reason="runsc is not installed"),
]

FAILING_RUNSC = """#!/bin/sh
if [ "$1" = help ]; then echo ptrace; exit; fi
echo "creating container: no room on the ark" >&2
exit 128
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory, in which the runtime client is compiled once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def probe(data: Path) -> Iterator[Started]:
    house = House("gvisor", data)
    probe = house.start(spec(HANDLERS))
    probe.receive()
    yield probe
    probe.close()
    house.close()


def test_the_kernel_that_answers_is_gvisor_s_not_the_machine_s(probe: Started) -> None:
    assert probe.ask("kernel") == "Starting gVisor..."


def test_tmp_is_really_full_when_it_is_full(probe: Started) -> None:
    written, reason = probe.ask("fill_tmp")
    assert reason == "No space left on device"
    assert 500 <= written <= 540


def test_the_memory_of_gvisor_itself_was_measured(probe: Started) -> None:
    assert isinstance(probe.house.driver, GvisorDriver)
    assert 5 << 20 < probe.house.driver.own_memory_bytes < 100 << 20


def test_the_runtime_client_is_compiled_ahead(probe: Started) -> None:
    assert probe.ask("is_compiled", "awslambdaric.bootstrap") is True


def test_a_runsc_that_cannot_run_refuses_to_start_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "runsc"
    program.parent.mkdir()
    program.write_text(FAILING_RUNSC)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    opening = GvisorDriver.open(tmp_path, endpoint_port=4566, slots=0, blanks=0, serve_endpoint=serve_nothing)
    with pytest.raises(SandboxError, match=r"cannot run a container here .*: .*no room on the ark"):
        asyncio.run(opening)
