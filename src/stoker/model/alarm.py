"""A call at a moment that is moved for every invocation and hardly ever reached."""

from collections.abc import Callable

from stoker.model.clock import Clock, Timer

# A timer may come early by the rounding of its delay; less than this is not worth another one.
_EARLY_S = 1e-6


class Alarm:
    """Calls `callback` once when the clock reaches the moment that was set last.

    Timers of the event loop cost microseconds to make and cancel. Putting an alarm off leaves its timer where it is:
    when that fires too early it is armed again for the rest. So a busy environment pays for a timer once in a while
    and not per invocation.
    """

    __slots__ = ("_armed_for", "_at", "_callback", "_clock", "_timer")

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._callback = callback
        self._at: float | None = None
        self._timer: Timer | None = None
        self._armed_for = 0.0

    def set(self, at: float) -> None:
        """Go off at `at` (monotonic seconds), and no more at any moment set before."""
        self._at = at
        if self._timer is None:
            self._arm(at)
        elif at < self._armed_for:
            self._timer.cancel()
            self._arm(at)

    def stop(self) -> None:
        """Don't go off, and leave no timer behind."""
        self._at = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, at: float) -> None:
        self._armed_for = at
        self._timer = self._clock.call_later(max(0.0, at - self._clock.monotonic()), self._fire)

    def _fire(self) -> None:
        self._timer = None
        at = self._at
        if at is None:
            return
        if at - self._clock.monotonic() > _EARLY_S:
            self._arm(at)
            return
        self._at = None
        self._callback()
