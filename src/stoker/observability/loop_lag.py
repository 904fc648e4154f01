"""How late the event loop is: a timer that looks how much after its time it was called."""

from collections.abc import Callable

from stoker.model.clock import Clock, Timer

INTERVAL_S = 0.5


class LoopLag:
    """Tells `observe` twice a second by how many seconds its timer was late."""

    def __init__(self, clock: Clock, observe: Callable[[float], None]) -> None:
        self._clock = clock
        self._observe = observe
        self._due = 0.0
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<LoopLag {'stopped' if self._timer is None else 'looking'}>"

    def start(self) -> None:
        self._due = self._clock.monotonic() + INTERVAL_S
        self._timer = self._clock.call_later(INTERVAL_S, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        # uvloop rounds delays to whole milliseconds, and may be early by as much.
        lag_s = max(0.0, self._clock.monotonic() - self._due)
        # First: whatever becomes of this look, there is a next.
        self.start()
        self._observe(lag_s)
