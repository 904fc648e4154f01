"""Rates that AWS limits: so much at once, refilled evenly, nothing saved up beyond that. Pure."""


class Bucket:
    """Tokens that come back with time. How many there are at most, and how fast they come, is said with each use.

    So a limit that changes is obeyed from the next use on, and a bucket costs two numbers.
    """

    __slots__ = ("_at", "_used")

    def __init__(self) -> None:
        self._used = 0.0
        self._at = 0.0

    def has(self, now: float, *, capacity: float, per_s: float) -> bool:
        """Whether there is a token at `now` (monotonic seconds)."""
        used = self._used - (now - self._at) * per_s
        self._used = used if used > 0.0 else 0.0
        self._at = now
        return self._used + 1.0 <= capacity

    def take(self) -> None:
        """Take the token that `has` saw."""
        self._used += 1.0
