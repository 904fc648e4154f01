"""What a function's log says of the platform, character by character (LAMBDA.md, "Logs")."""

import json

import pytest

from stoker.model.function import LoggingConfig
from stoker.model.invocation import Report
from stoker.observability.log_format import application_line_passes, platform_log
from stoker.observability.metering import billed_ms

AT_MS = 1_700_000_000_123
TEXT = platform_log(function="hello", version="$LATEST", logging=LoggingConfig())


def report(**changes: object) -> Report:
    values = {"request_id": "r1", "duration_ms": 3.0109, "billed_ms": 114, "memory_mb": 128, "max_memory_mb": 36}
    return Report(**{**values, **changes})  # type: ignore[arg-type]


def json_log(level: str | None = None) -> object:
    logging = LoggingConfig(log_format="JSON", system_level=level)
    return platform_log(function="hello", version="$LATEST", logging=logging)


def test_a_cold_start_in_text() -> None:
    start = TEXT.init_start(AT_MS, runtime_version="python:3.11.v7", runtime_arn="arn:aws:lambda:us-east-1::runtime:x")
    assert start == (
        "INIT_START Runtime Version: python:3.11.v7\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:x\n"
    )


def test_an_invocation_in_text() -> None:
    assert TEXT.start(AT_MS, "r1") == "START RequestId: r1 Version: $LATEST\n"
    assert TEXT.end(AT_MS, report()) == "END RequestId: r1\n"
    assert TEXT.report(AT_MS, report(init_ms=110.1)) == (
        "REPORT RequestId: r1\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t\n"
    )


def test_a_warm_report_has_no_init_duration() -> None:
    assert TEXT.report(AT_MS, report()).endswith("\tMax Memory Used: 36 MB\t\n")


def test_a_failure_is_named_at_the_end_of_its_report() -> None:
    assert TEXT.report(AT_MS, report(status="timeout")).endswith("36 MB\tStatus: timeout\n")
    crashed = TEXT.report(AT_MS, report(status="error", error_type="Runtime.ExitError"))
    assert crashed.endswith("36 MB\tStatus: error\tError Type: Runtime.ExitError\n")


def test_only_a_failed_init_is_reported_in_text() -> None:
    assert TEXT.init_report(AT_MS, duration_ms=80.0, status="success") is None
    assert TEXT.init_report(AT_MS, duration_ms=10_000.04, status="timeout") == (
        "INIT_REPORT Init Duration: 10000.04 ms\tPhase: init\tStatus: timeout\n"
    )


def test_a_report_in_json() -> None:
    line = json.loads(json_log().report(AT_MS, report(init_ms=110.1)))
    assert line == {
        "time": "2023-11-14T22:13:20.123Z",
        "type": "platform.report",
        "record": {
            "requestId": "r1",
            "status": "success",
            "metrics": {
                "durationMs": 3.011,
                "billedDurationMs": 114,
                "memorySizeMB": 128,
                "maxMemoryUsedMB": 36,
                "initDurationMs": 110.1,
            },
        },
    }


def types_said(level: str | None, status: str) -> list[str]:
    log = json_log(level)
    lines = [
        log.init_start(AT_MS, runtime_version="python:3.11.v7", runtime_arn="arn"),
        log.init_runtime_done(AT_MS, status=status),
        log.init_report(AT_MS, duration_ms=1.0, status=status),
        log.start(AT_MS, "r1"),
        log.end(AT_MS, report(status=status)),
        log.report(AT_MS, report(status=status)),
    ]
    return [json.loads(line)["type"].removeprefix("platform.") for line in lines if line is not None]


ALL = ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]


@pytest.mark.parametrize(
    ("level", "status", "expected"),
    [
        ("DEBUG", "success", ALL),
        (None, "success", ["initStart", "start", "report"]),
        ("WARN", "success", []),
        ("WARN", "timeout", ["initRuntimeDone", "initReport", "runtimeDone", "report"]),
    ],
)
def test_the_system_log_level_decides_what_the_platform_says(
    level: str | None, status: str, expected: list[str]
) -> None:
    assert types_said(level, status) == expected


@pytest.mark.parametrize(
    ("level", "line", "passes"),
    [
        ("ERROR", '{"level": "INFO", "message": "x"}', False),
        ("ERROR", '{"level": "error"}', True),
        (None, '{"level": "DEBUG"}', False),
        (None, '{"message": "no level"}', True),
        ("WARN", '{"message": "no level"}', False),
        ("FATAL", "plain text", True),
        ("FATAL", "{broken", True),
    ],
)
def test_the_application_log_level_drops_json_lines_below_it(level: str | None, line: str, passes: bool) -> None:
    logging = LoggingConfig(log_format="JSON", application_level=level)
    assert application_line_passes(logging, line) is passes


def test_no_line_is_dropped_in_text_format() -> None:
    assert application_line_passes(LoggingConfig(), '{"level": "TRACE"}')


@pytest.mark.parametrize(
    ("duration", "init", "billed"),
    [(3.01, 110.10, 114), (3.01, None, 4), (1.0, None, 1), (0.1 + 0.2 + 2.7, None, 3), (2.0, 3.0, 5)],
)
def test_whole_milliseconds_are_billed_init_included(duration: float, init: float | None, billed: int) -> None:
    assert billed_ms(duration, init) == billed
