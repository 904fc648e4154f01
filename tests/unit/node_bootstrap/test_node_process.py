"""The life of the process around its invocations: crashes, signals, what its children see."""

import os
import re
import signal
from pathlib import Path

import pytest
from node_function import Event, FramePlatform, HttpPlatform, Load, NodeFunction, Platform

from stoker.bootstrap import frames

frames_only = pytest.mark.parametrize("platform", [FramePlatform], indirect=True, ids=["frames"])


def test_an_uncaught_exception_fails_the_invocation_and_ends_the_process(serve: Load) -> None:
    function = serve("exports.handler = (e, c, callback) => { setTimeout(() => { throw new TypeError('loose') }, 5) }")
    answer = function.invoke(id="an-id")
    assert (answer.kind, answer.id, answer.json["errorType"]) == ("error", "an-id", "TypeError")
    assert function.exit_code() == 129


def test_an_unhandled_rejection_fails_the_invocation_and_ends_the_process(serve: Load) -> None:
    function = serve("""exports.handler = async () => {
        Promise.reject(new Error('dropped')); await new Promise((r) => setTimeout(r, 1e6))
    }""")
    answer = function.invoke()
    assert answer.json["errorType"] == "Runtime.UnhandledPromiseRejection"
    assert answer.json["errorMessage"] == "Error: dropped"
    assert function.exit_code() == 128


@frames_only
def test_what_a_crashing_handler_answers_afterwards_does_not_count(serve: Load, platform: Platform) -> None:
    assert isinstance(platform, FramePlatform)
    function = serve("""exports.handler = (event, context) => {
        process.on('uncaughtException', () => context.succeed('late'));
        setTimeout(() => { throw new Error('first') }, 5)
    }""")
    assert function.invoke().json["errorMessage"] == "first"
    assert function.exit_code() == 129
    assert platform.channel.recv(1) == b""


def test_an_exception_left_over_from_an_answered_invocation_ends_the_process(serve: Load) -> None:
    function = serve(
        "exports.handler = async () => { setTimeout(() => { throw new Error('left over') }, 5); return 1 }"
    )
    assert function.invoke().json == 1
    assert function.exit_code() == 129
    assert "left over" in function.log()[-1]


def test_a_handler_that_exits_ends_the_process_with_its_code(serve: Load) -> None:
    function = serve("exports.handler = async () => process.exit(7)")
    function.platform.deliver(Event())
    assert function.exit_code() == 7


def test_a_function_s_own_signal_handler_runs_between_invocations(serve: Load) -> None:
    function = serve("""process.on('SIGTERM', () => { console.log('tidied'); process.exit(0) });
        exports.handler = async () => 1""")
    function.invoke()
    function.process.send_signal(signal.SIGTERM)
    assert function.exit_code() == 0
    assert function.log()[-1].endswith("tidied")


@frames_only
def test_the_process_ends_when_the_platform_closes_the_channel(serve: Load, platform: Platform) -> None:
    function = serve("setInterval(() => {}, 1e6); exports.handler = async () => 1")
    platform.close()
    assert function.exit_code() == 0


@frames_only
def test_a_child_of_the_function_does_not_get_the_channel(serve: Load, platform: Platform) -> None:
    function = serve("""const { execFileSync } = require('child_process');
        const look = () => execFileSync('sh', ['-c', 'ls -l /proc/self/fd; env']).toString();
        exports.handler = async () => look()""")
    channel = platform.environment()["STOKER_CHANNEL_FD"]
    socket = os.readlink(f"/proc/{function.process.pid}/fd/{channel}")
    seen = function.invoke().json
    assert socket not in seen
    assert "STOKER_CHANNEL_FD" not in seen


@frames_only
def test_a_frame_that_is_no_event_ends_the_process(serve: Load, platform: Platform) -> None:
    function = serve("exports.handler = async () => 1")
    assert isinstance(platform, FramePlatform)
    platform.channel.sendall(b"\0\0\0\0\0\0\0\0\x63")
    assert function.exit_code() == 129


@frames_only
def test_an_event_that_arrives_byte_by_byte_is_one_event(serve: Load, platform: Platform) -> None:
    assert isinstance(platform, FramePlatform)
    function = serve("exports.handler = async (event) => event")
    for byte in frames.encode(frames.EVENT, {"id": "x", "deadline_ms": 1}, b"true"):
        platform.channel.send(bytes([byte]))
    assert platform.answer().json is True
    assert function.invoke(2).json == 2


@pytest.mark.parametrize("source", ["exports.handler = async () => 1", "throw new Error('at once')"])
def test_a_platform_that_is_not_there_ends_the_process(tmp_path: Path, source: str) -> None:
    platform = HttpPlatform()
    platform.close()
    function = NodeFunction(platform, tmp_path, "index.handler", {"index.js": source}, {})
    assert function.exit_code() == 129
    assert re.search("ECONNREFUSED|at once", function.log()[0])
