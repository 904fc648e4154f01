"""The durable queue, on both engines, with environments that are idle and with such as have to be waited for."""

import asyncio
import errno
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from fakes.async_queue import ACCOUNT, QueueBench, ScriptedInvoker, failed, queue_bench, ran
from fakes.loop import on_loop, until
from stoker.deliveries.leased_work import AHEAD, LEASE_S, RENEW_S, SETTLE_AGAIN_S, SMALL_BYTES, Lease
from stoker.deliveries.pacing import Pacing
from stoker.invocations.event_rows import EventTable
from stoker.model.errors import ResourceNotFoundException, TooManyRequestsException
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.store.tables_async import async_events

OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:results"


@pytest.fixture(params=["cold", "warm"], autouse=True)
def environments(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedInvoker, "warm", request.param == "warm")


@on_loop
async def test_an_accepted_event_runs_with_the_id_that_its_caller_was_told(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        request_id = await bench.accept(b'{"a":1}', qualifier="live", client_context="{}", trace_id="Root=7")
        await bench.settled()
        (request,) = bench.invoker.requests
        assert (request.request_id, request.payload, request.qualifier) == (request_id, b'{"a":1}', "live")
        assert (request.client_context, request.trace_id) == ("{}", "Root=7")


@on_loop
async def test_an_event_is_on_the_disk_before_its_caller_is_told(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.go.clear()
        request_id = await bench.accept()
        assert [event.request_id for event in await bench.events()] == [request_id]
        bench.invoker.go.set()


@on_loop
async def test_one_who_does_not_wait_is_told_of_an_event_once_it_is_on_the_disk(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.go.clear()
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        request = InvokeRequest(region="us-east-1", function="hello", qualifier=None, payload=b"1")
        assert bench.queue.begin(request, told)
        request_id = await told
        assert [event.request_id for event in await bench.events()] == [request_id]
        bench.invoker.go.set()
        await bench.settled()
        bench.invoker.refuses = ResourceNotFoundException()
        assert not bench.queue.begin(request, told)


@on_loop
async def test_a_function_that_is_not_there_accepts_nothing(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.refuses = ResourceNotFoundException()
        with pytest.raises(ResourceNotFoundException):
            await bench.accept()
        assert await bench.events() == []


@on_loop
async def test_a_function_error_is_tried_again_at_its_time_and_not_before(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.script = failed
        request_id = await bench.accept()
        await bench.waiting(attempts=1, due_at=bench.clock.time() + 60)
        bench.clock.advance(59)
        await asyncio.sleep(0.02)
        assert len(bench.invoker.requests) == 1
        bench.clock.advance(1)
        await bench.waiting(attempts=2, due_at=bench.clock.time() + 120)
        bench.clock.advance(120)
        await bench.settled()
        assert [request.request_id for request in bench.invoker.requests] == [request_id] * 3


@on_loop
async def test_a_throttled_event_waits_longer_each_time_and_then_runs(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.script = lambda request: TooManyRequestsException()
        await bench.accept()
        for backoffs, wait in enumerate((1, 2, 4), 1):
            await bench.waiting(backoffs=backoffs, attempts=0, due_at=bench.clock.time() + wait)
            if backoffs == 3:
                bench.invoker.script = ran
            bench.clock.advance(wait)
        await bench.settled()
        assert len(bench.invoker.requests) == 4


@on_loop
async def test_a_fault_of_ours_is_tried_again(store_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.script = lambda request: RuntimeError("no sandbox to be had")
        await bench.accept()
        await bench.waiting(backoffs=1)
        assert "no sandbox to be had" in caplog.text
        bench.invoker.script = ran
        bench.clock.advance(1)
        await bench.settled()


@on_loop
async def test_events_run_in_the_order_in_which_they_are_due(store_url: str) -> None:
    async with queue_bench(store_url, pacing=Pacing(most=1, young=1)) as bench:
        payloads = [b"%d" % number for number in range(20)]
        for payload in payloads:
            await bench.accept(payload)
            bench.clock.advance(0.001)
        await bench.settled()
        assert bench.invoker.payloads == payloads


@pytest.mark.parametrize("size", [1, SMALL_BYTES + 1])
@on_loop
async def test_a_burst_beyond_what_is_held_ahead_runs_whole_and_once(store_url: str, size: int) -> None:
    async with queue_bench(store_url) as bench:
        first = await bench.accept()
        # What is accepted while the start still looks for what there is has to be picked up.
        await bench.settled()
        await until(lambda: not bench.queue._work._claiming)
        bench.invoker.go.clear()
        ids = [first, *await asyncio.gather(*(bench.accept(b"1" * size) for _ in range(4 * AHEAD)))]
        assert len(bench.invoker.requests) <= 101
        held = [event for event in await bench.events() if event.owner is not None]
        # All that fits is held, unless others could do it meanwhile.
        holds_all = size <= SMALL_BYTES and not bench.store.is_shared
        assert (len(held) == 4 * AHEAD) == holds_all
        assert holds_all or len(held) <= 2 * AHEAD + 100
        bench.invoker.go.set()
        await bench.settled()
        assert sorted(str(request.request_id) for request in bench.invoker.requests) == sorted(ids)


@on_loop
async def test_a_success_is_told_to_its_destination_by_another_event(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        await bench.configure(on_success=OTHER)
        request_id = await bench.accept()
        await until(lambda: len(bench.invoker.requests) == 2)
        told = bench.invoker.requests[1]
        assert (told.function, json.loads(told.payload)["requestContext"]["requestId"]) == ("other", request_id)
        assert told.request_id != request_id
        await bench.settled()
        assert len(bench.invoker.requests) == 2


@on_loop
async def test_a_failure_without_retries_is_told_at_once(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        await bench.configure(retry_attempts=0, on_failure=OTHER)
        bench.invoker.script = lambda request: failed(request) if request.function == "hello" else ran(request)
        await bench.accept()
        await bench.settled()
        _, told = bench.invoker.requests
        assert json.loads(told.payload)["requestContext"]["condition"] == "RetriesExhausted"


@on_loop
async def test_a_stopped_functions_event_goes_to_its_failure_destination_unrun(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.stopped.add("hello")
        await bench.configure(on_failure=OTHER)
        await bench.accept()
        await bench.settled()
        (told,) = bench.invoker.requests
        assert json.loads(told.payload)["requestContext"]["condition"] == "ZeroReservedConcurrency"


@on_loop
async def test_after_a_crash_what_ran_runs_again_and_attempts_are_remembered(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.script = failed
        request_id = await bench.accept()
        await bench.waiting(attempts=1)
        bench.invoker.go.clear()
        bench.clock.advance(60)
        await until(lambda: len(bench.invoker.requests) == 2)
        await bench.crash()
        bench.new()
        bench.invoker.script = failed
        await bench.queue.start()
        await bench.waiting(attempts=2, request_id=request_id)
        assert len(bench.invoker.requests) == 1


@on_loop
async def test_after_a_crash_what_was_settled_does_not_run_again(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        await bench.accept()
        await bench.settled()
        await bench.crash()
        bench.new()
        await bench.queue.start()
        await bench.accept(b"2")
        await bench.settled()
        assert bench.invoker.payloads == [b"2"]


@on_loop
async def test_another_stoker_takes_over_only_when_the_lease_has_ended(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.go.clear()
        await bench.accept()
        await bench.crash()
        bench.new(owner="elsewhere")
        await bench.queue.start()
        await asyncio.sleep(0.02)
        assert bench.invoker.requests == []
        bench.clock.advance(LEASE_S)
        await bench.settled()
        assert len(bench.invoker.requests) == 1


@on_loop
async def test_a_long_run_keeps_its_lease_and_runs_once(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.go.clear()
        await bench.accept()
        await until(lambda: len(bench.invoker.requests) == 1)
        for _ in range(6):
            due = (await bench.events())[0].due_at
            bench.clock.advance(RENEW_S)
            while (await bench.events())[0].due_at == due:  # noqa: ASYNC110 - the database does not signal
                await asyncio.sleep(0.001)
        bench.invoker.go.set()
        await bench.settled()
        assert len(bench.invoker.requests) == 1


@on_loop
async def test_a_renewal_that_comes_late_does_not_take_back_what_is_settled(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.script = failed
        request_id = await bench.accept()
        waiting = await bench.waiting(attempts=1)
        lease = Lease(owner="here", until=bench.clock.time() + LEASE_S)
        await bench.store.write(lambda conn: EventTable().renew(conn, [request_id], lease))
        assert await bench.events() == [waiting]


@on_loop
async def test_a_deleted_functions_events_neither_run_nor_are_told(store_url: str) -> None:
    async with queue_bench(store_url, pacing=Pacing(most=1, young=1)) as bench:
        await bench.configure(on_success=OTHER)
        bench.invoker.go.clear()
        await asyncio.gather(bench.accept(), bench.accept())
        await until(lambda: len(bench.invoker.requests) == 1)
        await bench.store.write(lambda conn: conn.execute(sa.delete(async_events)).close())
        bench.queue.let_go("us-east-1", "hello")
        bench.invoker.go.set()
        await bench.accept(function="third")
        await bench.settled()
        assert [request.function for request in bench.invoker.requests] == ["hello", "third"]


@on_loop
async def test_a_changed_function_still_runs_what_waits(store_url: str) -> None:
    async with queue_bench(store_url, pacing=Pacing(most=1, young=1)) as bench:
        bench.invoker.go.clear()
        await asyncio.gather(bench.accept(b"1"), bench.accept(b"2"))
        await until(lambda: len(bench.invoker.requests) == 1)
        bench.queue.let_go("us-east-1", "hello")
        bench.invoker.go.set()
        await bench.settled()
        assert sorted(bench.invoker.payloads) == [b"1", b"2"]


@on_loop
async def test_a_function_that_is_deleted_or_changes_with_a_thousand_events_leaves_them_to_be_picked_up(
    store_url: str,
) -> None:
    async with queue_bench(store_url, pacing=Pacing(most=1, young=1)) as bench:
        bench.invoker.go.clear()
        ids = await asyncio.gather(*(bench.accept(b"%d" % number) for number in range(4 * AHEAD)))
        bench.queue.let_go("us-east-1", "hello")
        bench.queue._work._pacing = Pacing(most=100, young=100)
        bench.invoker.go.set()
        await bench.settled()
        assert sorted(str(request.request_id) for request in bench.invoker.requests) == sorted(ids)


@on_loop
async def test_stopping_finishes_what_runs_and_begins_nothing(store_url: str) -> None:
    async with queue_bench(store_url, pacing=Pacing(most=1, young=1)) as bench:
        bench.invoker.go.clear()
        await asyncio.gather(bench.accept(b"1"), bench.accept(b"2"))
        await until(lambda: len(bench.invoker.requests) == 1)
        closing = asyncio.create_task(bench.queue.close(limit_s=5.0))
        await asyncio.sleep(0)
        bench.invoker.go.set()
        await closing
        assert len(bench.invoker.requests) == 1
        assert len(await bench.events()) == 1


@on_loop
async def test_what_ends_after_the_queue_was_closed_runs_again_after_the_next_start(store_url: str) -> None:
    async with queue_bench(store_url) as bench:
        bench.invoker.go.clear()
        await bench.accept(b"1")
        await until(lambda: len(bench.invoker.requests) == 1)
        await bench.queue.close(limit_s=0.0)
        bench.invoker.go.set()
        await asyncio.gather(*bench.invoker.begun)
        assert len(await bench.events()) == 1
        bench.new()
        await bench.queue.start()
        await bench.settled()
        assert bench.invoker.payloads == [b"1"]


async def runs_into_a_full_disk(bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """An event runs and no write succeeds until `monkeypatch.undo`; what comes back grows with each that was tried."""
    bench.invoker.go.clear()
    await bench.accept(b"1")
    await until(lambda: bench.invoker.requests)
    tried: list[int] = []

    async def full(_work: Callable[[sa.Connection], Any], *, relaxed: bool = False) -> Any:
        tried.append(len(tried))
        raise OSError(errno.ENOSPC, "the disk is full")

    monkeypatch.setattr(bench.store, "write", full)
    return tried


@on_loop
async def test_what_ran_while_the_disk_was_full_is_settled_once_there_is_room_and_does_not_run_again(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with queue_bench(store_url) as bench:
        tried = await runs_into_a_full_disk(bench, monkeypatch)
        bench.invoker.go.set()
        for times in (1, 2):
            await until(lambda: len(tried) == times)  # noqa: B023
            await until(lambda: bench.clock.next_in() <= SETTLE_AGAIN_S)
            bench.clock.advance(SETTLE_AGAIN_S)
        await until(lambda: len(tried) == 3)
        await until(lambda: bench.clock.next_in() <= SETTLE_AGAIN_S)
        monkeypatch.undo()
        bench.clock.advance(SETTLE_AGAIN_S)
        await bench.settled()
        assert bench.invoker.payloads == [b"1"]


@on_loop
async def test_who_stops_while_the_disk_is_full_does_not_wait_for_room(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with queue_bench(store_url) as bench:
        tried = await runs_into_a_full_disk(bench, monkeypatch)
        closing = asyncio.create_task(bench.queue.close(limit_s=3600.0))
        await asyncio.sleep(0)
        bench.invoker.go.set()
        await asyncio.wait_for(closing, 60)
        assert tried
        monkeypatch.undo()
        assert len(await bench.events()) == 1


def waits_for_the_disk(bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each write from now on whether it does."""
    waits: list[bool] = []
    write = bench.store.write

    async def noted(work: Callable[[sa.Connection], Any], *, relaxed: bool = False) -> Any:
        waits.append(not relaxed)
        return await write(work, relaxed=relaxed)

    monkeypatch.setattr(bench.store, "write", noted)
    return waits


@pytest.mark.parametrize(
    ("config", "script", "waits"),
    [
        ({}, ran, [False, True]),
        ({"on_success": TOPIC}, ran, [True, True]),
        ({"retry_attempts": 0}, failed, [True, True]),
        ({}, failed, [True, True]),
    ],
)
@on_loop
async def test_a_success_that_nobody_is_told_of_waits_for_the_disk_with_the_last_of_those_under_way(
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
    config: dict[str, Any],
    script: Callable[[InvokeRequest], InvocationResult],
    waits: list[bool],
) -> None:
    async with queue_bench(store_url, pacing=Pacing(most=1, young=1)) as bench:
        await bench.configure(**config)
        bench.invoker.go.clear()
        await asyncio.gather(bench.accept(), bench.accept())
        seen = waits_for_the_disk(bench, monkeypatch)

        def one_at_a_time(request: InvokeRequest) -> InvocationResult:
            bench.invoker.go.clear()
            return script(request)

        bench.invoker.script = one_at_a_time
        for settled in (1, 2):
            bench.invoker.go.set()
            await until(lambda: len(seen) == settled)  # noqa: B023
        assert seen == waits
