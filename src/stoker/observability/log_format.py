"""The platform's own lines in a function's log, as text or as JSON, and which lines a log level lets through. Pure.

Texts and types are Lambda's ("Understanding Lambda log formats", "Telemetry API event schema"). A line ends with a
newline, as in CloudWatch. A method that returns None has nothing to say in that format, or not at that level.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from stoker.model.function import LoggingConfig
from stoker.model.invocation import Report
from stoker.observability.metering import billed_ms

SYSTEM_LEVELS = ("DEBUG", "INFO", "WARN")
APPLICATION_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
DEFAULT_LEVEL = "INFO"


class PlatformLog(Protocol):
    """What the platform says about one environment of a function. Times are in ms since the epoch."""

    def init_start(
        self, at_ms: int, *, runtime_version: str, runtime_arn: str, template: str | None = None
    ) -> str | None:
        """The environment begins: `runtime_version` like `python:3.11.v7`. `template` is Stoker's own: whether it
        begins from a template, or why it could not."""

    def restore_start(self, at_ms: int, *, runtime_version: str, runtime_arn: str) -> str | None:
        """The environment begins from SnapStart's snapshot."""

    def restored(
        self, at_ms: int, *, duration_ms: float, status: str, error_type: str | None = None
    ) -> Sequence[str | None]:
        """The runtime asked for its first event after a restore, or failed to."""

    def init_runtime_done(self, at_ms: int, *, status: str, error_type: str | None = None) -> str | None:
        """The runtime asked for its first event, or failed to. Status: success, error, failure or timeout."""

    def init_report(
        self, at_ms: int, *, duration_ms: float, status: str, error_type: str | None = None, phase: str = "init"
    ) -> str | None:
        """What the init took; `phase` is `invoke` when it failed before and ran again within an invocation."""

    def extension(
        self, at_ms: int, *, name: str, state: str, events: Sequence[str], error_type: str | None = None
    ) -> str | None:
        """How an extension stands at the end of the init."""

    def subscribed(self, at_ms: int, *, api: str, name: str, types: Sequence[str]) -> str | None:
        """An extension subscribed by the API `Telemetry` or `Logs`."""

    def start(self, at_ms: int, request_id: str) -> str | None:
        """An invocation begins."""

    def end(self, at_ms: int, report: Report, *, produced_bytes: int = 0) -> str | None:
        """The runtime is done with the invocation."""

    def report(self, at_ms: int, report: Report) -> str | None:
        """What the invocation used."""


class TextLog:
    """The format `Text`: tab-separated lines."""

    def __init__(self, *, version: str) -> None:
        self._version = version

    def init_start(
        self, at_ms: int, *, runtime_version: str, runtime_arn: str, template: str | None = None
    ) -> str | None:
        own = "" if template is None else f"\tTemplate: {template}"
        return f"INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_arn}{own}\n"

    def restore_start(self, at_ms: int, *, runtime_version: str, runtime_arn: str) -> str | None:
        return f"RESTORE_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_arn}\n"

    def restored(
        self, at_ms: int, *, duration_ms: float, status: str, error_type: str | None = None
    ) -> Sequence[str | None]:
        failure = "" if status == "success" else f"\tStatus: {status}{_error_type(error_type)}"
        return [f"RESTORE_REPORT Restore Duration: {duration_ms:.2f} ms{failure}\n"]

    def init_runtime_done(self, at_ms: int, *, status: str, error_type: str | None = None) -> str | None:
        return None

    def init_report(
        self, at_ms: int, *, duration_ms: float, status: str, error_type: str | None = None, phase: str = "init"
    ) -> str | None:
        if status == "success":
            return None
        return (
            f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\t"
            f"Status: {status}{_error_type(error_type)}\n"
        )

    def extension(
        self, at_ms: int, *, name: str, state: str, events: Sequence[str], error_type: str | None = None
    ) -> str | None:
        error = _error_type(error_type)
        return f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]{error}\n"

    def subscribed(self, at_ms: int, *, api: str, name: str, types: Sequence[str]) -> str | None:
        kinds = ", ".join(kind.capitalize() for kind in types)
        return f"{api.upper()}\tName: {name}\tState: Subscribed\tTypes: [{kinds}]\n"

    def start(self, at_ms: int, request_id: str) -> str | None:
        return f"START RequestId: {request_id} Version: {self._version}\n"

    def end(self, at_ms: int, report: Report, *, produced_bytes: int = 0) -> str | None:
        return f"END RequestId: {report.request_id}\n"

    def report(self, at_ms: int, report: Report) -> str | None:
        init = "" if report.init_ms is None else f"Init Duration: {report.init_ms:.2f} ms\t"
        if report.restore_ms is not None:
            billed = billed_ms(report.restore_ms)
            init += f"Restore Duration: {report.restore_ms:.2f} ms\tBilled Restore Duration: {billed} ms\t"
        status = "" if report.status == "success" else f"Status: {report.status}{_error_type(report.error_type)}"
        return (
            f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms\t"
            f"Billed Duration: {report.billed_ms} ms\tMemory Size: {report.memory_mb} MB\t"
            f"Max Memory Used: {report.max_memory_mb} MB\t{init}{status}\n"
        )


class JsonLog:
    """The format `JSON`: `{time, type, record}`, at or above the function's system log level."""

    def __init__(
        self,
        *,
        function: str,
        version: str,
        system_level: str = DEFAULT_LEVEL,
        initialization_type: str = "on-demand",
    ) -> None:
        self._init_phase = {"initializationType": initialization_type, "phase": "init"}
        self._function = function
        self._version = version
        self._lowest = SYSTEM_LEVELS.index(system_level)

    def init_start(
        self, at_ms: int, *, runtime_version: str, runtime_arn: str, template: str | None = None
    ) -> str | None:
        record = {**self._init_phase, **self._names(runtime_version, runtime_arn), **_optional("template", template)}
        return self._line("INFO", at_ms, "platform.initStart", record)

    def restore_start(self, at_ms: int, *, runtime_version: str, runtime_arn: str) -> str | None:
        return self._line("INFO", at_ms, "platform.restoreStart", self._names(runtime_version, runtime_arn))

    def restored(
        self, at_ms: int, *, duration_ms: float, status: str, error_type: str | None = None
    ) -> Sequence[str | None]:
        how = {"status": status, **_optional("errorType", error_type)}
        level = _level_of(status, "DEBUG")
        return [
            self._line(level, at_ms, "platform.restoreRuntimeDone", how),
            self._line(
                level, at_ms, "platform.restoreReport", {**how, "metrics": {"durationMs": round(duration_ms, 3)}}
            ),
        ]

    def _names(self, runtime_version: str, runtime_arn: str) -> Mapping[str, str]:
        return {
            "runtimeVersion": runtime_version,
            "runtimeVersionArn": runtime_arn,
            "functionName": self._function,
            "functionVersion": self._version,
        }

    def init_runtime_done(self, at_ms: int, *, status: str, error_type: str | None = None) -> str | None:
        record = {**self._init_phase, "status": status, **_optional("errorType", error_type)}
        return self._line(_level_of(status, "DEBUG"), at_ms, "platform.initRuntimeDone", record)

    def init_report(
        self, at_ms: int, *, duration_ms: float, status: str, error_type: str | None = None, phase: str = "init"
    ) -> str | None:
        record = {
            **self._init_phase,
            "phase": phase,
            "status": status,
            **_optional("errorType", error_type),
            "metrics": {"durationMs": round(duration_ms, 3)},
        }
        return self._line(_level_of(status, "DEBUG"), at_ms, "platform.initReport", record)

    def extension(
        self, at_ms: int, *, name: str, state: str, events: Sequence[str], error_type: str | None = None
    ) -> str | None:
        record = {"name": name, "state": state, "events": list(events), **_optional("errorType", error_type)}
        return self._line("INFO" if error_type is None else "WARN", at_ms, "platform.extension", record)

    def subscribed(self, at_ms: int, *, api: str, name: str, types: Sequence[str]) -> str | None:
        record = {"name": name, "state": "Subscribed", "types": list(types)}
        return self._line("INFO", at_ms, f"platform.{api.lower()}Subscription", record)

    def start(self, at_ms: int, request_id: str) -> str | None:
        return self._line("INFO", at_ms, "platform.start", {"requestId": request_id, "version": self._version})

    def end(self, at_ms: int, report: Report, *, produced_bytes: int = 0) -> str | None:
        record = {
            "requestId": report.request_id,
            "status": report.status,
            **_optional("errorType", report.error_type),
            "metrics": {"durationMs": round(report.duration_ms, 3), "producedBytes": produced_bytes},
        }
        return self._line(_level_of(report.status, "DEBUG"), at_ms, "platform.runtimeDone", record)

    def report(self, at_ms: int, report: Report) -> str | None:
        init_ms = None if report.init_ms is None else round(report.init_ms, 3)
        metrics = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
            **_optional("initDurationMs", init_ms),
            **_restore_metrics(report),
        }
        record = {
            "requestId": report.request_id,
            "metrics": metrics,
            "status": report.status,
            **_optional("errorType", report.error_type),
            **_spans(at_ms, report),
        }
        return self._line(_level_of(report.status, "INFO"), at_ms, "platform.report", record)

    def _line(self, level: str, at_ms: int, kind: str, record: Mapping[str, Any]) -> str | None:
        return event_line(at_ms, kind, record) if SYSTEM_LEVELS.index(level) >= self._lowest else None


def platform_log(
    *, function: str, version: str, logging: LoggingConfig, initialization_type: str = "on-demand"
) -> PlatformLog:
    """The log in the function's own format."""
    if logging.log_format == "JSON":
        return JsonLog(
            function=function,
            version=version,
            system_level=logging.system_level or DEFAULT_LEVEL,
            initialization_type=initialization_type,
        )
    return TextLog(version=version)


def application_line_passes(logging: LoggingConfig, line: str) -> bool:
    """Whether a line of the function's own is kept: in JSON format a JSON object below the level is not.

    An object without a valid `level` counts as INFO; a line that is no JSON object always passes.
    """
    if logging.log_format != "JSON" or not line.startswith("{"):
        return True
    try:
        level = json.loads(line).get("level")
    except (ValueError, RecursionError):
        return True
    lowest = APPLICATION_LEVELS.index(logging.application_level or DEFAULT_LEVEL)
    found = level.upper() if isinstance(level, str) else DEFAULT_LEVEL
    return APPLICATION_LEVELS.index(found if found in APPLICATION_LEVELS else DEFAULT_LEVEL) >= lowest


def logs_dropped_line(at_ms: int, records: int, size_bytes: int) -> str:
    """What a stream is told, in either format, when some of its lines could not be kept."""
    reason = (
        "The log database could not keep up, or its disk was nearly full; lines were dropped so that functions go on."
    )
    record = {"reason": reason, "droppedRecords": records, "droppedBytes": size_bytes}
    return event_line(at_ms, "platform.logsDropped", record)


def event_line(at_ms: int, kind: str, record: Mapping[str, Any]) -> str:
    """A line of the JSON format, which is an event of the Telemetry API too."""
    return json.dumps({"time": _moment(at_ms), "type": kind, "record": record}, separators=(",", ":")) + "\n"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level_of(status: str, on_success: str) -> str:
    return on_success if status == "success" else "WARN"


def _error_type(error_type: str | None) -> str:
    return "" if error_type is None else f"\tError Type: {error_type}"


def _restore_metrics(report: Report) -> Mapping[str, object]:
    if report.restore_ms is None:
        return {}
    restore_ms = round(report.restore_ms, 3)
    return {"restoreDurationMs": restore_ms, "billedRestoreDurationMs": billed_ms(report.restore_ms)}


def _spans(at_ms: int, report: Report) -> Mapping[str, object]:
    """How long extensions went on after the runtime; CloudWatch's PostRuntimeExtensionsDuration."""
    if report.extensions_ms is None:
        return {}
    start = _moment(at_ms - int(report.extensions_ms))
    return {"spans": [{"name": "extensionOverhead", "start": start, "durationMs": round(report.extensions_ms, 3)}]}


def _optional(name: str, value: object) -> dict[str, object]:
    return {} if value is None else {name: value}
