"""Environments with extensions: when an init and an invocation are over, what is billed, and how the end comes."""

import asyncio
import errno
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.extension import FakeExtension
from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, FakeSandbox, echo
from stoker.bootstrap.frames import HEADER
from stoker.environments.extension_files import extension_files
from stoker.environments.idleness import SETTLE_AFTER_S
from stoker.model.function import LoggingConfig
from stoker.sandbox.driver import ExitStatus, NotLaunched


async def told_to_start(process: FakeProcess) -> None:
    """The worker of a function with external extensions: it begins when the platform says so."""
    await asyncio.get_running_loop().sock_recv(process.channel, HEADER.size)
    process.print("importing\n")
    await echo(process)


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    (tmp_path / "extensions").mkdir()
    (tmp_path / "extensions" / "shipper").write_text("#!/bin/sh\n")
    return tmp_path


class ExtendedBench(FleetBench):
    """A fleet whose functions have one external extension."""

    def __init__(self, layers: Path, *scripts: Any, **settings: Any) -> None:
        super().__init__(*(scripts or (told_to_start,)), **settings)
        self.registry.layers_root = layers

    async def shut_down_at_once(self) -> None:
        """Close the fleet, and let the time go by that a shutdown phase has."""
        closing = asyncio.create_task(self.fleet.close(limit_s=0.0))
        await self.pass_time(until=closing.done)
        await closing

    async def cold(self, *events: str, **changes: Any) -> tuple[FakeExtension, FakeSandbox, "asyncio.Task[Any]"]:
        """An environment that is ready and had one invocation, with which its extension is done."""
        answer = self.invoke(function=a_function(**changes))
        sandbox = await self.started()
        shipper = await FakeExtension(sandbox).register(*events)
        asked = shipper.next()
        await answer
        if "INVOKE" in events:
            await asked
            asked = shipper.next()
        await until(lambda: "idle" in repr(self.fleet.environments))
        return shipper, sandbox, asked


def test_the_files_of_a_layer_are_extensions_and_its_directories_and_links_to_them_are_not(layers: Path) -> None:
    (layers / "extensions" / "data").mkdir()
    (layers / "extensions" / "alias").symlink_to("shipper")
    (layers / "extensions" / "two\nlines").touch()
    assert extension_files(layers) == ("alias", "shipper")
    assert extension_files(None) == extension_files(layers / "extensions") == ()
    (layers / "second").mkdir()
    (layers / "second" / "extensions").symlink_to("/usr/bin")
    assert extension_files(layers / "second") == ()
    for number in range(20):
        (layers / "extensions" / f"{number:02}").touch()
    assert len(extension_files(layers)) == 11


def test_the_runtime_begins_when_extensions_have_registered_and_the_init_ends_when_they_wait(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        answer = bench.invoke(b"1")
        sandbox = await bench.started()
        await asyncio.sleep(0.01)
        assert "importing\n" not in bench.telemetry.lines
        shipper = await FakeExtension(sandbox).register("INVOKE")
        await until(lambda: "importing\n" in bench.telemetry.lines)
        assert "INIT" not in "".join(bench.telemetry.lines[2:])
        shipper.next()
        assert (await answer).payload == b"1"
        assert "EXTENSION\tName: shipper\tState: Ready\tEvents: [INVOKE]\n" in bench.telemetry.lines
        await bench.shut_down_at_once()

    scenario()


def test_the_caller_has_its_answer_and_the_bill_has_the_extension_s_time(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        shipper, _, asked = await bench.cold("INVOKE", logging=LoggingConfig(log_format="JSON", system_level="DEBUG"))
        function = a_function(logging=LoggingConfig(log_format="JSON", system_level="DEBUG"))
        assert (await bench.invoke(b"2", function)).payload == b"2"
        assert json.loads(bench.telemetry.lines[-1])["type"] == "platform.runtimeDone"
        event = await asked
        assert (event["eventType"], event["requestId"]) == ("INVOKE", "r-2")
        bench.clock.advance(0.25)
        assert "running" in repr(bench.fleet.environments)
        shipper.next()
        await until(lambda: len(bench.telemetry.ledger) == 2)
        report = bench.telemetry.ledger[1].report
        assert (report.duration_ms, report.extensions_ms) == (pytest.approx(250), pytest.approx(250))
        record = json.loads(bench.telemetry.lines[-1])["record"]
        assert record["spans"] == [
            {"name": "extensionOverhead", "start": "2023-11-14T22:13:20.000Z", "durationMs": 250.0}
        ]
        await bench.shut_down_at_once()

    scenario()


def test_who_wants_the_log_s_end_waits_for_it(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        shipper, sandbox, asked = await bench.cold("INVOKE")
        answer = bench.invoke(log_tail=True)
        await asked
        await asyncio.sleep(0.005)
        assert not answer.done()
        assert sandbox.extension_output is not None
        await asyncio.to_thread(Path(f"/proc/self/fd/{sandbox.extension_stdout}").write_text, "shipped\n")
        shipper.next()
        tail = (await answer).log_tail or b""
        assert b"shipped\nEND" in tail
        await bench.shut_down_at_once()

    scenario()


def test_an_environment_is_not_frozen_while_an_extension_works(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        shipper, sandbox, asked = await bench.cold("INVOKE")
        await bench.invoke()
        await asked
        bench.clock.advance(SETTLE_AFTER_S * 2)
        assert "freeze" not in sandbox.calls
        shipper.next()
        await until(lambda: "idle" in repr(bench.fleet.environments))
        bench.clock.advance(SETTLE_AFTER_S)
        assert sandbox.calls == ["freeze"]
        await bench.shut_down_at_once()

    scenario()


def test_an_extension_that_does_not_come_back_is_the_function_s_timeout(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        _, _, asked = await bench.cold("INVOKE", timeout_s=2)
        assert (await bench.invoke(b"2", a_function(timeout_s=2))).payload == b"2"
        await asked
        bench.clock.advance(2.0)
        assert bench.telemetry.ledger[1].report.status == "timeout"
        await bench.shut_down_at_once()

    scenario()


def test_there_are_ten_extensions_at_most(layers: Path) -> None:
    for number in range(10):
        (layers / "extensions" / f"more-{number}").touch()

    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        answer = bench.invoke()
        await bench.pass_time(until=answer.done)
        assert json.loads((await answer).payload)["errorType"] == "Extension.LaunchError"
        assert any(
            "State: LaunchError\tEvents: []\tError Type: TooManyExtensions" in line for line in bench.telemetry.lines
        )
        await bench.shut_down_at_once()

    scenario()


@pytest.mark.parametrize(
    ("end", "error_type", "reason"),
    [
        (ExitStatus(code=0), "Extension.Crash", "exit code 0"),
        (ExitStatus(signal=11), "Extension.Crash", "signal: segmentation fault"),
        (
            NotLaunched(errno=errno.EACCES),
            "Extension.LaunchError",
            "fork/exec /opt/extensions/shipper: permission denied",
        ),
    ],
)
def test_without_an_extension_the_init_fails(layers: Path, end: Any, error_type: str, reason: str) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        answer = bench.invoke()
        for number in (1, 2):
            sandbox = await bench.started(number)
            sandbox.extensions["shipper"].set_result(end)
            sandbox.exited.set_result(ExitStatus(code=0))
        told = json.loads((await answer).payload)
        assert told == {"errorType": error_type, "errorMessage": f"RequestId: r-1 Error: {reason}"}
        await bench.shut_down_at_once()

    scenario()


def test_the_end_is_told_to_the_runtime_first_and_then_to_extensions_within_two_seconds(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        _, sandbox, asked = await bench.cold("SHUTDOWN")
        bench.fleet.retire("us-east-1", "hello")
        await until(lambda: "terminate" in sandbox.calls)
        await asyncio.sleep(0.005)
        assert not asked.done()
        bench.clock.advance(0.6)
        event = await asked
        assert (event["eventType"], event["shutdownReason"]) == ("SHUTDOWN", "spindown")
        assert event["deadlineMs"] == int((bench.clock.time() + 1.4) * 1000)
        await asyncio.sleep(0.005)
        assert not sandbox.closed
        bench.clock.advance(1.4)
        await until(lambda: sandbox.closed)
        await bench.fleet.close()

    scenario()


def test_nobody_waits_longer_than_the_extensions_need(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        bench = ExtendedBench(layers)
        _, sandbox, asked = await bench.cold("SHUTDOWN")
        bench.fleet.retire("us-east-1", "hello")
        await until(lambda: "terminate" in sandbox.calls)
        sandbox.exited.set_result(ExitStatus(signal=15))
        await asked
        assert sandbox.extension_output is not None
        await asyncio.to_thread(Path(f"/proc/self/fd/{sandbox.extension_stdout}").write_text, "bye\n")
        sandbox.extensions["shipper"].set_result(ExitStatus(code=0))
        await until(lambda: sandbox.closed)
        assert bench.telemetry.lines[-1] == "bye\n"
        await bench.fleet.close()

    scenario()


@on_loop
async def test_a_runtime_with_internal_extensions_has_half_a_second() -> None:
    async def registers(process: FakeProcess) -> None:
        thread = await FakeExtension(process.sandbox, "thread").register("INVOKE")
        asked.append(thread.next())
        await asyncio.sleep(0.005)
        await echo(process)

    asked: list[asyncio.Task[Any]] = []
    bench = FleetBench(registers)
    await bench.invoke()
    closing = asyncio.create_task(bench.fleet.close(limit_s=0.0))
    await asyncio.sleep(0)
    bench.clock.advance(0.0)
    await until(lambda: "terminate" in bench.sandbox.calls)
    bench.clock.advance(0.499)
    await asyncio.sleep(0.005)
    assert not closing.done()
    bench.clock.advance(0.001)
    await closing
    await asked[0]


@on_loop
async def test_without_extensions_the_end_is_at_once() -> None:
    bench = FleetBench()
    await bench.invoke()
    await bench.fleet.close()
    assert bench.sandbox.calls == ["close"]


def test_telemetry_begins_with_the_init_and_is_flushed_at_the_end(layers: Path) -> None:
    @on_loop
    async def scenario() -> None:
        received: list[Any] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                received.append(json.loads(line))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        bench = ExtendedBench(layers)
        answer = bench.invoke()
        sandbox = await bench.started()
        shipper = await FakeExtension(sandbox).register("SHUTDOWN")
        await shipper.subscribe(server.sockets[0].getsockname()[1], "platform", "function")
        asked = shipper.next()
        await answer
        bench.fleet.retire("us-east-1", "hello")
        await until(lambda: len(received) == 9)
        kinds = [each["type"].removeprefix("platform.") for each in received]
        # When it subscribes is its own affair.
        kinds.remove("telemetrySubscription")
        assert kinds == [
            "initStart", "function", "initRuntimeDone", "extension", "initReport", "start", "runtimeDone", "report",
        ]  # fmt: skip
        assert "importing\n" in [each["record"] for each in received]
        assert not asked.done()
        bench.clock.advance(0.6)
        await asked
        bench.clock.advance(1.4)
        await bench.fleet.close()
        server.close()

    scenario()
