"""Blanks that have become more than blanks ahead of need: by kind, and the least recently used kind goes first."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from typing import Generic, TypeVar

from stoker.linux.available_memory import AvailableMemory
from stoker.sandbox.blank import Blank
from stoker.sandbox.driver import SandboxError
from stoker.sandbox.reserve import LULL_S, Reserve

Make = Callable[[], Awaitable[Blank]]
K = TypeVar("K", bound=Hashable)

# A kind that nobody used for so long is let go.
IDLE_S = 900.0
LOOK_S = 60.0
# With less than that left on the machine nothing is made ahead.
LEAST_AVAILABLE_BYTES = 1 << 30


class MadeAhead(Generic[K]):
    """At most `most_kinds` kinds, one process of each and up to `most_of_each` after a burst. For the loop's thread.

    Together they take no more than `budget_part` of the memory that was available at the start, as the kernel charges
    their cgroups: that is looked at whenever one is made.
    """

    def __init__(
        self,
        discard: Callable[[Blank], Awaitable[None]],
        *,
        most_kinds: int,
        most_of_each: int = 1,
        budget_part: float = 1.0,
        lull_s: float = LULL_S,
    ) -> None:
        self._discard = discard
        self._most_kinds = most_kinds
        self._most_of_each = most_of_each
        self._lull_s = lull_s
        self._available_memory = AvailableMemory()
        self._budget_bytes = self._available_memory() * budget_part
        # The least recently used first, with the time of its last use.
        self._kinds: dict[K, tuple[Reserve[Blank], float]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<MadeAhead {[reserve for reserve, _ in self._kinds.values()]}>"

    def __iter__(self) -> Iterator[Blank]:
        """Those that are ready."""
        return (blank for reserve, _ in self._kinds.values() for blank in reserve.ready)

    def of(self, kind: K, name: str, *, make: Make, make_ahead: Make | None = None) -> Reserve[Blank]:
        """The ones of a kind, which counts as used by that. The others are for a new one: see `Reserve`."""
        now = asyncio.get_running_loop().time()
        known = self._kinds.pop(kind, None)
        reserve = self._reserve(name, make, make_ahead or make) if known is None else known[0]
        self._kinds[kind] = reserve, now
        self._let_go_unused(now)
        return reserve

    def drop(self, kind: K) -> None:
        """Let a kind go, if it is there."""
        known = self._kinds.pop(kind, None)
        if known is not None:
            task = asyncio.get_running_loop().create_task(known[0].close(), name=f"let {known[0]!r} go")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def shed(self) -> bool:
        """Memory is short: let the least recently used kind go; whether there was one."""
        kind = next(iter(self._kinds), None)
        if kind is not None:
            self.drop(kind)
        return kind is not None

    async def close(self) -> None:
        if self._look is not None:
            self._look.cancel()
        while self.shed():
            pass
        await asyncio.gather(*self._closing)

    def _reserve(self, name: str, make: Make, make_ahead: Make) -> Reserve[Blank]:
        async def make_if_there_is_room() -> Blank:
            if self._available_memory() < LEAST_AVAILABLE_BYTES:
                raise SandboxError("the machine has too little memory to make anything ahead")
            while self._taken_bytes() > self._budget_bytes and self.shed():
                pass
            return await make_ahead()

        return Reserve(
            name,
            make=make,
            make_ahead=make_if_there_is_room,
            discard=self._discard,
            low=min(1, self._most_of_each),
            high=self._most_of_each,
            usable=lambda blank: blank.alive,
            lull_s=self._lull_s,
        )

    def _taken_bytes(self) -> int:
        return sum(blank.cgroup.memory() for blank in self)

    def _let_go_unused(self, now: float) -> None:
        for kind, (_, used) in list(self._kinds.items()):
            if len(self._kinds) > self._most_kinds or now - used >= IDLE_S:
                self.drop(kind)
        if self._look is None and self._kinds:
            self._look = asyncio.get_running_loop().call_later(LOOK_S, self._look_again)

    def _look_again(self) -> None:
        self._look = None
        self._let_go_unused(asyncio.get_running_loop().time())
