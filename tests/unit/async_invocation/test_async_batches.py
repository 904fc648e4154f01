"""Writes that callers share."""

import asyncio
from collections.abc import Sequence

import pytest

from fakes.loop import on_loop
from stoker.deliveries.write_batches import WriteBatches


class Disk:
    """Takes batches; `full` fails them."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.full = False
        self.turns = 1
        self._written = asyncio.Event()

    async def write(self, items: Sequence[int]) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.full:
            raise OSError("no space left")
        self.batches.append(list(items))
        self._written.set()

    async def until(self, count: int) -> None:
        while len(self.batches) < count:
            self._written.clear()
            await self._written.wait()


@on_loop
async def test_what_comes_during_a_write_shares_the_next_one() -> None:
    disk = Disk()
    batches = WriteBatches(disk.write, most=10)
    first = batches.add(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, *(batches.add(number) for number in range(1, 6)))
    assert disk.batches == [[0], [1, 2, 3, 4, 5]]


@on_loop
async def test_a_batch_has_an_end() -> None:
    disk = Disk()
    batches = WriteBatches(disk.write, most=3)
    await asyncio.gather(*(batches.add(number) for number in range(7)))
    assert disk.batches == [[0, 1, 2], [3, 4, 5], [6]]


@on_loop
async def test_everybody_hears_of_a_write_that_failed_and_the_next_one_is_tried() -> None:
    disk = Disk()
    batches = WriteBatches(disk.write, most=10)
    disk.full = True
    outcomes = await asyncio.gather(batches.add(1), batches.add(2), return_exceptions=True)
    assert [type(each) for each in outcomes] == [OSError, OSError]
    disk.full = False
    await batches.add(3)
    assert disk.batches == [[3]]


@on_loop
async def test_one_who_cannot_be_told_keeps_nobody_else_from_it() -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
    disk = Disk()
    batches = WriteBatches(disk.write, most=10)
    gone = ConnectionResetError()

    def told(_error: BaseException | None) -> None:
        raise gone

    batches.put(1, told)
    await batches.add(2)
    await batches.add(3)
    assert (disk.batches, faults) == ([[1, 2], [3]], [gone])


@on_loop
async def test_a_caller_who_left_disturbs_nobody() -> None:
    disk = Disk()
    batches = WriteBatches(disk.write, most=10)
    left, stayed = batches.add(1), batches.add(2)
    left.cancel()
    await stayed
    with pytest.raises(asyncio.CancelledError):
        await left
    assert disk.batches == [[1, 2]]


@on_loop
async def test_callers_who_come_again_share_each_write_and_do_not_fall_into_two_halves() -> None:
    async def batches_of_callers(**patience: float) -> list[list[int]]:
        disk = Disk()
        disk.turns = 50
        batches = WriteBatches(disk.write, most=10, **patience)

        async def call(number: int) -> None:
            while True:
                await batches.add(number)
                for _ in range(10):
                    await asyncio.sleep(0)

        callers = [asyncio.ensure_future(call(0))]
        await asyncio.sleep(0)
        callers += [asyncio.ensure_future(call(number)) for number in range(1, 4)]
        await disk.until(6)
        for caller in callers:
            caller.cancel()
        return [sorted(batch) for batch in disk.batches[:6]]

    assert [0, 1, 2, 3] not in await batches_of_callers(patience=0.0)
    assert await batches_of_callers(patience=1e9, longest_wait_s=60.0) == [[0], *[[0, 1, 2, 3]] * 5]
