"""The small parts that environments are made of, each by itself."""

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from fakes.loop import on_loop
from fakes.registry import NODE, PROVIDED, PYTHON, a_function
from stoker.environments.job import Job
from stoker.environments.lines import MAX_EVENT_BYTES, LineSplitter, message
from stoker.environments.outcome import Outcome
from stoker.environments.output import OutputReader
from stoker.environments.state import TRANSITIONS, Event, IllegalTransitionError, State, after
from stoker.environments.variables import Credentials, function_variables
from stoker.model.alarm import Alarm
from stoker.model.function import LoggingConfig
from stoker.model.invocation import Invocation, LogStream, Report
from stoker.model.limits import RESERVED_ENVIRONMENT_NAMES
from stoker.model.runtime import Runtime


@given(st.lists(st.binary(max_size=20)))
def test_lines_are_the_same_however_they_arrive(chunks: list[bytes]) -> None:
    splitter = LineSplitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)] + [splitter.flush()]
    assert lines == b"".join(chunks).split(b"\n")


def test_a_long_line_is_not_cut_within_a_character() -> None:
    splitter = LineSplitter()
    text = "a" + "€" * 200_000
    data = text.encode()
    lines = [line for at in range(0, len(data), 4096) for line in splitter.feed(data[at : at + 4096])]
    lines.append(splitter.flush())
    assert "".join(message(line) for line in lines) == text
    assert max(map(len, lines)) <= MAX_EVENT_BYTES


def test_bytes_that_are_no_text_are_shown_all_the_same() -> None:
    assert message(b"\xff\xfe ok") == "\ufffd\ufffd ok"


@on_loop
async def test_a_closed_reader_still_ends_a_drain() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    lines: list[str] = []
    ended: list[bool] = []
    reader = OutputReader(reading, lines.extend)
    os.write(writing, b"a\nb")
    reader.drain(lambda: ended.append(True))
    reader.close()
    reader.close()
    reader.drain(lambda: ended.append(True))
    os.close(writing)
    assert (lines, ended) == (["a", "b"], [True, True])


@on_loop
async def test_what_was_written_before_a_drain_is_handed_on_by_it_and_nothing_is_no_error() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    lines: list[str] = []
    reader = OutputReader(reading, lines.extend)
    reader.drain(lambda: lines.append("nothing"))
    os.write(writing, b"x" * 255 + b"\n")
    reader.drain(lambda: lines.append("drained"))
    os.close(writing)
    reader.drain(lambda: lines.append("closed"))
    reader.close()
    assert lines == ["nothing", "x" * 255, "drained", "closed"]


def test_an_alarm_goes_off_at_the_moment_that_was_set_last() -> None:
    clock, rung = FakeClock(), []
    alarm = Alarm(clock, lambda: rung.append(clock.monotonic()))
    start = clock.monotonic()
    alarm.set(start + 1)
    clock.advance(0.5)
    alarm.set(start + 3)
    clock.advance(2)
    assert rung == []
    alarm.set(start + 2.75)
    clock.advance(5)
    assert rung == [start + 2.75]


def test_a_stopped_alarm_stays_silent_and_can_be_set_again() -> None:
    clock, rung = FakeClock(), []
    alarm = Alarm(clock, lambda: rung.append(clock.monotonic()))
    alarm.set(clock.monotonic() + 1)
    alarm.stop()
    clock.advance(2)
    assert rung == []
    alarm.set(clock.monotonic() + 1)
    clock.advance(2)
    assert len(rung) == 1


def test_an_alarm_that_is_put_off_again_and_again_makes_few_timers() -> None:
    class CountingClock(FakeClock):
        timers = 0

        def call_later(self, delay_s, callback):  # type: ignore[no-untyped-def]
            self.timers += 1
            return super().call_later(delay_s, callback)

    clock = CountingClock()
    alarm = Alarm(clock, lambda: None)
    for _ in range(1000):
        alarm.set(clock.monotonic() + 3)
        clock.advance(0.001)
    assert clock.timers == 1


def test_every_state_but_the_last_leads_on_and_can_be_stopped() -> None:
    for state in State:
        ways = {event for (before, event) in TRANSITIONS if before is state}
        assert bool(ways) is (state is not State.GONE)
        assert Event.STOP in ways or state in (State.STOPPING, State.GONE)


def test_what_the_table_does_not_hold_is_a_mistake_and_said() -> None:
    with pytest.raises(IllegalTransitionError, match="assigned while running"):
        after(State.RUNNING, Event.ASSIGNED)


STREAM = LogStream(region="us-east-1", group="/aws/lambda/hello", stream="2026/01/01/[$LATEST]00")
CREDENTIALS = Credentials(access_key_id="A", secret_access_key="S", session_token="T")


def variables(runtime: Runtime = PYTHON, **changes: object) -> dict[str, str]:
    function = a_function(runtime=runtime.name, **changes)
    return dict(
        function_variables(function, runtime, stream=STREAM, credentials=CREDENTIALS, endpoint_url="http://stoker")
    )


def test_a_function_finds_what_aws_promises() -> None:
    found = variables(memory_mb=1024, environment={"TABLE": "t"})
    assert found["_HANDLER"] == "app.handler"
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "1024"
    assert found["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
    assert found["AWS_LAMBDA_LOG_STREAM_NAME"] == STREAM.stream
    assert found["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert found["AWS_ENDPOINT_URL"] == "http://stoker"
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SESSION_TOKEN"], found["TABLE"]) == ("A", "T", "t")
    assert (found["TZ"], found["PYTHONPATH"]) == (":UTC", "/var/runtime")


def test_a_function_may_set_its_path_but_not_its_identity() -> None:
    reserved = dict.fromkeys(RESERVED_ENVIRONMENT_NAMES - {"_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY"}, "mine")
    found = variables(environment={**reserved, "PATH": "/mine", "TZ": "Europe/Vienna"})
    assert (found["PATH"], found["TZ"]) == ("/mine", "Europe/Vienna")
    assert not [name for name in reserved if found[name] == "mine"]


def test_variables_of_one_runtime_do_not_appear_in_another() -> None:
    node, provided = variables(NODE, handler="index.handler"), variables(PROVIDED)
    assert node["NODE_PATH"].startswith("/opt/nodejs/node20/node_modules:")
    assert "PYTHONPATH" not in node
    assert not {"AWS_EXECUTION_ENV", "PYTHONPATH", "NODE_PATH"} & provided.keys()


def test_json_logging_tells_the_runtime_its_format_and_level() -> None:
    logging = LoggingConfig(log_format="JSON", application_level="WARN")
    found = variables(logging=logging)
    assert (found["AWS_LAMBDA_LOG_FORMAT"], found["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "WARN")
    assert "AWS_LAMBDA_LOG_FORMAT" not in variables()


def test_nobody_is_billed_for_a_timer_that_was_late() -> None:
    async def report() -> Report:
        answer = asyncio.get_running_loop().create_future()
        invocation = Invocation(request_id="r-1", payload=b"", invoked_arn="arn:f")
        job = Job(function=a_function(timeout_s=1), invocation=invocation, log_tail=False, reply=answer)
        job.started, job.ended = 10.0, 11.004
        return job.report(Outcome(payload=b"", status="timeout"), 1)

    made = asyncio.run(report())
    assert (made.duration_ms, made.billed_ms, made.max_memory_mb) == (1000.0, 1000, 1)
