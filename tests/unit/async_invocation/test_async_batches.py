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

    async def write(self, items: Sequence[int]) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise OSError("no space left")
        self.batches.append(list(items))


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
async def test_a_caller_who_left_disturbs_nobody() -> None:
    disk = Disk()
    batches = WriteBatches(disk.write, most=10)
    left, stayed = batches.add(1), batches.add(2)
    left.cancel()
    await stayed
    with pytest.raises(asyncio.CancelledError):
        await left
    assert disk.batches == [[1, 2]]
