"""The two loops, on a real store, with sources, invokers and clocks that a test drives."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.stream import FakeStream
from stoker.deliveries.delivery import Delivery
from stoker.deliveries.outbox import Outbox
from stoker.deliveries.targets import Targets
from stoker.event_sources.checkpoints import Checkpoints
from stoker.event_sources.mapping import Mapping, Options
from stoker.event_sources.poller import Record
from stoker.event_sources.queue_loop import QueueLoop
from stoker.event_sources.shards import Shard
from stoker.event_sources.stream_loop import StreamLoop
from stoker.model.arn import FunctionId
from stoker.model.errors import TooManyRequestsException
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.store.store import Store, open_store

QUEUE = "arn:aws:sqs:us-east-1:000000000000:lost"


def mapping(**options: Any) -> Mapping:
    return Mapping(
        uuid="u-1",
        function=FunctionId(account="000000000000", region="us-east-1", name="f"),
        qualifier=None,
        source_arn="arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s",
        options=Options(**{"starting_position": "TRIM_HORIZON", **options}),
        state="Enabled",
        modified=0.0,
    )


class Function:
    """Keeps the events that it got; `answer` says what it makes of each, and `gate` keeps it running."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], object] = lambda _event: None
        self.gate: asyncio.Event | None = None

    async def invoke(self, request: InvokeRequest) -> InvocationResult:
        event = json.loads(request.payload)
        self.events.append(event)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answer(event)
        if isinstance(answer, Exception):
            raise answer
        error = "Unhandled" if answer == "error" else None
        return InvocationResult(
            request_id="r", payload=json.dumps(answer).encode(), executed_version="$LATEST", function_error=error
        )

    @property
    def names(self) -> list[list[str]]:
        return [[record["name"] for record in event["Records"]] for event in self.events]


class House:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock(1_000_000.0)
        self.function = Function()
        self.lost: list[Delivery] = []
        self.targets = Targets()
        self.outbox = Outbox(store=store, targets=self.targets, clock=self.clock, owner="me", jitter=lambda: 0.0)

        async def take(delivery: Delivery) -> None:
            self.lost.append(delivery)

        self.targets.register("sqs", take)

    def stream_loop(self, stream: FakeStream, **options: Any) -> StreamLoop:
        made = mapping(**options)
        checkpoints = Checkpoints(made.uuid, self.store, self.outbox, self.clock.time)
        return StreamLoop(made, stream, checkpoints, invoker=self.function, clock=self.clock)

    async def until(self, true: Callable[[], bool]) -> None:
        """Let things happen, and time pass, until something is so."""
        async with asyncio.timeout(90):
            while not true():
                self.clock.advance(0.5)
                await asyncio.sleep(0.002)


@pytest.fixture
def play(tmp_path: Path, empty_store: Path) -> Callable[[Callable[[House], Awaitable[None]]], None]:
    shutil.copy(empty_store, tmp_path / "stoker.db")

    def run(scene: Callable[[House], Awaitable[None]]) -> None:
        async def on_stage() -> None:
            store = await asyncio.to_thread(open_store, f"sqlite:///{tmp_path / 'stoker.db'}")
            house = House(store)
            await house.outbox.start()
            await scene(house)
            await house.outbox.close()
            await store.close()

        asyncio.run(on_stage())

    return run


async def stop(task: "asyncio.Task[None]", loop: Any) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await loop.drain()


Play = Callable[[Callable[[House], Awaitable[None]]], None]


def test_a_stream_is_read_on_from_where_it_was(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="s"))
        await stream.put("s", "a", "b", "c")
        for more in ([], ["d"], ["e", "f"]):
            await stream.put("s", *more)
            loop = house.stream_loop(stream, batch_size=2)
            running = asyncio.create_task(loop.run())
            await house.until(lambda: sum(map(len, house.function.names)) == len(stream.records["s"]))
            await stop_when_remembered(house, running, loop, stream)
        assert house.function.names == [["a", "b"], ["c"], ["d"], ["e", "f"]]

    play(scene)


async def stop_when_remembered(house: House, running: "asyncio.Task[None]", loop: Any, stream: FakeStream) -> None:
    checkpoints = Checkpoints("u-1", house.store, house.outbox, house.clock.time)
    async with asyncio.timeout(90):
        while True:
            known = await checkpoints.load()
            if known["s"].position == str(len(stream.records["s"])):
                break
            await asyncio.sleep(0.002)
    await stop(running, loop)


def test_children_are_read_when_their_parent_is_done(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="p"))
        await stream.put("p", "a", "b")
        await stream.end("p", Shard(id="c", parents=("p",)))
        await stream.put("c", "x")
        loop = house.stream_loop(stream, batch_size=1)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.function.events) == 3)
        await stop(running, loop)
        assert house.function.names == [["a"], ["b"], ["x"]]

    play(scene)


def test_a_poison_record_is_found_by_splitting_and_told_to_the_failure_destination(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="s"))
        await stream.put("s", "a", "bad", "c", "d", at=house.clock.time())
        house.function.answer = lambda event: "error" if any(r["name"] == "bad" for r in event["Records"]) else None
        loop = house.stream_loop(stream, batch_size=4, bisect=True, max_retries=0, on_failure=QUEUE)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.lost) == 1)
        await stop(running, loop)
        assert house.function.names == [["a", "bad", "c", "d"], ["a", "bad"], ["a"], ["bad"], ["c", "d"]]
        told = json.loads(house.lost[0].body)
        assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert told["DDBStreamBatchInfo"]["startSequenceNumber"] == "bad"
        assert told["DDBStreamBatchInfo"]["batchSize"] == 1
        assert told["responseContext"] == {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        }

    play(scene)


def test_a_tumbling_window_hands_its_state_on_and_ends_with_a_last_invocation(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="s"))
        now = house.clock.time()
        start = now // 60 * 60
        house.function.answer = lambda event: {"state": {"n": event["state"].get("n", 0) + len(event["Records"])}}
        await stream.put("s", "a", "b", "c", at=start)
        await stream.put("s", "x", at=start + 60)
        loop = house.stream_loop(stream, batch_size=2, tumbling_s=60)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.function.events) >= 4)
        await stop(running, loop)
        seen = [(event["state"], event["isFinalInvokeForWindow"]) for event in house.function.events[:4]]
        assert seen == [({}, False), ({"n": 2}, False), ({"n": 3}, True), ({}, False)]

    play(scene)


def test_a_mapping_that_begins_at_the_latest_begins_when_it_is_prepared_and_reads_new_shards_whole(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="p"))
        await stream.put("p", "before")
        await house.stream_loop(stream, starting_position="LATEST").prepare()
        # Stoker is killed here, and started again later.
        await stream.put("p", "a")
        await stream.end("p", Shard(id="c", parents=("p",)))
        await stream.put("c", "b")
        loop = house.stream_loop(stream, starting_position="LATEST", batch_size=1)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.function.events) == 2)
        await stop(running, loop)
        assert house.function.names == [["a"], ["b"]]

    play(scene)


def test_what_a_function_does_when_its_mapping_stops_is_remembered(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="s"))
        await stream.put("s", "a", "b")
        loop = house.stream_loop(stream, batch_size=1)
        house.function.gate = asyncio.Event()
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.function.events) == 1)
        running.cancel()
        await asyncio.sleep(0)
        assert not running.done()
        house.function.gate.set()
        await asyncio.wait([running])
        again = house.stream_loop(stream, batch_size=1)
        running = asyncio.create_task(again.run())
        await house.until(lambda: len(house.function.events) == 2)
        await stop(running, again)
        assert house.function.names == [["a"], ["b"]]

    play(scene)


def test_a_mapping_that_waits_to_try_again_stops_at_once(play: Play) -> None:
    async def scene(house: House) -> None:
        stream = FakeStream(Shard(id="s"))
        await stream.put("s", "a")
        house.function.answer = lambda _event: "error"
        loop = house.stream_loop(stream)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.function.events) == 2)
        await stop(running, loop)
        house.function.answer = lambda _event: None
        again = house.stream_loop(stream)
        running = asyncio.create_task(again.run())
        await house.until(lambda: len(house.function.events) == 3)
        await stop(running, again)
        assert house.function.names == [["a"]] * 3

    play(scene)


class Inbox:
    """A source that is settled one by one."""

    def __init__(self, *names: str) -> None:
        self.waiting = [Record(id=name, event=json.dumps({"name": name}).encode(), view={}) for name in names]
        self.done: list[str] = []
        self.failed: list[str] = []

    async def receive(self, most: int, wait_s: float | None) -> Sequence[Record]:
        if not self.waiting:
            await asyncio.Event().wait()
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        return taken

    async def settle(self, done: Sequence[Record], failed: Sequence[Record]) -> None:
        self.done += [record.id for record in done]
        self.failed += [record.id for record in failed]

    async def close(self) -> None: ...


def test_a_throttled_function_is_tried_again_with_the_same_batch(play: Play) -> None:
    async def scene(house: House) -> None:
        inbox = Inbox("a", "b")
        answers: list[object] = [TooManyRequestsException(), TooManyRequestsException(), None]
        house.function.answer = lambda _event: answers.pop(0)
        loop = QueueLoop(mapping(), inbox, invoker=house.function, clock=house.clock)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: bool(inbox.done))
        await stop(running, loop)
        assert (house.function.names, inbox.done, inbox.failed) == ([["a", "b"]] * 3, ["a", "b"], [])

    play(scene)


def test_what_runs_when_a_mapping_ends_is_settled(play: Play) -> None:
    async def scene(house: House) -> None:
        inbox = Inbox("a")
        loop = QueueLoop(mapping(), inbox, invoker=house.function, clock=house.clock)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: bool(house.function.events))
        await stop(running, loop)
        assert inbox.done == ["a"]

    play(scene)


def test_what_cannot_run_when_a_mapping_ends_is_given_back_at_once(play: Play) -> None:
    async def scene(house: House) -> None:
        inbox = Inbox("a")
        house.function.answer = lambda _event: TooManyRequestsException()
        loop = QueueLoop(mapping(), inbox, invoker=house.function, clock=house.clock)
        running = asyncio.create_task(loop.run())
        await house.until(lambda: len(house.function.events) == 2)
        await asyncio.wait_for(stop(running, loop), 60)
        assert (inbox.done, inbox.failed) == ([], ["a"])

    play(scene)


def test_a_source_that_does_not_wait_keeps_nobody_else_from_running(play: Play) -> None:
    class Closing(Inbox):
        async def receive(self, most: int, wait_s: float | None) -> Sequence[Record]:
            self.asked += 1
            assert self.asked < 100, "asked again without a turn of the event loop"
            return []

        asked = 0

    async def scene(house: House) -> None:
        loop = QueueLoop(mapping(), Closing(), invoker=house.function, clock=house.clock)
        running = asyncio.create_task(loop.run())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not running.done()
        await stop(running, loop)

    play(scene)
