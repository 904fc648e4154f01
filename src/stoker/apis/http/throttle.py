"""Limits of a stage's routes: a token bucket each. Pure but for what is in the buckets.

Source: "Throttle requests to your HTTP APIs" in the API Gateway Developer Guide.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """So many requests a second on average, and so many at once."""

    rate: float
    burst: int


class Buckets:
    """One bucket for each limited route, full at first."""

    def __init__(self) -> None:
        self._levels: dict[str, tuple[float, float]] = {}

    def __repr__(self) -> str:
        return f"<Buckets {len(self._levels)}>"

    def take(self, name: str, limit: Limit, now: float) -> bool:
        """Whether one more request may pass; `now` is in seconds of a clock that never goes back."""
        level, since = self._levels.get(name, (float(limit.burst), now))
        level = min(float(limit.burst), level + (now - since) * limit.rate)
        allowed = level >= 1
        self._levels[name] = (level - 1 if allowed else level, now)
        return allowed
