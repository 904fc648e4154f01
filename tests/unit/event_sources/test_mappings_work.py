"""Mappings come to what they are told, whatever fails on the way."""

import asyncio
from collections.abc import Callable

from fakes.clock import FakeClock
from fakes.loop import on_loop, until
from stoker.event_sources.mapping import Mapping, Options
from stoker.event_sources.work import RETRY_S, Loop, Work
from stoker.model.arn import FunctionId

MAPPING = Mapping(
    uuid="u-1",
    function=FunctionId(account="000000000000", region="us-east-1", name="f"),
    qualifier=None,
    source_arn="arn:aws:sqs:us-east-1:000000000000:q",
    options=Options(),
    state="Creating",
    modified=0.0,
)


class FakeLoop:
    """Runs until it is cancelled, or told to fail."""

    def __init__(self) -> None:
        self.fault: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        await self.fault

    async def drain(self) -> None: ...


class House:
    """`broken` says what is away."""

    def __init__(self) -> None:
        self.clock, self.broken = FakeClock(), ""
        self.loops: list[FakeLoop] = []
        self.settled: list[str] = []
        self.told: list[str] = []
        self.work = Work(self.open, self.clock)
        self.work.on_settled(self.settle)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: self.told.append(context["message"]))

    async def open(self, _mapping: Mapping, _tell: Callable[[str], None]) -> Loop:
        if self.broken == "source":
            raise OSError("the source is away")
        self.loops.append(FakeLoop())
        return self.loops[-1]

    async def settle(self, mapping: Mapping) -> None:
        if self.broken == "store":
            raise OSError("the disk is full")
        self.settled.append(mapping.uuid)


@on_loop
async def test_one_that_could_not_be_begun_or_written_down_is_begun_later() -> None:
    for broken in ("source", "store"):
        house = House()
        house.broken = broken
        house.work.apply(MAPPING)
        await until(lambda house=house: house.told == ["failed: change mapping u-1"])
        assert house.settled == []
        house.broken = ""
        house.clock.advance(RETRY_S)
        await until(lambda house=house: house.settled == ["u-1"])
        assert not house.loops[-1].fault.cancelled()
        await house.work.close()
        assert house.loops[-1].fault.cancelled()


@on_loop
async def test_a_loop_that_ends_by_a_fault_of_ours_is_told_and_begun_again() -> None:
    house = House()
    house.work.apply(MAPPING)
    await until(lambda: house.settled == ["u-1"])
    house.loops[0].fault.set_exception(RuntimeError("a mistake of ours"))
    await until(lambda: house.told == ["failed: mapping u-1"])
    house.clock.advance(RETRY_S)
    await until(lambda: len(house.loops) == 2 and len(house.settled) == 2)
    await house.work.close()
    assert house.loops[1].fault.cancelled()
