"""What is made ahead: there at once, remade in a lull, more of it after a burst."""

import asyncio
import logging

import pytest

from stoker.sandbox import reserve
from stoker.sandbox.reserve import Reserve


class Workshop:
    """Makes numbers, and remembers which were taken apart."""

    def __init__(self) -> None:
        self.made = 0
        self.discarded: list[int] = []
        self.broken: set[int] = set()

    async def make(self) -> int:
        self.made += 1
        return self.made

    async def discard(self, item: int) -> None:
        self.discarded.append(item)

    def reserve(self, *, low: int = 1, high: int = 8) -> Reserve[int]:
        return Reserve(
            "numbers",
            make=self.make,
            discard=self.discard,
            low=low,
            high=high,
            usable=lambda item: item not in self.broken,
            lull_s=0.0,
            lull_each_s=0.0,
        )


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_what_was_taken_is_made_again_behind_the_scenes() -> None:
    async def scenario() -> None:
        workshop = Workshop()
        numbers = workshop.reserve(low=2)
        numbers.fill()
        await settle()
        assert await numbers.take() == 1
        await settle()
        assert repr(numbers) == "<Reserve of numbers: 2 of 2 ready>"
        await numbers.close()

    asyncio.run(scenario())


def test_a_burst_that_finds_none_ready_doubles_what_is_kept_up_to_the_limit() -> None:
    async def scenario() -> None:
        workshop = Workshop()
        numbers = workshop.reserve(low=1, high=8)
        for _ in range(10):
            await numbers.take()
        await settle()
        assert repr(numbers) == "<Reserve of numbers: 8 of 8 ready>"
        await numbers.close()

    asyncio.run(scenario())


def test_who_comes_before_the_first_are_made_is_no_burst() -> None:
    async def scenario() -> None:
        workshop = Workshop()
        numbers = workshop.reserve(low=2, high=8)
        await numbers.take()
        await numbers.take()
        await settle()
        assert repr(numbers) == "<Reserve of numbers: 2 of 2 ready>"
        await numbers.close()

    asyncio.run(scenario())


def test_after_a_calm_what_the_burst_wanted_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(reserve, "CALM_S", 0.0)
        workshop = Workshop()
        numbers = workshop.reserve(low=1, high=8)
        for _ in range(4):
            await numbers.take()
        await settle()
        assert repr(numbers) == "<Reserve of numbers: 1 of 1 ready>"
        await numbers.close()

    asyncio.run(scenario())


def test_one_that_spoiled_is_passed_over_and_taken_apart() -> None:
    async def scenario() -> None:
        workshop = Workshop()
        numbers = workshop.reserve(low=2)
        numbers.fill()
        await settle()
        workshop.broken = {1}
        assert await numbers.take() == 2
        assert workshop.discarded == [1]
        await numbers.close()

    asyncio.run(scenario())


def test_closing_takes_apart_all_that_is_ready_and_makes_no_more() -> None:
    async def scenario() -> None:
        workshop = Workshop()
        numbers = workshop.reserve(low=3)
        numbers.fill()
        await settle()
        await numbers.close()
        assert workshop.discarded == [1, 2, 3]
        await numbers.take()
        await settle()
        assert workshop.made == 4

    asyncio.run(scenario())


@pytest.mark.parametrize(("taken", "shortest_s", "longest_s"), [(1, 1000, 1900), (5, 5000, 5900)])
def test_who_has_taken_many_is_left_alone_for_longer(
    monkeypatch: pytest.MonkeyPatch, taken: int, shortest_s: float, longest_s: float
) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        raise asyncio.CancelledError

    async def scenario() -> None:
        workshop = Workshop()
        numbers = Reserve(
            "numbers",
            make=workshop.make,
            discard=workshop.discard,
            low=5,
            high=8,
            lull_s=100.0,
            lull_each_s=1000.0,
        )
        for _ in range(taken):
            await numbers.take()
        pause = asyncio.sleep
        monkeypatch.setattr(reserve.asyncio, "sleep", rest)
        await pause(0)
        await pause(0)
        monkeypatch.undo()
        await numbers.close()

    asyncio.run(scenario())
    assert len(rests) == 1 and shortest_s < rests[0] < longest_s


def test_only_what_fails_again_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Workshop):
        async def make(self) -> int:
            raise OSError("no room")

    async def scenario() -> None:
        numbers = Broken().reserve()
        for level in (logging.INFO, logging.ERROR, logging.ERROR):
            caplog.clear()
            numbers.fill()
            await settle()
            assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
                (level, "could not make numbers ahead: no room")
            ]
        await numbers.close()

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
