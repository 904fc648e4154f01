"""The platform's own lines in a function's log, in both formats."""

from collections.abc import Sequence
from typing import Any

from stoker.model.invocation import Report
from stoker.observability.log_format import (
    APPLICATION_LEVELS,
    DEFAULT_LEVEL,
    SYSTEM_LEVELS,
    JsonLog,
    PlatformLog,
    TextLog,
)

AT_MS = 1_700_000_000_000
REQUEST = "8f5c9c1e-0000-4000-8000-000000000001"
VERSION = {"runtime_version": "python:3.11.v7", "runtime_arn": "arn:aws:lambda:us-east-1::runtime:0123abcd"}
REPORT = Report(request_id=REQUEST, duration_ms=12.34, billed_ms=146, memory_mb=128, max_memory_mb=36, init_ms=133.1)
FAILED = Report(request_id=REQUEST, duration_ms=3000, billed_ms=3000, memory_mb=128, max_memory_mb=36, status="timeout")
CASES: Sequence[tuple[str, str, str, dict[str, Any]]] = (
    ("An environment begins", "init_start", "", VERSION),
    ("… from a template (Stoker's own addition)", "init_start", "", {**VERSION, "template": "used"}),
    ("… from SnapStart's snapshot", "restore_start", "", VERSION),
    ("The restore is over", "restored", "", {"duration_ms": 8.5, "status": "success"}),
    ("The init is over", "init_report", "", {"duration_ms": 133.1, "status": "success"}),
    (
        "The init failed",
        "init_report",
        "",
        {"duration_ms": 133.1, "status": "error", "error_type": "Runtime.ExitError"},
    ),
    (
        "An extension stands by",
        "extension",
        "",
        {"name": "watcher", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]},
    ),
    (
        "An extension subscribed",
        "subscribed",
        "",
        {"api": "Telemetry", "name": "watcher", "types": ["platform", "function"]},
    ),
    ("An invocation begins", "start", REQUEST, {}),
    ("The runtime is done with it", "end", "report", {}),
    ("What it used, after a cold start", "report", "report", {}),
    ("What one used that took too long", "report", "failed", {}),
)


def log_lines() -> str:
    text = TextLog(version="$LATEST")
    json = JsonLog(function="hello", version="$LATEST", system_level="DEBUG")
    lines = ["# The platform's lines in a log", ""]
    lines += [
        "Each function logs to `/aws/lambda/NAME` (or `LoggingConfig.LogGroup`), each environment into a stream of its own,"
    ]
    lines += [
        "`YYYY/MM/DD/[VERSION]ID`. Besides what the function writes there are these, in the format that `LoggingConfig.LogFormat`"
    ]
    lines += ["asks for. Some are said in one format only."]
    for title, method, first, more in CASES:
        lines += ["", f"**{title}**", "", "```text"]
        said = [line for log in (text, json) for line in _said(log, method, first, more)]
        lines += [line.rstrip("\n") for line in said] + ["```"]
    lines += ["", "## Levels", ""]
    lines += [
        f"With `JSON`, `SystemLogLevel` ({', '.join(SYSTEM_LEVELS)}) chooses among these lines and `ApplicationLogLevel`"
    ]
    lines += [
        f"({', '.join(APPLICATION_LEVELS)}) among the function's own. Both are {DEFAULT_LEVEL} unless something else is set."
    ]
    return "\n".join(lines) + "\n"


def _said(log: PlatformLog, method: str, first: str, more: dict[str, Any]) -> list[str]:
    reports = {"report": REPORT, "failed": FAILED}
    arguments = [AT_MS, reports.get(first, first)] if first else [AT_MS]
    said = getattr(log, method)(*arguments, **more)
    return [line for line in ([said] if isinstance(said, str) or said is None else said) if line]
