"""The REPORT line that ends an invocation's log, read back into figures."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_FIELD = re.compile(r"((?:Billed |Init )?Duration|Memory Size|Max Memory Used): ([\d.]+) (?:ms|MB)")


@dataclass(frozen=True, kw_only=True)
class UsageReport:
    """What one invocation used: durations in milliseconds, memory in MB. `init_ms` is None when it was warm."""

    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None

    def as_members(self) -> dict[str, float | None]:
        return {
            "durationMs": self.duration_ms,
            "billedMs": self.billed_ms,
            "memoryMb": self.memory_mb,
            "maxMemoryMb": self.max_memory_mb,
            "initMs": self.init_ms,
        }

    @property
    def sentence(self) -> str:
        """For people: `cold start · init 12.40 ms + run 1.20 ms · billed 14 ms · 9 of 128 MB`."""
        start = "warm" if self.init_ms is None else f"cold start · init {self.init_ms:.2f} ms"
        return (
            f"{start} · ran {self.duration_ms:.2f} ms · billed {self.billed_ms} ms · "
            f"used {self.max_memory_mb} of {self.memory_mb} MB"
        )


def log_lines(log_result: str) -> list[str]:
    """The lines of an answer's `LogResult`: the last 4 KB of the log in base64."""
    return base64.b64decode(log_result).decode(errors="replace").splitlines()


def find_report(lines: Sequence[str]) -> UsageReport | None:
    """The last report among log lines, in either of Lambda's formats; None when there is none."""
    for line in reversed(lines):
        report = _from_text(line) if line.startswith("REPORT ") else _from_json(line)
        if report is not None:
            return report
    return None


def is_report(line: str) -> bool:
    return find_report([line]) is not None


def _from_text(line: str) -> UsageReport | None:
    figures = dict(_FIELD.findall(line))
    if not {"Duration", "Billed Duration", "Memory Size", "Max Memory Used"} <= figures.keys():
        return None
    return UsageReport(
        duration_ms=float(figures["Duration"]),
        billed_ms=int(figures["Billed Duration"]),
        memory_mb=int(figures["Memory Size"]),
        max_memory_mb=int(figures["Max Memory Used"]),
        init_ms=float(figures["Init Duration"]) if "Init Duration" in figures else None,
    )


def _from_json(line: str) -> UsageReport | None:
    if '"platform.report"' not in line:
        return None
    try:
        metrics: dict[str, Any] = json.loads(line)["record"]["metrics"]
        return UsageReport(
            duration_ms=metrics["durationMs"],
            billed_ms=metrics["billedDurationMs"],
            memory_mb=metrics["memorySizeMB"],
            max_memory_mb=metrics["maxMemoryUsedMB"],
            init_ms=metrics.get("initDurationMs"),
        )
    except (ValueError, KeyError, TypeError):
        # A function can print the word too, or the 4 KB begin in the middle of the line.
        return None
