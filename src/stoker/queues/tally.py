"""How many messages a queue has, by what they wait for: kept up to date, so that nobody has to count them."""

import heapq
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class _Waiting:
    """Messages that become visible by themselves, by the second in which they do. Mutable: guarded by its Tally."""

    total: int = 0
    by_second: Counter[int] = field(default_factory=Counter)
    seconds: list[int] = field(default_factory=list)

    def add(self, visible_at: float) -> None:
        second = math.ceil(visible_at)
        if not self.by_second[second]:
            heapq.heappush(self.seconds, second)
        self.by_second[second] += 1
        self.total += 1

    def remove(self, visible_at: float) -> None:
        second = math.ceil(visible_at)
        if self.by_second[second]:
            self.by_second[second] -= 1
            self.total -= 1

    def count(self, now: float) -> int:
        while self.seconds and self.seconds[0] <= now:
            self.total -= self.by_second.pop(heapq.heappop(self.seconds), 0)
        return self.total


class Tally:
    """One queue's numbers, right to the second. Times in seconds since the epoch; for the event loop's thread."""

    def __init__(self, total: int = 0, hidden: Iterable[tuple[float, bool]] = ()) -> None:
        """`hidden` are the messages that are not visible yet: when they will be, and whether they were received."""
        self.total = total
        self._in_flight = _Waiting()
        self._delayed = _Waiting()
        for visible_at, received in hidden:
            self._waiting(received).add(visible_at)

    def __repr__(self) -> str:
        return f"<Tally {self.total} messages, {self._in_flight.total} in flight, {self._delayed.total} delayed>"

    def arrived(self, visible_at: float, now: float) -> None:
        self.total += 1
        if visible_at > now:
            self._delayed.add(visible_at)

    def hidden(self, visible_at: float, now: float) -> None:
        """A visible message was received."""
        if visible_at > now:
            self._in_flight.add(visible_at)

    def moved(self, before: float, after: float, now: float) -> None:
        """The visibility timeout of a received message was changed."""
        self._in_flight.remove(before)
        self.hidden(after, now)

    def gone(self, visible_at: float, *, received: bool) -> None:
        """A message was deleted or went to another queue."""
        self.total -= 1
        self._waiting(received).remove(visible_at)

    def in_flight(self, now: float) -> int:
        return self._in_flight.count(now)

    def delayed(self, now: float) -> int:
        return self._delayed.count(now)

    def visible(self, now: float) -> int:
        return max(0, self.total - self.in_flight(now) - self.delayed(now))

    def _waiting(self, received: bool) -> _Waiting:
        return self._in_flight if received else self._delayed
