"""Rates that AWS limits: so much at once, refilled evenly, nothing saved up beyond that. Pure."""


class Bucket:
    """Tokens that come back with time. How many there are at most, and how fast they come, is said with each use.

    So a limit that changes is obeyed from the next use on, and a bucket costs two numbers.
    """

    __slots__ = ("_at", "_used")

    def __init__(self) -> None:
        self._used = 0.0
        self._at = 0.0

    def take(self, now: float, *, capacity: float, per_s: float) -> bool:
        """Take a token at `now` (monotonic seconds), if there is one."""
        used = self._used - (now - self._at) * per_s
        if used < 0.0:
            used = 0.0
        self._at = now
        taken = used + 1.0 <= capacity
        self._used = used + taken
        return taken

    def has(self, now: float, *, capacity: float, per_s: float) -> bool:
        """Whether `take` would find a token."""
        return max(0.0, self._used - (now - self._at) * per_s) + 1.0 <= capacity
