"""How many events run at once. Pure: time comes in as seconds of a monotonic clock.

Each run beyond the environments that are idle starts a new one. Started all at once, the events of a burst would each
get an environment of their own, though a few could run them all in less time than that takes. So only a few runs may be
young; one that has grown old is evidently waiting for something, and makes room for another.
"""

from collections.abc import Hashable

YOUNG_S = 0.05
# Enough that the next event is there when one of a quick function ends; more only queue for the processors.
YOUNG_PER_CPU = 8


class Pacing:
    """Knows what runs. `most` may run at once, `young` of them for less than `young_s`."""

    def __init__(self, *, most: int, young: int, young_s: float = YOUNG_S) -> None:
        self._most = most
        self._young_limit = young
        self._young_s = young_s
        # Younger ones last.
        self._young: dict[Hashable, float] = {}
        self._old: set[Hashable] = set()

    def __repr__(self) -> str:
        return f"<Pacing {self.running} of {self._most} running>"

    @property
    def running(self) -> int:
        return len(self._young) + len(self._old)

    def room(self, now: float) -> bool:
        """Whether one more may begin."""
        while self._young:
            run, began = next(iter(self._young.items()))
            if now - began < self._young_s:
                break
            del self._young[run]
            self._old.add(run)
        return len(self._young) < self._young_limit and self.running < self._most

    def begin(self, run: Hashable, now: float) -> None:
        self._young[run] = now

    def end(self, run: Hashable) -> None:
        if self._young.pop(run, None) is None:
            self._old.discard(run)

    def more_room_at(self) -> float | None:
        """When there will be room though nothing ends; None if only an end makes room."""
        if not self._young or self.running >= self._most:
            return None
        return next(iter(self._young.values())) + self._young_s
