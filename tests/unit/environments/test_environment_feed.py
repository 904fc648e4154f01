"""What those who watch environments get to see."""

import asyncio

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.sandbox import FakeProcess, echo
from stoker.bootstrap.frames import IMPORT, encode
from stoker.environments.feed import MOST_UNSEEN, Feed, Watcher
from stoker.environments.idleness import SETTLE_AFTER_S


@on_loop
async def test_a_cold_start_is_told_with_its_phases_and_a_warm_one_not_at_all() -> None:
    async def slow(process: FakeProcess) -> None:
        bench.clock.advance(0.25)
        await echo(process)

    bench = FleetBench(slow)
    heard = []
    bench.fleet.feed.listen(heard.append)
    await bench.invoke()
    await bench.invoke()
    (start,) = heard
    assert [(phase.name, phase.ms) for phase in start.phases] == [("sandbox", 0.0), ("runtime", 250.0)]
    assert (start.function, start.version, start.kind, start.failed) == ("hello", "$LATEST", "on-demand", False)
    assert list(bench.fleet.feed.starts) == heard


@on_loop
async def test_a_runtime_that_says_when_it_imports_splits_its_init() -> None:
    async def tells(process: FakeProcess) -> None:
        bench.clock.advance(0.04)
        await process.send(encode(IMPORT))
        await until(lambda: any(each.view().state == "import" for each in bench.fleet.environments))
        bench.clock.advance(0.2)
        await echo(process)

    bench = FleetBench(tells)
    await bench.invoke()
    (start,) = bench.fleet.feed.starts
    assert [(phase.name, phase.ms) for phase in start.phases] == [
        ("sandbox", 0.0),
        ("runtime", 40.0),
        ("import", 200.0),
    ]


@on_loop
async def test_who_tells_of_an_import_in_the_middle_of_work_is_ended() -> None:
    async def lies(process: FakeProcess) -> None:
        await process.next()
        await process.event()
        await process.send(encode(IMPORT))

    bench = FleetBench(lies)
    answer = bench.invoke()
    await bench.pass_time(answer.done)
    assert (await answer).function_error == "Unhandled"


@on_loop
async def test_an_environment_is_seen_running_warm_frozen_with_the_time_it_has_left_and_gone() -> None:
    bench = FleetBench(keep_warm_s=10.0)
    with bench.fleet.feed.watch() as watcher:
        answer = bench.invoke()
        seen = await _last_seen(watcher, "running")
        await answer
        warm = await _last_seen(watcher, "warm")
        assert (warm.number, warm.invocations, warm.until) == (seen.number, 1, bench.clock.time() + 10.0)
        bench.clock.advance(SETTLE_AFTER_S)
        await _last_seen(watcher, "frozen")
        bench.clock.advance(10.0)
        await _last_seen(watcher, "gone")


@on_loop
async def test_nothing_is_kept_for_those_who_do_not_watch() -> None:
    bench = FleetBench()
    with bench.fleet.feed.watch():
        assert bench.fleet.feed.watched
    assert not bench.fleet.feed.watched
    await bench.invoke()
    assert repr(bench.fleet.feed) == "<Feed 0 watching, 1 starts>"


@on_loop
async def test_one_who_looks_away_is_told_to_look_at_everything() -> None:
    feed = Feed()
    with feed.watch() as watcher:
        for number in range(MOST_UNSEEN + 2):
            feed.mark(_Numbered(number))
        assert await watcher.changed() is None
        feed.mark(_Numbered(1))
        assert [each.number for each in await watcher.changed() or []] == [1]


class _Numbered:
    def __init__(self, number: int) -> None:
        self.number = number

    def view(self):  # type: ignore[no-untyped-def]
        raise AssertionError


async def _last_seen(watcher: Watcher, state: str):  # type: ignore[no-untyped-def]
    async with asyncio.timeout(60):
        while True:
            for environment in await watcher.changed() or []:
                if (view := environment.view()).state == state:
                    return view
            await until(lambda: True)
