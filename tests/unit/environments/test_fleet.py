"""Many environments together: change, limits, memory, shutdown."""

import asyncio
from dataclasses import replace

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, echo
from stoker.environments.environment import EnvironmentEndedError
from stoker.environments.fleet import FleetClosedError
from stoker.model.errors import TooManyRequestsException


async def answers_on_demand(process: FakeProcess) -> None:
    """Answer each event when the test sets `go`."""
    await process.next()
    while True:
        meta, body = await process.event()
        await go(process).wait()
        await process.respond(meta["id"], body)


def go(process: FakeProcess) -> asyncio.Event:
    return process.__dict__.setdefault("go", asyncio.Event())


@on_loop
async def test_invocations_at_the_same_time_get_environments_of_their_own() -> None:
    bench = FleetBench()
    results = await asyncio.gather(*(bench.invoke(b"%d" % number) for number in range(20)))
    assert [result.payload for result in results] == [b"%d" % number for number in range(20)]
    assert len(bench.driver.sandboxes) == 20
    assert len({stream.stream for stream in bench.telemetry.streams}) == 20


@on_loop
async def test_a_sandbox_is_built_as_the_function_says() -> None:
    bench = FleetBench()
    await bench.invoke(function=a_function(memory_mb=1769, ephemeral_mb=600, code_sha256="c" * 64))
    spec = bench.sandbox.spec
    assert (spec.memory_mb, spec.cpus, spec.ephemeral_mb, spec.handler) == (1769, 1.0, 600, "app.handler")
    assert spec.task_root.name == "c" * 64
    stream = bench.telemetry.streams[0]
    assert (stream.group, stream.region) == ("/aws/lambda/hello", "us-east-1")
    assert stream.stream.startswith("2023/11/14/[$LATEST]")
    assert spec.environment["AWS_LAMBDA_LOG_STREAM_NAME"] == stream.stream
    assert spec.environment["AWS_SESSION_TOKEN"] == "arn:aws:iam::000000000000:role/hello hello"


@on_loop
async def test_one_too_many_is_throttled_as_aws_does() -> None:
    bench = FleetBench(answers_on_demand, concurrency=1)
    answer = bench.invoke()
    with pytest.raises(TooManyRequestsException, match=r"^Rate Exceeded\.$") as throttled:
        bench.invoke()
    assert throttled.value.members["Reason"] == "ConcurrentInvocationLimitExceeded"
    go((await bench.started()).process).set()
    await answer
    assert (await bench.invoke(b"2")).payload == b"2"


@on_loop
async def test_a_change_ends_idle_environments_at_once_and_running_ones_when_they_have_finished() -> None:
    bench = FleetBench(answers_on_demand)
    old = bench.registry.functions["hello"]
    idle, running = bench.invoke(function=old), bench.invoke(function=old)
    await bench.started(2)
    first, second = bench.driver.sandboxes
    go(first.process).set()
    await idle
    bench.registry.change("hello", revision_id="revision-2")
    await until(lambda: first.closed)
    assert not second.closed
    go(second.process).set()
    assert (await running).function_error is None
    await until(lambda: second.closed)


@on_loop
async def test_a_change_leaves_other_functions_alone() -> None:
    bench = FleetBench()
    await bench.invoke(function=a_function(name="other"))
    bench.registry.change("hello")
    assert len(bench.fleet.environments) == 1


@on_loop
async def test_shutdown_waits_for_what_runs_and_takes_no_more() -> None:
    bench = FleetBench(answers_on_demand)
    answer = bench.invoke()
    await bench.started()
    closing = asyncio.create_task(bench.fleet.close())
    await asyncio.sleep(0)
    with pytest.raises(FleetClosedError):
        bench.invoke()
    assert not closing.done()
    go(bench.sandbox.process).set()
    assert (await answer).function_error is None
    await closing
    assert bench.driver.live == []


@on_loop
async def test_shutdown_does_not_wait_for_ever() -> None:
    bench = FleetBench(answers_on_demand)
    answer = bench.invoke()
    await until(lambda: "running" in repr(bench.fleet.environments))
    closing = asyncio.create_task(bench.fleet.close(limit_s=1.0))
    await asyncio.sleep(0)
    bench.clock.advance(1.0)
    await closing
    with pytest.raises(EnvironmentEndedError):
        await answer
    assert bench.driver.live == []


@on_loop
async def test_shutdown_during_an_init_leaves_nothing() -> None:
    async def hangs(process: FakeProcess) -> None:
        await asyncio.Event().wait()

    bench = FleetBench(hangs)
    answer = bench.invoke()
    await until(lambda: "init" in repr(bench.fleet.environments))
    await bench.shut_down()
    assert bench.driver.live == []
    assert isinstance(answer.exception(), EnvironmentEndedError)


@on_loop
async def test_shutdown_while_a_sandbox_is_being_built_leaves_nothing() -> None:
    async def hangs(process: FakeProcess) -> None:
        await asyncio.Event().wait()

    bench = FleetBench(hangs)
    bench.driver.gate = asyncio.Event()
    answer = bench.invoke()
    closing = asyncio.create_task(bench.shut_down())
    await asyncio.sleep(0.01)
    bench.driver.gate.set()
    await closing
    assert len(bench.driver.sandboxes) == 1
    assert bench.driver.live == []
    assert isinstance(answer.exception(), EnvironmentEndedError)


@on_loop
async def test_an_environment_that_cannot_be_taken_down_is_not_passed_over_in_silence() -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    bench = FleetBench(keep_warm_s=1.0)
    await bench.invoke()
    bench.sandbox.broken = "close"
    bench.clock.advance(1.0)
    await until(lambda: complaints)
    assert complaints[0].startswith("failed to close <Environment hello:$LATEST")


@on_loop
async def test_an_old_revision_goes_on_serving_those_that_were_sent_to_it() -> None:
    bench = FleetBench(echo)
    old = bench.registry.functions["hello"]
    new = replace(old, revision_id="revision-2")
    await bench.invoke(function=old)
    await bench.invoke(function=new)
    assert len(bench.fleet.environments) == 2
