"""Time as a value passed in, so that keep-warm, retries and schedules are tested without sleeping."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is yet to come."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Wall and monotonic time, and calls in the future on the event loop's thread."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` on the running event loop after `delay_s` seconds."""


class SystemClock:
    """The machine's own time. The interpreter's own functions: an invocation asks them a dozen times."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, callback)
