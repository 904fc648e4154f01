"""Processes that do what no runtime does: their own invocation fails, nothing else happens."""

import asyncio
import contextlib
import json
import os
import random

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, echo
from stoker.bootstrap.frames import HEADER, NEXT, RESPONSE, encode
from stoker.environments.output import READ_BYTES
from stoker.sandbox.driver import ExitStatus


async def closes_its_channel(process: FakeProcess) -> None:
    process.channel.shutdown(2)


async def talks_garbage(process: FakeProcess) -> None:
    # The same in each run: one in 256 begins as an answer that is too large, which has an end of its own.
    await process.send(random.Random(4).randbytes(4096))


async def sends_a_giant_frame(process: FakeProcess) -> None:
    await process.send(HEADER.pack(0xFFFFFFFF, 2, RESPONSE))


async def answers_for_another(process: FakeProcess) -> None:
    await process.respond("r-999", b"1")


async def asks_without_answering(process: FakeProcess) -> None:
    await process.send(encode(NEXT))


@pytest.mark.parametrize(
    "act", [closes_its_channel, talks_garbage, sends_a_giant_frame, answers_for_another, asks_without_answering]
)
def test_a_process_that_breaks_the_protocol_loses_its_invocation_and_its_life(act) -> None:  # type: ignore[no-untyped-def]
    async def hostile(process: FakeProcess) -> None:
        await process.next()
        await process.event()
        await act(process)

    @on_loop
    async def scenario() -> None:
        bench = FleetBench(hostile, echo)
        answer = bench.invoke()
        await bench.pass_time(until=answer.done)
        assert json.loads((await answer).payload) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: r-1 Error: Runtime exited without providing a reason",
        }
        await until(lambda: bench.driver.sandboxes[0].closed)
        assert (await bench.invoke(b"2")).payload == b"2"

    scenario()


@on_loop
async def test_a_second_answer_does_not_reach_the_next_caller() -> None:
    async def answers_twice(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        await process.send(encode(RESPONSE, {"id": meta["id"]}, b"1") + encode(RESPONSE, {"id": meta["id"]}, b"evil"))

    bench = FleetBench(answers_twice, echo)
    assert (await bench.invoke()).payload == b"1"
    assert (await bench.invoke(b"2")).payload == b"2"
    await until(lambda: bench.driver.sandboxes[0].closed)


@on_loop
async def test_an_answer_over_the_limit_is_an_error_of_the_function() -> None:
    async def boasts(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        await process.respond(meta["id"], b"x" * 6_291_557)

    bench = FleetBench(boasts, echo)
    result = await bench.invoke()
    assert result.function_error == "Unhandled"
    assert json.loads(result.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    assert (await bench.invoke(b"2")).payload == b"2"
    await until(lambda: bench.driver.sandboxes[0].closed)


@on_loop
async def test_a_child_that_keeps_the_pipe_open_does_not_hold_up_the_end() -> None:
    async def leaves_a_child(process: FakeProcess) -> None:
        await process.next()
        await process.event()
        process.print("bye\n")
        process.exit(ExitStatus(code=5), child_stays=True)

    bench = FleetBench(leaves_a_child)
    result = await bench.invoke()
    assert b"exit status 5" in result.payload
    assert "bye\n" in bench.telemetry.lines
    await until(lambda: not bench.driver.live)


@on_loop
async def test_a_child_that_goes_on_writing_does_not_keep_an_invocation_from_ending() -> None:
    async def flood(process: FakeProcess) -> None:
        os.set_blocking(process.stdout, False)
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(process.stdout, b"spam\n" * 4096)
            await asyncio.sleep(0)

    async def floods(process: FakeProcess) -> None:
        await process.next()
        child = asyncio.ensure_future(flood(process))
        meta, _ = await process.event()
        await asyncio.sleep(0.02)
        await process.respond(meta["id"], b"1")
        try:
            await asyncio.Event().wait()
        finally:
            child.cancel()

    bench = FleetBench(floods)
    assert (await bench.invoke()).payload == b"1"
    assert "spam\n" in bench.telemetry.lines
    await bench.fleet.close()


@on_loop
async def test_a_flood_of_log_lines_leaves_others_their_turns() -> None:
    async def floods(process: FakeProcess) -> None:
        os.set_blocking(process.stdout, False)
        await process.next()
        await process.event()
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(process.stdout, b"\n" * 65536)
            await asyncio.sleep(0)

    bench = FleetBench(floods, echo)
    bench.invoke()
    await until(lambda: bench.telemetry.lines[-1:] == ["\n"])
    for _ in range(5):
        assert (await bench.invoke(b"2", a_function(name="neighbour"))).payload == b"2"
    assert max(len(events) for _, events, _ in bench.telemetry.appends) <= READ_BYTES + 2
    await bench.shut_down()


@on_loop
async def test_a_10_mb_line_becomes_events_of_256_kb() -> None:
    async def prints(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        line = b"x" * 10_000_000 + b"\n"
        await asyncio.to_thread(write_all, process.stdout, line)
        await process.respond(meta["id"], b"1")

    bench = FleetBench(prints)
    await bench.invoke()
    parts = [line for line in bench.telemetry.lines if line.startswith("x")]
    assert sum(len(part) - 1 for part in parts) == 10_000_000
    assert max(len(part) - 1 for part in parts) == 262_144


def write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
