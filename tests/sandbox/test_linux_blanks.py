"""Sandboxes that were made ahead, and what may happen to them before they are needed."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from driver_suite import HANDLERS, PYTHON_RUNTIME, House, spec

from fakes.kernel_traces import Process, first_processes_of
from fakes.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.slow]

BLANKS = 2


async def made_ahead(house: House) -> list[Process]:
    """Those that wait, once all that are wanted do."""
    await house.driver.prepare(PYTHON_RUNTIME)
    async with asyncio.timeout(20):
        while len(waiting := first_processes_of(os.getpid())) < BLANKS:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
        # The last may still be on its way.
        await asyncio.sleep(0.5)
    return waiting


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
