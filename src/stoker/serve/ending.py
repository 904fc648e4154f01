"""The end of a run: who asks for it, and how long what is going on may take.

Whatever is cut off here is in the state that kill -9 leaves: what was acknowledged is on the disk, and goes on with the
next start.
"""

import asyncio
import faulthandler
import logging
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from stoker.model.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

# The longest timeout that a function can have.
INVOCATIONS_S = 900.0
# For whatever is no invocation (clients that do not read, servers that do not answer), from the last one's end on.
OTHERS_S = 30.0
# For taking everything down, once nothing is waited for any more.
CLOSING_S = 60.0
_LOOK_S = 0.05


class StopSignals:
    """SIGTERM and SIGINT: the first asks for the end, the second is one."""

    def __init__(self) -> None:
        """On the event loop that is to hear them."""
        self._asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._heard, number)

    async def wait(self) -> None:
        await self._asked.wait()

    async def unless_asked(self, start: Coroutine[Any, Any, T], on_asked: Callable[[], None]) -> T | None:
        """What a start comes to. Where the end is asked for before, it is cut off, after `on_asked`: None."""
        starting, asked = asyncio.ensure_future(start), asyncio.ensure_future(self._asked.wait())
        await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if starting.done():
            return starting.result()
        log.info("stopping before it was ready")
        on_asked()
        starting.cancel()
        await asyncio.wait((starting,))
        return None

    def _heard(self, number: signal.Signals) -> None:
        if self._asked.is_set():
            log.warning("stopping at once: what runs is cut off, what was acknowledged goes on with the next start")
            # As kill -9, of which the next start sweeps what is left.
            os._exit(128 + number)
        self._asked.set()


async def let_finish(parts: Sequence[Coroutine[Any, Any, None]], is_running: Callable[[], bool], clock: Clock) -> None:
    """Wait until all parts are done and no invocation runs, within the limits above; then the parts are cancelled."""
    work = [asyncio.ensure_future(part) for part in parts]
    now = clock.monotonic()
    latest, quiet_until = now + INVOCATIONS_S, now + OTHERS_S
    while (running := is_running()) or not all(part.done() for part in work):
        now = clock.monotonic()
        if running:
            quiet_until = now + OTHERS_S
        if now >= min(latest, quiet_until):
            log.warning("stopping: %s", "invocations have had their time" if running else "what still waits is cut off")
            break
        await asyncio.sleep(_LOOK_S)
    for part in work:
        part.cancel()
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, Exception):
            # The other parts' ends, and what comes after this, do not depend on it.
            log.error("a part could not come to its end", exc_info=outcome)


def limit_closing(seconds: float = CLOSING_S) -> None:
    """From now on this process is there for so long at most; what it hangs in is said where it does."""
    faulthandler.dump_traceback_later(seconds, exit=True)
