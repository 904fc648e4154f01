"""What becomes of an init that fails: run again within the first invocation, then told as the runtime told it."""

import json

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, echo
from stoker.environments.environment import INIT_LIMIT_S
from stoker.model.errors import InvalidParameterValueException
from stoker.sandbox.driver import ExitStatus

BODY = b'{"errorMessage": "Unable to import module \'app\'", "errorType": "Runtime.ImportModuleError", "requestId": ""}'


async def fails(process: FakeProcess) -> None:
    process.print("[ERROR] Runtime.ImportModuleError: Unable to import module 'app'\rTraceback\n")
    await process.fail_init("Runtime.ImportModuleError", BODY)
    process.exit(ExitStatus(code=1))


async def exits(process: FakeProcess) -> None:
    process.exit(ExitStatus(code=3))


async def hangs(process: FakeProcess) -> None:
    process.print("still importing\n")


@on_loop
async def test_an_import_error_is_answered_in_the_runtimes_own_words_after_a_second_try() -> None:
    bench = FleetBench(fails)
    result = await bench.invoke()
    assert (result.function_error, result.payload) == ("Unhandled", BODY)
    error = "[ERROR] Runtime.ImportModuleError: Unable to import module 'app'\nTraceback\n"
    kind = "Status: error\tError Type: Runtime.ImportModuleError\n"
    assert bench.telemetry.lines[1:-1] == [
        error,
        f"INIT_REPORT Init Duration: 0.00 ms\tPhase: init\t{kind}",
        error,
        f"INIT_REPORT Init Duration: 0.00 ms\tPhase: invoke\t{kind}",
        "START RequestId: r-1 Version: $LATEST\n",
        "END RequestId: r-1\n",
    ]
    assert bench.telemetry.lines[-1].endswith(kind)
    assert "Init Duration" not in bench.telemetry.lines[-1]
    assert len(bench.telemetry.streams) == 1


@on_loop
async def test_nothing_is_left_of_an_environment_that_could_not_start() -> None:
    bench = FleetBench(fails)
    await bench.invoke()
    await until(lambda: not bench.driver.live)
    assert repr(bench.fleet) == "<Fleet <Assignment 0 running, 0 idle>>"


@on_loop
async def test_an_init_that_fails_only_once_is_not_noticed_by_the_caller() -> None:
    bench = FleetBench(exits, echo)
    assert (await bench.invoke(b"1")).payload == b"1"
    assert "INIT_REPORT Init Duration: 0.00 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n" in (
        bench.telemetry.lines
    )
    assert bench.driver.sandboxes[0].closed
    assert (await bench.invoke(b"2")).payload == b"2"


@on_loop
async def test_a_process_that_exits_in_every_init_is_told_with_its_exit_status() -> None:
    result = await FleetBench(exits).invoke()
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: exit status 3",
    }


@on_loop
async def test_an_init_over_ten_seconds_runs_again_and_may_take_the_functions_timeout() -> None:
    async def slow(process: FakeProcess) -> None:
        bench.clock.advance(INIT_LIMIT_S + 1)
        await echo(process)

    bench = FleetBench(hangs, slow)
    answer = bench.invoke(b"1", a_function(timeout_s=15))
    await bench.started()
    await until(lambda: "still importing\n" in bench.telemetry.lines)
    bench.clock.advance(INIT_LIMIT_S)
    assert (await answer).payload == b"1"
    assert bench.telemetry.lines[2] == "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n"
    assert "Duration: 11000.00 ms\tBilled Duration: 11000 ms" in bench.telemetry.lines[-1]


@on_loop
async def test_an_init_that_never_ends_times_out_the_invocation() -> None:
    bench = FleetBench(hangs)
    answer = bench.invoke(function=a_function(timeout_s=2))
    await bench.started()
    await until(lambda: "still importing\n" in bench.telemetry.lines)
    bench.clock.advance(INIT_LIMIT_S)
    await bench.started(2)
    await until(lambda: bench.telemetry.lines.count("still importing\n") == 2)
    bench.clock.advance(2.0)
    result = await answer
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
    assert "INIT_REPORT Init Duration: 2000.00 ms\tPhase: invoke\tStatus: timeout\n" in bench.telemetry.lines
    await until(lambda: not bench.driver.live)


@on_loop
async def test_the_timeout_of_a_second_init_leaves_the_invocation_only_the_rest() -> None:
    async def slow_then_silent(process: FakeProcess) -> None:
        bench.clock.advance(1.5)
        await process.next()
        meta, _ = await process.event()
        deadlines.append(meta["deadline_ms"] / 1000 - bench.clock.time())

    deadlines: list[float] = []
    bench = FleetBench(exits, slow_then_silent)
    answer = bench.invoke(function=a_function(timeout_s=2))
    await until(lambda: deadlines)
    assert deadlines == [pytest.approx(0.5, abs=0.002)]
    bench.clock.advance(0.5)
    assert json.loads((await answer).payload)["errorType"] == "Sandbox.Timedout"


@on_loop
async def test_a_runtime_this_machine_lacks_is_refused_before_anything_is_started() -> None:
    bench = FleetBench()
    with pytest.raises(InvalidParameterValueException):
        bench.invoke(function=a_function(runtime="python3.8"))
    assert bench.driver.sandboxes == []
    assert bench.fleet.environments == []
