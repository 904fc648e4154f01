"""Node processes that are started ahead of need: quicker, and otherwise as those started for their function."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driver_suite import NODE, NODE_RUNTIME, House, Started, children_of, spec

from fakes.waiting import PATIENCE_S, eventually
from stoker.linux.available_memory import AvailableMemory
from stoker.sandbox.linux_driver import LinuxDriver

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.skipif(NODE is None, reason="node is not installed")]

HANDLER = """
const fs = require('fs');
const v8 = require('v8');
exports.handler = async () => ({
  environment: process.env,
  cwd: process.cwd(),
  descriptors: fs.readdirSync('/proc/self/fd').map((fd) => {
    try { return fs.readlinkSync(`/proc/self/fd/${fd}`); } catch { return null; }
  }).filter((target) => target && target.startsWith('socket:')).length,
  heap: v8.getHeapStatistics().heap_size_limit,
  zone: new Date(0).getTimezoneOffset(),
  uid: process.getuid(),
  // As Python's clock that only goes on: both are the kernel's.
  started: Number(process.hrtime.bigint()) / 1e9 - process.uptime(),
  tmp: fs.statSync('/tmp').mode & 0o777,
});
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House("linux", tmp_path_factory.mktemp("data"), blanks=2)
    yield house
    house.close()


@pytest.fixture
def task(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "probe.js").write_text(HANDLER)
    return tmp_path


def start(house: House, task: Path, **environment: str) -> Started:
    plain = spec(task, NODE_RUNTIME)
    return house.start(spec(task, NODE_RUNTIME, environment={**plain.environment, **environment}))


def seen(probe: Started) -> Any:
    probe.receive()
    value = probe.ask("look")
    probe.close()
    return value


def made_ahead(house: House) -> None:
    """Wait until the driver has one that is ready."""

    driver = house.driver
    assert isinstance(driver, LinuxDriver)
    reserves = [reserve for reserve, _ in driver._nodes._ahead._kinds.values()]

    async def ready() -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not all(reserve.ready for reserve in reserves):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    house.run(ready())
    # They have been started; they may take their time to be there.
    for blank in (blank for reserve in reserves for blank in reserve.ready if blank.alive):
        eventually(lambda: has_begun(blank.pid), "Node runs")  # noqa: B023


def has_begun(init: int) -> bool:
    """Whether the process that a sandbox's first has below it is Node, and has threads, which it makes soon."""
    return any(int(field(pid, "Threads")) > 1 and field(pid, "Name") == "node" for pid in children_of(init))


def field(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))


def test_it_is_the_same_for_the_function_and_was_there_before(house: House, task: Path) -> None:
    ordinary = seen(start(house, task, GREETING="one"))
    made_ahead(house)
    began = time.monotonic()
    ahead = seen(start(house, task, GREETING="one"))
    assert ahead.pop("started") < began
    ordinary.pop("started")
    assert ahead == ordinary
    assert ahead["environment"]["GREETING"] == "one"
    assert "STOKER_ORDER_FD" not in ahead["environment"]


def test_a_deployed_function_s_first_start_is_one(house: House, task: Path) -> None:
    deployed = spec(task, NODE_RUNTIME, memory_mb=333)
    house.run(house.driver.prepare(NODE_RUNTIME, deployed.program))
    made_ahead(house)
    began = time.monotonic()
    assert seen(house.start(deployed))["started"] < began


def test_a_function_that_says_how_node_is_to_start_gets_a_process_of_its_own(house: House, task: Path) -> None:
    seen(start(house, task))
    made_ahead(house)
    began = time.monotonic()
    value = seen(start(house, task, NODE_OPTIONS="--no-warnings"))
    assert value["started"] > began


def test_one_that_was_killed_while_it_waited_is_not_missed(house: House, task: Path) -> None:
    seen(start(house, task))
    made_ahead(house)
    driver = house.driver
    assert isinstance(driver, LinuxDriver)
    waiting = list(driver._nodes)
    for blank in waiting:
        for process in children_of(blank.pid):
            os.kill(process, 9)
    eventually(lambda: not any(blank.alive for blank in waiting), "all are dead")
    assert seen(start(house, task, GREETING="well"))["environment"]["GREETING"] == "well"


def test_when_memory_is_short_none_is_kept(house: House, task: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(start(house, task))
    made_ahead(house)
    driver = house.driver
    assert isinstance(driver, LinuxDriver)

    async def shed() -> int:
        return sum(iter(driver.shed, False))

    assert house.run(shed()) >= 1
    monkeypatch.setattr(AvailableMemory, "__call__", lambda _self: 0)
    assert seen(start(house, task))["uid"] != 0
