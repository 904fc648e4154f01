"""The end of a run: what has how long, and what ends it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from fakes.clock import FakeClock
from stoker.serve.ending import INVOCATIONS_S, OTHERS_S, StopSignals, let_finish


class Part:
    """Something that ends when it is let, and says whether it was cut off."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.cut_off = False

    async def run(self) -> None:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cut_off = True
            raise


async def looks(clock: FakeClock, finishing: "asyncio.Task[None]") -> None:
    """Until it has looked twice at the least: a look is a turn of the event loop after the last."""
    seen = 0
    told = clock.monotonic

    def counted() -> float:
        nonlocal seen
        seen += 1
        return told()

    clock.monotonic = counted  # type: ignore[method-assign]
    while seen < 2 and not finishing.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    clock.monotonic = told  # type: ignore[method-assign]


async def ended_after(is_running: Callable[[], bool], seconds: float, part: Part) -> bool:
    """Whether it has ended so long after it began, and not a second earlier."""
    clock = FakeClock()
    finishing = asyncio.create_task(let_finish([part.run()], is_running, clock))
    await asyncio.sleep(0)
    clock.advance(seconds - 1.0)
    await looks(clock, finishing)
    assert not finishing.done()
    clock.advance(1.0)
    await looks(clock, finishing)
    return finishing.done()


@pytest.mark.parametrize(("runs", "limit_s"), [(True, INVOCATIONS_S), (False, OTHERS_S)])
def test_what_runs_has_as_long_as_a_function_may_take_and_all_else_a_moment(runs: bool, limit_s: float) -> None:
    async def scene() -> None:
        part = Part()
        assert await ended_after(lambda: runs, limit_s, part)
        assert part.cut_off

    asyncio.run(scene())


def test_it_ends_when_all_has_ended_and_what_fails_keeps_nobody_from_it(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise RuntimeError("a part of ours")

    async def scene() -> None:
        part, runs = Part(), [True]
        finishing = asyncio.create_task(let_finish([broken(), part.run()], lambda: bool(runs), FakeClock()))
        part.gate.set()
        await asyncio.sleep(0.2)
        assert not finishing.done()
        runs.clear()
        await asyncio.wait_for(finishing, 60)
        assert not part.cut_off

    asyncio.run(scene())
    assert "a part of ours" in caplog.text


def test_a_start_is_cut_off_by_the_first_signal_and_not_only_when_it_is_ready() -> None:
    async def scene() -> None:
        signals, start, asked = StopSignals(), Part(), list[str]()
        starting = asyncio.create_task(signals.unless_asked(start.run(), lambda: asked.append("asked")))
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGTERM)
        assert await asyncio.wait_for(starting, 60) is None
        assert (start.cut_off, asked) == (True, ["asked"])

    asyncio.run(scene())


def test_a_start_that_nobody_cuts_off_comes_to_what_it_makes_or_fails_by() -> None:
    async def server() -> str:
        return "server"

    async def broken() -> str:
        raise OSError("the port is taken")

    async def scene() -> None:
        signals = StopSignals()
        assert await signals.unless_asked(server(), lambda: None) == "server"
        with pytest.raises(OSError, match="the port is taken"):
            await signals.unless_asked(broken(), lambda: None)

    asyncio.run(scene())


HANGS = """
import threading
from stoker.serve.ending import limit_closing
limit_closing(0.2)
def a_server_that_does_not_answer():
    threading.Event().wait()
threading.Thread(target=a_server_that_does_not_answer).start()
"""


def test_a_thread_that_hangs_does_not_keep_the_process_and_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "a_server_that_does_not_answer" in done.stderr
