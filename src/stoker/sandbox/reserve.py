"""What is made ahead of need: taken at once while there is some, made anew behind the scenes."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

# Whoever starts something needs the CPU more than what is made ahead: so long after the last was taken, and longer by
# so much for each that was taken since the last was made.
LULL_S, LULL_EACH_S = 0.03, 0.005
# So long after the last need, what was made for a burst is let go.
CALM_S = 60.0
log = logging.getLogger(__name__)


class Reserve(Generic[T]):
    """Keeps `low` of something ready; after a burst that found none, twice as many each time, up to `high`.

    `make` makes one, `make_ahead` one that nobody waits for (without it `make` does), `discard` takes one apart,
    `usable` tells one that has spoiled. For the event loop's thread.
    """

    def __init__(
        self,
        name: str,
        *,
        make: Callable[[], Awaitable[T]],
        discard: Callable[[T], Awaitable[None]],
        low: int,
        high: int,
        make_ahead: Callable[[], Awaitable[T]] | None = None,
        usable: Callable[[T], bool] = lambda item: True,
        lull_s: float = LULL_S,
        lull_each_s: float = LULL_EACH_S,
    ) -> None:
        self._name = name
        self._make = make
        self._make_ahead = make_ahead or make
        self._discard = discard
        self._usable = usable
        self._lull_s = lull_s
        self._lull_each_s = lull_each_s
        self._taken = 0
        self._failures = 0
        self._low = low
        self._high = high
        self._wanted = low
        # So many may come before the first are made and be no burst.
        self._excused = low
        self._ready: deque[T] = deque()
        self._filling: asyncio.Task[None] | None = None
        self._calming: asyncio.TimerHandle | None = None
        self._last_taken = float("-inf")

    def __repr__(self) -> str:
        return f"<Reserve of {self._name}: {len(self._ready)} of {self._wanted} ready>"

    @property
    def ready(self) -> Sequence[T]:
        """What is ready now, the next one first."""
        return tuple(self._ready)

    async def take(self) -> T:
        """A ready one, or one made now; raises what `make` raises."""
        try:
            item = await self._pop()
            if item is not None:
                return item
            if self._excused > 0:
                self._excused -= 1
            elif self._high:
                self._wanted = min(self._high, max(1, self._wanted * 2))
            return await self._make()
        finally:
            self.fill()

    async def take_ready(self) -> T | None:
        """A ready one, or None, where what is made ahead is not worth waiting for."""
        try:
            return await self._pop()
        finally:
            self.fill()

    async def _pop(self) -> T | None:
        self._last_taken = asyncio.get_running_loop().time()
        self._taken = min(self._high, self._taken + 1)
        while self._ready:
            item = self._ready.popleft()
            if self._usable(item):
                return item
            await self._discard(item)
        return None

    def fill(self) -> None:
        """Begin to make what is wanted, in the next lull."""
        if len(self._ready) < self._wanted and (self._filling is None or self._filling.done()):
            self._filling = asyncio.create_task(self._fill(), name=f"make {self._name} ahead")
            self._filling.add_done_callback(self._report)
        if self._wanted > self._low and self._calming is None:
            self._calming = asyncio.get_running_loop().call_later(CALM_S, self._calm)

    async def close(self) -> None:
        """Take apart what is ready, and make no more."""
        self._wanted = self._low = self._high = 0
        if self._calming is not None:
            self._calming.cancel()
        if self._filling is not None:
            await asyncio.gather(self._filling, return_exceptions=True)
        await self._shrink()

    async def _fill(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._ready) < self._wanted:
            rest = self._last_taken + self._lull_s + self._taken * self._lull_each_s - loop.time()
            if rest > 0:
                await asyncio.sleep(rest)
            else:
                self._taken = 0
                self._ready.append(await self._make_ahead())
        self._excused = 0
        await self._shrink()

    def _calm(self) -> None:
        self._calming = None
        if asyncio.get_running_loop().time() - self._last_taken >= CALM_S:
            self._wanted = self._low
            self._filling = asyncio.create_task(self._shrink(), name=f"let {self._name} go")
            self._filling.add_done_callback(self._report)
        else:
            self.fill()

    async def _shrink(self) -> None:
        while len(self._ready) > self._wanted:
            await self._discard(self._ready.popleft())

    def _report(self, task: "asyncio.Task[None]") -> None:
        """What fails once may have met a helper that is being replaced; what fails again is the operator's business."""
        if task.cancelled():
            return
        error = task.exception()
        self._failures = 0 if error is None else self._failures + 1
        if error is not None:
            log.log(logging.ERROR if self._failures > 1 else logging.INFO, "could not %s: %s", task.get_name(), error)
