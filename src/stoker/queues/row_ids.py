"""Keys of rows that rise with time, so that their order is that in which things came."""

from stoker.model.clock import Clock


class RowIds:
    """Microseconds since the epoch, or one more than the last where that has been given out already.

    `last` is the highest that the database has: a clock that was set back must not make messages older than others.
    """

    def __init__(self, clock: Clock, last: int = 0) -> None:
        self._clock = clock
        self._last = last

    def __repr__(self) -> str:
        return f"<RowIds after {self._last}>"

    def next(self) -> int:
        self._last = max(self._last + 1, int(self._clock.time() * 1_000_000))
        return self._last

    def rise_above(self, last: int) -> None:
        self._last = max(self._last, last)
