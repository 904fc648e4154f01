"""Throttling: token buckets in memory, one for each method, key or plan. Pure, but for what they remember.

Source: "Throttle requests to your REST APIs" in the API Gateway developer guide. Buckets are of one Stoker: behind a
balancer each has its own.
"""

from collections import OrderedDict
from collections.abc import Hashable

from stoker.apis.rest.blueprint import Limit

# A few hundred bytes each.
REMEMBERED = 50_000


class Buckets:
    """Takes a token for each request, as long as there is one."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Buckets {len(self._buckets)}>"

    def take(self, key: Hashable, limit: Limit, now: float) -> bool:
        """Whether a request may be made now (seconds)."""
        tokens, at = self._buckets.pop(key, (float(limit.burst), now))
        tokens = min(float(limit.burst), tokens + (now - at) * limit.rate)
        allowed = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return allowed
