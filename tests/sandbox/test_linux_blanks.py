"""Sandboxes that were made ahead, and what may happen to them before they are needed."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from driver_suite import HANDLERS, PYTHON_RUNTIME, House, spec

from fakes.kernel_traces import Process, first_processes_of
from fakes.waiting import PATIENCE_S, eventually
from stoker.linux.process_memory import PAGE_BYTES
from stoker.sandbox.linux_driver import LinuxDriver
from stoker.sandbox.rehearsal import runs_of

pytestmark = [pytest.mark.root, pytest.mark.slow]

BLANKS = 2
# proc_pid_stat(5), counted from the state.
MINOR_FAULTS = 7


async def made_ahead(house: House) -> list[Process]:
    """Those that wait, once all that are wanted do."""
    driver = house.driver
    assert isinstance(driver, LinuxDriver)
    await driver.prepare(PYTHON_RUNTIME)
    async with asyncio.timeout(PATIENCE_S):
        # The rehearsal's comes before them, and goes.
        while len(ready := driver._zygote(PYTHON_RUNTIME)._blanks._ready) < BLANKS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    pids = {blank.pid for blank in ready}
    return [process for process in first_processes_of(os.getpid()) if process.pid in pids]


def test_one_that_was_killed_while_it_waited_is_not_missed(tmp_path: Path) -> None:
    house = House("linux", tmp_path, blanks=BLANKS)
    try:
        killed = house.run(made_ahead(house))
        for process in killed:
            os.kill(process.pid, signal.SIGKILL)
        # The driver's loop does not run meanwhile, so it does not know yet.
        eventually(lambda: not any(process.alive for process in killed), "all are dead")
        probe = house.start(spec(HANDLERS))
        probe.receive()
        assert probe.ask("echo", "alive") == "alive"
        probe.close()
    finally:
        house.close()


def worker_of(init: int) -> int | None:
    """A first process's child, while it has one."""
    try:
        children = Path(f"/proc/{init}/task/{init}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def faults_so_far(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[MINOR_FAULTS])


def faults_of_a_start(house: House) -> int:
    """Page faults of a worker that was made ahead, between its order and its function's first wish for work."""
    house.run(made_ahead(house))
    while True:
        workers = [worker for process in first_processes_of(os.getpid()) if (worker := worker_of(process.pid))]
        before = {worker: faults_so_far(worker) for worker in workers}
        probe = house.start(spec(HANDLERS))
        probe.receive()
        worker = worker_of(int(probe.sandbox.id.partition("-")[2]))
        assert worker is not None
        after = faults_so_far(worker)
        probe.close()
        # One that was made when it was wanted does not count.
        if worker in before:
            return after - before[worker]


def test_a_start_finds_its_pages_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = []
    for _ in range(2):
        house = House("linux", tmp_path, blanks=BLANKS)
        try:
            faults.append(faults_of_a_start(house))
        finally:
            house.close()
        monkeypatch.setattr("stoker.sandbox.rehearsal.runs_of", lambda pages: [])
    print("FAULTS", faults)
    assert faults[0] < faults[1] / 2


def test_neighbouring_pages_are_one_piece() -> None:
    pages = [number * PAGE_BYTES for number in (7, 1, 2, 3)]
    assert runs_of(pages) == [(PAGE_BYTES, 3 * PAGE_BYTES), (7 * PAGE_BYTES, PAGE_BYTES)]
