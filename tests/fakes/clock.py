"""A clock that stands still until it is told to advance."""

import heapq
import itertools
import math
from collections.abc import Callable


class FakeTimer:
    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._wall = start
        self._mono = 1_000.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, FakeTimer]] = []

    def time(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._mono

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self._mono + delay_s, callback)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        return timer

    def next_in(self) -> float:
        """In how many seconds the next timer falls due; without end where there is none."""
        times = [timer.when for _, _, timer in self._timers if timer.callback is not None]
        return min(times, default=math.inf) - self._mono

    def advance(self, seconds: float) -> None:
        """Move on, running every timer that falls due in its order."""
        end = self._mono + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self._wall += when - self._mono
            self._mono = when
            if timer.callback is not None:
                timer.callback()
        self._wall += end - self._mono
        self._mono = end
