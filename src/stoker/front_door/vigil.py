"""Staying awake for what is about to come.

A thread that sleeps is woken by an interrupt to its core and finds the caches cold. One client who waits for each
answer pays for that twice an invocation, when the function has answered and when he asks again. So the event loop's
thread, while it has nothing else to do, looks at its sockets for a moment before it lets the kernel put it to sleep.
Where it looked in vain it does so less and less often: who comes now and then costs it some 2 µs each time.
"""

import asyncio
import os
import select
from collections.abc import Callable
from functools import partial
from time import monotonic

LIMIT_S = 150e-6
"""Longer than a short function and a quick client take."""
MOST_SKIPPED = 64


class Vigil:
    """Waits for one kind of event. `is_due` says whether any has come, of whatever kind; `now` is in seconds."""

    def __init__(self, is_due: Callable[[], object], now: Callable[[], float] = monotonic) -> None:
        self._is_due = is_due
        self._now = now
        # How many times it is not kept from now on, and how many it was not after the last that was in vain.
        self._skips = self._skipped = 0

    def __repr__(self) -> str:
        return f"<Vigil, kept after {self._skips} more times>"

    def keep(self) -> None:
        """Returns when something has come, or is not to be expected any more."""
        if self._skips:
            self._skips -= 1
            return
        until = self._now() + LIMIT_S
        while not self._is_due():
            if self._now() >= until:
                self._skips = self._skipped = min(2 * self._skipped + 1, MOST_SKIPPED)
                return
        self._skipped = 0


def always() -> bool:
    """For who has nothing to wait for."""
    return True


def events_of(loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
    """What says whether the loop has something to do. Where it must not be kept from sleeping, it always has."""
    # uvloop's, which has it for its tests. Its epoll is readable as soon as anything is that the loop watches.
    backend = getattr(loop, "_get_backend_id", None)
    if backend is None or len(os.sched_getaffinity(0)) < 2:
        # What is waited for would need the only core.
        return always
    poll = select.poll()
    poll.register(backend(), select.POLLIN)
    return partial(poll.poll, 0)
