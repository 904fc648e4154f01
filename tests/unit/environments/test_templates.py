"""Which templates are made, how long they are kept, and which go first."""

import asyncio
import math
import os
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.loop import until
from fakes.registry import a_function
from stoker.environments.templates import IDLE_S, MAX_AGE_S, MB, WORTH_INIT_MS, Templates
from stoker.functions.preparation import SnapshotInitError
from stoker.model.function import FunctionVersion
from stoker.sandbox.image_table import ImageTable
from stoker.sandbox.snapshot import Snapshot, SnapshotRefusedError


class Kitchen:
    """Makes snapshots of `size_mb`, or raises `error`."""

    def __init__(self, *, budget_mb: float = math.inf) -> None:
        self.clock = FakeClock()
        self.taken: list[str] = []
        self.gone: set[str] = set()
        self.size_mb = 1.0
        self.error: Exception | None = None
        self.templates = Templates(self.take, exists=self.exists, clock=self.clock, budget_mb=budget_mb)

    async def take(self, function: FunctionVersion) -> Snapshot:
        self.taken.append(function.name)
        if self.error is not None:
            raise self.error
        size = int(self.size_mb * MB)
        return Snapshot(
            image=os.dup(0),
            table=os.dup(0),
            steps=ImageTable(),
            mappings=(),
            looks=(),
            size_bytes=size,
            memory_bytes=size,
            zygote=self,
        )

    async def exists(self, function: FunctionVersion) -> bool:
        return function.name not in self.gone

    async def made(self, **changes: Any) -> FunctionVersion:
        function = a_function(**changes)
        self.templates.consider(function, WORTH_INIT_MS, lambda: WORTH_INIT_MS / 1000)
        await until(lambda: self.templates.of(function))
        return function


def run(work: Any) -> None:
    asyncio.run(work)


def test_a_short_init_is_not_worth_a_template() -> None:
    async def work() -> None:
        kitchen = Kitchen()
        kitchen.templates.consider(a_function(), WORTH_INIT_MS - 1, lambda: WORTH_INIT_MS)
        await asyncio.sleep(0)
        assert kitchen.taken == []

    run(work())


@pytest.mark.parametrize(("worked_s", "made"), [(0.039, []), (0.04, ["hello"]), (None, ["hello"])])
def test_an_init_that_only_waited_is_not_worth_a_template_either(worked_s: float | None, made: list[str]) -> None:
    async def work() -> None:
        kitchen = Kitchen()
        kitchen.templates.consider(a_function(), 5000.0, lambda: worked_s)
        await asyncio.sleep(0)
        assert kitchen.taken == made
        await kitchen.templates.close()

    run(work())


def test_the_least_recently_used_goes_when_together_they_are_too_large() -> None:
    async def work() -> None:
        kitchen = Kitchen(budget_mb=2.5)
        first, second = await kitchen.made(name="first"), await kitchen.made(name="second")
        assert kitchen.templates.of(first)
        third = await kitchen.made(name="third")
        assert kitchen.templates.of(second) is None
        assert kitchen.templates.of(first) and kitchen.templates.of(third)
        await kitchen.templates.close()
        assert kitchen.templates.of(first) is None

    run(work())


def test_one_that_nobody_uses_goes_and_snapstarts_stays() -> None:
    async def work() -> None:
        kitchen = Kitchen()
        idle = await kitchen.made(name="idle")
        kept = await kitchen.made(name="kept", version="1", snap_start="PublishedVersions")
        kitchen.clock.advance(IDLE_S + 1)
        assert kitchen.templates.of(idle) is None
        assert kitchen.templates.of(kept)
        await kitchen.templates.close()

    run(work())


def test_one_whose_credentials_are_too_old_is_made_anew() -> None:
    async def work() -> None:
        kitchen = Kitchen()
        function = await kitchen.made(version="1", snap_start="PublishedVersions")
        kitchen.clock.advance(MAX_AGE_S + 1)
        assert kitchen.templates.of(function) is None
        await until(lambda: kitchen.templates.of(function))
        assert len(kitchen.taken) == 2
        await kitchen.templates.close()

    run(work())


def test_a_change_drops_latest_and_keeps_what_is_published() -> None:
    async def work() -> None:
        kitchen = Kitchen()
        latest, published = await kitchen.made(), await kitchen.made(version="1")
        kitchen.templates.retire("us-east-1", "hello")
        await until(lambda: kitchen.templates.of(latest) is None)
        assert kitchen.templates.of(published)
        kitchen.gone.add("hello")
        kitchen.templates.retire("us-east-1", "hello")
        await until(lambda: kitchen.templates.of(published) is None)
        await kitchen.templates.close()

    run(work())


@pytest.mark.parametrize("error", [SnapshotRefusedError("2 threads run"), SnapshotInitError("FunctionError", "no")])
def test_what_cannot_be_a_template_is_not_tried_again_and_says_why(error: Exception) -> None:
    async def work() -> None:
        kitchen = Kitchen()
        kitchen.error = error
        kitchen.templates.consider(a_function(), WORTH_INIT_MS, lambda: None)
        await until(lambda: kitchen.templates.refusal(a_function()))
        kitchen.templates.consider(a_function(), WORTH_INIT_MS, lambda: None)
        await asyncio.sleep(0)
        assert kitchen.taken == ["hello"]

    run(work())


def test_memory_that_is_short_takes_the_least_recently_used() -> None:
    async def work() -> None:
        kitchen = Kitchen()
        function = await kitchen.made()
        assert kitchen.templates.make_room()
        assert not kitchen.templates.make_room()
        assert kitchen.templates.of(function) is None

    run(work())


def test_after_a_restart_as_many_are_made_again_as_there_is_room_for() -> None:
    async def work() -> None:
        kitchen = Kitchen(budget_mb=2.5)
        kitchen.templates.resume([a_function(name=name, snap_start="PublishedVersions") for name in ("a", "b", "c")])
        await until(lambda: not kitchen.templates._tasks)
        assert kitchen.taken == [each.function for each in kitchen.templates.views] == ["a", "b"]

    run(work())


def test_one_that_cannot_be_made_again_is_not_in_the_way_of_others() -> None:
    async def work() -> None:
        kitchen = Kitchen()
        kitchen.error = SnapshotRefusedError("threads")
        functions = [a_function(name=name, snap_start="PublishedVersions") for name in ("a", "b")]
        kitchen.templates.resume(functions)
        await until(lambda: len(kitchen.taken) == 2)
        assert kitchen.templates.refusal(functions[0]) == "threads"

    run(work())
