"""How many batches of a mapping run at once. Pure: time comes in as seconds of a monotonic clock.

Source: "Scaling behavior for Amazon SQS event source mappings" in the Lambda Developer Guide.
"""

FIRST = 5
# AWS adds 300 a minute while messages wait.
MORE_PER_S = 5.0
MOST = 1_250


class Scaling:
    """Begins at five, grows while there is a backlog, halves when the function fails or is throttled."""

    def __init__(self, most: int | None) -> None:
        self._most = MOST if most is None else most
        self._limit = float(min(FIRST, self._most))
        self._full_since: float | None = None
        self.running = 0

    def __repr__(self) -> str:
        return f"<Scaling {self.running} of {int(self._limit)}>"

    def room(self, now: float) -> bool:
        """Whether another batch may begin; asking while there is none is what a backlog looks like."""
        if self.running < int(self._limit):
            self._full_since = None
            return True
        if self._full_since is not None:
            self._limit = min(self._most, self._limit + (now - self._full_since) * MORE_PER_S)
        self._full_since = now
        return self.running < int(self._limit)

    def more_room_at(self, now: float) -> float | None:
        """When another one may begin although none has ended; None for never."""
        if self._limit >= self._most:
            return None
        return now + (self.running + 1 - self._limit) / MORE_PER_S

    def begin(self) -> None:
        self.running += 1

    def end(self, *, well: bool) -> None:
        self.running -= 1
        if not well:
            self._full_since = None
            self._limit = max(1.0, min(FIRST, self._most) / 2, self._limit / 2)
        elif self._limit < min(FIRST, self._most):
            self._limit = min(self._limit + 1, FIRST, self._most)
