"""The life of an environment as its caller and its log see it."""

import asyncio
import json

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, echo
from stoker.bootstrap.frames import EVENT, NEXT, WAKE, WAKES, encode
from stoker.environments.idleness import SETTLE_AFTER_S
from stoker.model.function import LoggingConfig
from stoker.runtime_api import frames
from stoker.sandbox.driver import ExitStatus, SandboxError


@on_loop
async def test_who_would_take_an_invocation_is_woken_for_it_unless_it_is_stopped_or_another_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frames, "PROCESSORS", 2)
    kinds: list[int] = []

    async def waking(process: FakeProcess) -> None:
        await process.send(encode(NEXT, WAKES))
        while True:
            kind, meta, _ = await process.frame()
            kinds.append(kind)
            if kind == EVENT:
                await process.respond(meta["id"], b"1")

    bench = FleetBench(waking)
    await bench.invoke()
    bench.fleet.wake(a_function())
    await bench.invoke()
    assert kinds == [EVENT, WAKE, EVENT]
    running = bench.invoke()
    bench.fleet.wake(a_function())
    await running
    bench.clock.advance(SETTLE_AFTER_S)
    await until(lambda: "freeze" in bench.sandbox.calls)
    bench.fleet.wake(a_function())
    bench.fleet.wake(a_function(name="another"))
    await bench.invoke()
    assert kinds == [EVENT, WAKE, EVENT, EVENT, EVENT]


@on_loop
async def test_a_cold_start_answers_logs_and_bills() -> None:
    bench = FleetBench()
    result = await bench.invoke(b'{"n": 1}')
    assert (result.payload, result.function_error, result.executed_version) == (b'{"n": 1}', None, "$LATEST")
    init, start, end, report = bench.telemetry.lines
    assert init.startswith(
        "INIT_START Runtime Version: python:3.11.v7\tRuntime Version ARN: arn:aws:lambda:us-east-1::"
    )
    assert start == "START RequestId: r-1 Version: $LATEST\n"
    assert end == "END RequestId: r-1\n"
    assert report == (
        "REPORT RequestId: r-1\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 40 MB\tInit Duration: 0.00 ms\t\n"
    )
    assert [entry.request_id for entry in bench.telemetry.ledger] == ["r-1"]


@on_loop
async def test_the_last_lines_and_the_bill_are_kept_in_one_append_before_the_answer() -> None:
    bench = FleetBench()
    answer = bench.invoke()
    await until(answer.done)
    _, events, entry = bench.telemetry.appends[-1]
    assert [event.message.split()[0] for event in events[-2:]] == ["END", "REPORT"]
    assert entry is not None
    assert entry.report.max_memory_mb == 40


@on_loop
async def test_a_warm_invocation_keeps_the_process_and_has_no_init_duration() -> None:
    bench = FleetBench()
    await bench.invoke()
    await bench.invoke()
    assert len(bench.driver.sandboxes) == 1
    assert "Init Duration" not in bench.telemetry.lines[-1]
    assert len(bench.telemetry.streams) == 1


@on_loop
async def test_init_and_duration_are_measured_and_billed_together() -> None:
    async def slow(process: FakeProcess) -> None:
        bench.clock.advance(0.25)
        await process.next()
        meta, _ = await process.event()
        bench.clock.advance(0.1005)
        await process.respond(meta["id"], b"1")

    bench = FleetBench(slow)
    await bench.invoke()
    report = bench.telemetry.ledger[0].report
    assert (round(report.init_ms or 0), round(report.duration_ms, 1), report.billed_ms) == (250, 100.5, 351)


@on_loop
async def test_a_handler_error_is_passed_on_and_the_environment_stays_warm() -> None:
    async def fails_once(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        await process.raise_error(meta["id"], "KeyError", b'{"errorType": "KeyError"}')
        meta, body = await process.event()
        await process.respond(meta["id"], body)

    bench = FleetBench(fails_once)
    failed = await bench.invoke()
    assert (failed.function_error, failed.payload) == ("Unhandled", b'{"errorType": "KeyError"}')
    assert (await bench.invoke(b"2")).payload == b"2"
    assert len(bench.driver.sandboxes) == 1


async def never_answers(process: FakeProcess) -> None:
    await process.next()
    await process.event()


@on_loop
async def test_a_timeout_is_told_as_aws_does_and_the_next_invocation_starts_afresh() -> None:
    bench = FleetBench(never_answers, echo)
    function = a_function(timeout_s=1)
    answer = bench.invoke(function=function)
    await until(lambda: "running" in repr(bench.fleet.environments))
    bench.clock.advance(1.0)
    result = await answer
    assert result.function_error == "Unhandled"
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r-1 Error: Task timed out after 1.00 seconds",
    }
    assert bench.telemetry.lines[-3:][0] == "2023-11-14T22:13:21.000Z r-1 Task timed out after 1.00 seconds\n"
    assert "Duration: 1000.00 ms\tBilled Duration: 1000 ms" in bench.telemetry.lines[-1]
    assert bench.telemetry.lines[-1].endswith("Status: timeout\n")
    assert (await bench.invoke(b"2", function)).payload == b"2"
    await until(lambda: bench.driver.sandboxes[0].closed)


EXITS = {
    "exit status 7": (ExitStatus(code=7), "Runtime exited with error: exit status 7", "Runtime.ExitError"),
    "exit status 0": (ExitStatus(code=0), "Runtime exited without providing a reason", "Runtime.ExitError"),
    "killed": (ExitStatus(signal=9), "Runtime exited with error: signal: killed", "Runtime.ExitError"),
    "segfault": (ExitStatus(signal=11), "Runtime exited with error: signal: segmentation fault", "Runtime.ExitError"),
    "out of memory": (
        ExitStatus(signal=9, out_of_memory=True),
        "Runtime exited with error: signal: killed",
        "Runtime.OutOfMemory",
    ),
}


@pytest.mark.parametrize("case", EXITS)
def test_a_process_that_exits_is_told_with_its_reason_and_replaced(case: str) -> None:
    status, reason, reported = EXITS[case]

    async def exits(process: FakeProcess) -> None:
        await process.next()
        await process.event()
        process.print("last words\n")
        process.exit(status)

    @on_loop
    async def scenario() -> None:
        bench = FleetBench(exits, echo)
        result = await bench.invoke()
        message = f"RequestId: r-1 Error: {reason}"
        assert json.loads(result.payload) == {"errorType": "Runtime.ExitError", "errorMessage": message}
        assert bench.telemetry.lines[2:4] == ["last words\n", f"{message}\nRuntime.ExitError\n"]
        assert bench.telemetry.lines[-1].endswith(f"Status: error\tError Type: {reported}\n")
        assert (await bench.invoke(b"2")).payload == b"2"
        assert len(bench.driver.sandboxes) == 2

    scenario()


@on_loop
async def test_an_answer_counts_even_if_the_process_exits_right_after_it() -> None:
    async def answers_and_exits(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        await process.respond(meta["id"], b"done")
        process.exit(ExitStatus(code=1))

    bench = FleetBench(answers_and_exits, echo)
    assert (await bench.invoke()).payload == b"done"
    await until(lambda: not bench.driver.live)
    assert (await bench.invoke(b"2")).payload == b"2"


@on_loop
async def test_a_process_that_exits_while_idle_costs_nobody_an_invocation() -> None:
    bench = FleetBench()
    await bench.invoke()
    bench.sandbox.process.exit(ExitStatus(code=1))
    await until(lambda: not bench.driver.live)
    assert (await bench.invoke(b"2")).payload == b"2"


@on_loop
async def test_the_log_is_complete_and_in_order() -> None:
    async def prints(process: FakeProcess) -> None:
        process.print("importing\n")
        await process.next()
        meta, _ = await process.event()
        process.print("one\ntwo\rstill two\n")
        process.print("no end")
        await process.respond(meta["id"], b"1")

    bench = FleetBench(prints)
    await bench.invoke()
    assert bench.without_reports() == [
        "importing\n",
        "START RequestId: r-1 Version: $LATEST\n",
        "one\n",
        "two\nstill two\n",
        "no end\n",
        "END RequestId: r-1\n",
    ]


@on_loop
async def test_the_tail_is_the_last_4_kb_of_this_invocation_alone() -> None:
    async def prints(process: FakeProcess) -> None:
        await process.next()
        for text in ("first\n", "x" * 9000 + "\nsecond\n"):
            meta, _ = await process.event()
            process.print(text)
            await process.respond(meta["id"], b"1")

    bench = FleetBench(prints)
    first = await bench.invoke(log_tail=True)
    assert first.log_tail is not None
    assert first.log_tail.startswith(b"START RequestId: r-1")
    assert first.log_tail.endswith(b"\t\n")
    second = await bench.invoke(log_tail=True)
    assert second.log_tail is not None
    assert len(second.log_tail) == 4096
    assert b"second\nEND RequestId: r-2" in second.log_tail
    assert b"first" not in second.log_tail


@on_loop
async def test_what_a_long_invocation_logs_can_be_read_while_it_runs() -> None:
    bench = FleetBench(never_answers)
    bench.invoke()
    await until(lambda: "running" in repr(bench.fleet.environments))
    bench.clock.advance(SETTLE_AFTER_S)
    assert bench.telemetry.lines[-1] == "START RequestId: r-1 Version: $LATEST\n"
    bench.sandbox.process.print("half way\n")
    await until(lambda: bench.telemetry.lines[-1] == "half way\n")


@on_loop
async def test_an_idle_environment_is_frozen_after_a_moment_and_thawed_for_the_next_invocation() -> None:
    bench = FleetBench()
    await bench.invoke()
    assert bench.sandbox.calls == []
    bench.clock.advance(SETTLE_AFTER_S)
    assert bench.sandbox.calls == ["freeze"]
    await bench.invoke()
    assert bench.sandbox.calls == ["freeze", "thaw"]


@on_loop
async def test_a_busy_environment_is_never_frozen() -> None:
    bench = FleetBench()
    for _ in range(10):
        await bench.invoke()
        bench.clock.advance(SETTLE_AFTER_S * 0.9)
    assert bench.sandbox.calls == []


@on_loop
async def test_an_environment_is_let_go_when_it_was_idle_for_the_keep_warm_time() -> None:
    bench = FleetBench(keep_warm_s=60.0)
    await bench.invoke()
    bench.clock.advance(59.0)
    await bench.invoke()
    bench.clock.advance(59.0)
    assert bench.driver.live
    bench.clock.advance(1.0)
    await until(lambda: not bench.driver.live)


@on_loop
async def test_an_environment_is_too_old_after_six_hours_even_if_it_is_kept_warm_for_longer() -> None:
    bench = FleetBench(keep_warm_s=1e6)
    await bench.invoke()
    bench.clock.advance(6 * 3600 + 1)
    await until(lambda: not bench.driver.live)


@on_loop
async def test_an_environment_that_is_too_old_when_it_has_finished_takes_no_more() -> None:
    async def takes_long(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        bench.clock.advance(6 * 3600 + 1)
        await process.respond(meta["id"], b"1")

    bench = FleetBench(takes_long)
    await bench.invoke(function=a_function(timeout_s=7 * 3600))
    await until(lambda: not bench.driver.live)


@on_loop
async def test_a_caller_that_goes_away_does_not_end_its_invocation() -> None:
    bench = FleetBench()
    caller = asyncio.ensure_future(bench.invoke())
    await bench.started()
    caller.cancel()
    await until(lambda: bench.telemetry.ledger)
    assert (await bench.invoke(b"2")).payload == b"2"
    assert len(bench.driver.sandboxes) == 1


@on_loop
async def test_a_sandbox_that_cannot_be_built_is_no_fault_of_the_function() -> None:
    bench = FleetBench()
    bench.driver.error = SandboxError("no cgroup")
    with pytest.raises(SandboxError, match="no cgroup"):
        await bench.invoke()
    bench.driver.error = None
    assert (await bench.invoke(b"2")).payload == b"2"


@on_loop
async def test_an_environment_that_cannot_be_thawed_is_given_up() -> None:
    bench = FleetBench()
    await bench.invoke()
    bench.clock.advance(SETTLE_AFTER_S)
    bench.sandbox.broken = "thaw"
    with pytest.raises(SandboxError, match="cannot thaw"):
        await bench.invoke()
    assert (await bench.invoke(b"2")).payload == b"2"


@on_loop
async def test_an_invocation_that_cannot_be_billed_is_not_answered_as_if_it_were() -> None:
    bench = FleetBench()
    await bench.invoke()
    bench.telemetry.error = OSError("journal full")
    with pytest.raises(OSError, match="journal full"):
        await bench.invoke()


@on_loop
async def test_a_runtime_that_speaks_http_is_served_and_frozen_only_when_it_asks_again() -> None:
    async def over_http(process: FakeProcess) -> None:
        process.channel.shutdown(2)
        reader, writer = await asyncio.open_connection("127.0.0.1", process.sandbox.port)
        base = "/2018-06-01/runtime/invocation"
        writer.write(f"GET {base}/next HTTP/1.1\r\n\r\n".encode())
        await reader.readuntil(b'"hi"')
        writer.write(f"POST {base}/r-1/response HTTP/1.1\r\nContent-Length: 4\r\n\r\n'ho'".encode())
        await go_on.wait()
        writer.write(f"GET {base}/next HTTP/1.1\r\n\r\n".encode())
        await asyncio.Event().wait()

    go_on = asyncio.Event()
    bench = FleetBench(over_http)
    assert (await bench.invoke()).payload == b"'ho'"
    bench.clock.advance(1.0)
    assert bench.sandbox.calls == []
    go_on.set()
    await bench.pass_time(until=lambda: bench.sandbox.calls, step_s=SETTLE_AFTER_S)
    assert bench.sandbox.calls == ["freeze"]


@on_loop
async def test_an_environment_says_in_one_line_how_it_is() -> None:
    bench = FleetBench()
    await bench.invoke()
    (environment,) = bench.fleet.environments
    assert repr(environment) == "<Environment hello:$LATEST idle 1 invocations>"
    bench.clock.advance(SETTLE_AFTER_S)
    assert repr(environment) == "<Environment hello:$LATEST idle frozen 1 invocations>"


@on_loop
async def test_in_json_format_every_line_of_the_platform_is_json_and_levels_are_obeyed() -> None:
    async def prints(process: FakeProcess) -> None:
        await process.next()
        await process.event()
        process.print('{"level": "DEBUG", "message": "hidden"}\n{"level": "ERROR", "message": "shown"}\nplain\n')
        process.exit(ExitStatus(code=1))

    bench = FleetBench(prints)
    await bench.invoke(function=a_function(logging=LoggingConfig(log_format="JSON")))
    assert '{"level": "ERROR", "message": "shown"}\n' in bench.telemetry.lines
    assert "plain\n" in bench.telemetry.lines
    assert not [line for line in bench.telemetry.lines if "hidden" in line]
    types = [json.loads(line).get("type") for line in bench.telemetry.lines if line.startswith("{")]
    assert types == ["platform.initStart", "platform.start", None, "platform.runtimeDone", "platform.report"]
    assert json.loads(bench.telemetry.lines[-1])["record"]["errorType"] == "Runtime.ExitError"
