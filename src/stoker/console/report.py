"""What the log of an invocation says about it: its REPORT line, in either of the two formats. Pure."""

import json
import re
from dataclasses import dataclass

_TEXT = re.compile(r"^REPORT RequestId: (\S+)\t(.*)$", re.MULTILINE)
_NUMBER = re.compile(r"(Duration|Billed Duration|Memory Size|Max Memory Used|Init Duration|Restore Duration): ([\d.]+)")
_OF_JSON = {
    "durationMs": "Duration",
    "billedDurationMs": "Billed Duration",
    "memorySizeMB": "Memory Size",
    "maxMemoryUsedMB": "Max Memory Used",
    "initDurationMs": "Init Duration",
    "restoreDurationMs": "Restore Duration",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Milliseconds and megabytes; what the line does not say is None."""

    duration: float | None = None
    billed: float | None = None
    memory: float | None = None
    used: float | None = None
    init: float | None = None
    restore: float | None = None


def report_in(log: str) -> Report | None:
    """The last report that a log has; None if it has none."""
    lines = _TEXT.findall(log)
    numbers = {name: float(number) for name, number in _NUMBER.findall(lines[-1][1])} if lines else _json_numbers(log)
    if not numbers:
        return None
    return Report(
        duration=numbers.get("Duration"),
        billed=numbers.get("Billed Duration"),
        memory=numbers.get("Memory Size"),
        used=numbers.get("Max Memory Used"),
        init=numbers.get("Init Duration"),
        restore=numbers.get("Restore Duration"),
    )


def _json_numbers(log: str) -> dict[str, float]:
    for line in reversed(log.splitlines()):
        if '"platform.report"' not in line:
            continue
        try:
            metrics = json.loads(line)["record"]["metrics"]
            return {_OF_JSON[name]: float(value) for name, value in metrics.items() if name in _OF_JSON}
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return {}
