"""What blanks have become ahead of need: how many kinds are kept, and which go first."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import pytest

from fakes.loop import on_loop, until
from stoker.linux.available_memory import AvailableMemory
from stoker.sandbox.blank import Blank
from stoker.sandbox.made_ahead import LEAST_AVAILABLE_BYTES, MadeAhead

MB = 1 << 20


@dataclass(eq=False)
class FakeBlank:
    """Its own cgroup, too, which has so many bytes."""

    kind: str
    bytes_charged: int
    alive: bool = True

    @property
    def cgroup(self) -> "FakeBlank":
        return self

    def memory(self) -> int:
        return self.bytes_charged


class Shelf:
    """Has so much memory at the start, of which a tenth may be taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, most_kinds: int = 8) -> None:
        self.available = 2 * LEAST_AVAILABLE_BYTES
        self.each_bytes = MB
        self.made = 0
        monkeypatch.setattr(AvailableMemory, "__call__", lambda _self: self.available)
        self.ahead: MadeAhead[str] = MadeAhead(
            self.discard, most_kinds=most_kinds, most_of_each=4, budget_part=0.1, lull_s=0.0
        )

    async def use(self, kind: str) -> None:
        """Take one, and wait until another is there or it is known that there will be none."""

        async def make() -> Blank:
            self.made += 1
            return cast(Any, FakeBlank(kind, self.each_bytes))

        reserve = self.ahead.of(kind, kind, make=make)
        await reserve.take()
        if reserve._filling is not None:
            await asyncio.wait([reserve._filling])
        for _ in range(50):
            await asyncio.sleep(0)

    async def discard(self, blank: Blank) -> None:
        cast(Any, blank).alive = False

    @property
    def kinds(self) -> list[str]:
        return [cast(Any, blank).kind for blank in self.ahead]


@on_loop
async def test_the_least_recently_used_kind_goes_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(monkeypatch, most_kinds=2)
    for kind in ("a", "b", "a", "c"):
        await shelf.use(kind)
    assert shelf.kinds == ["a", "c"]
    await shelf.ahead.close()


@on_loop
async def test_together_they_keep_to_their_part_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(monkeypatch)
    shelf.each_bytes = int(shelf.available * 0.06)
    for kind in ("a", "b"):
        await shelf.use(kind)
    assert shelf.kinds == ["a", "b"]
    await shelf.use("c")
    assert shelf.kinds == ["b", "c"]
    await shelf.ahead.close()


@on_loop
async def test_nothing_is_made_ahead_where_little_memory_is_left_and_callers_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf = Shelf(monkeypatch)
    shelf.available = LEAST_AVAILABLE_BYTES - 1
    await shelf.use("a")
    assert (shelf.kinds, shelf.made) == ([], 1)
    await shelf.ahead.close()


@on_loop
async def test_what_is_dropped_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(monkeypatch)
    await shelf.use("a")
    (blank,) = shelf.ahead
    shelf.ahead.drop("a")
    await until(lambda: not blank.alive)
    assert not shelf.ahead.shed()
    await shelf.ahead.close()
