"""The figures as rows, each held against its target, and the rows as text, Markdown and JSON."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cold import ColdFigures, burst_ratio
from memory import MemoryFigures
from warm import WarmFigures

MB = 1_048_576
HEADINGS = ("what", "Stoker", "beside", "its figure", "ratio", "target", "met")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison. `ratio` is the median of the rounds' ratios; `met` is None where there is nothing to meet."""

    what: str
    value: float
    unit: str
    beside: str = ""
    reference: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        return (
            self.what,
            f"{_shown(self.value)} {self.unit}",
            self.beside,
            "" if self.reference is None else f"{_shown(self.reference)} {self.unit}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            self.target,
            {True: "yes", False: "NO", None: ""}[self.met],
        )


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _paired(what: str, unit: str, ours: Sequence[float], beside: str, theirs: Sequence[float], **target: float) -> Row:
    """A row from two lists of rounds. `target` is `at_most` or `at_least`, a ratio, or nothing."""
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    words, met = "", None
    if "at_most" in target:
        words, met = f"ratio ≤ {target['at_most']:g}", ratio <= target["at_most"]
    elif "at_least" in target:
        words, met = f"ratio ≥ {target['at_least']:g}", ratio >= target["at_least"]
    return Row(
        what=what,
        value=statistics.median(ours),
        unit=unit,
        beside=beside,
        reference=statistics.median(theirs),
        ratio=ratio,
        target=words,
        met=met,
    )


def cold_rows(figures: ColdFigures, burst_size: int) -> list[Row]:
    ratio = burst_ratio(figures)
    rows = [
        _paired("cold start, Python hello", "ms", figures.hello, "python3 -c pass", figures.python, at_most=0.5),
        _paired("cold start, Python hello", "ms", figures.hello, "python3 -S -c pass", figures.python_without_site),
        Row(
            what=f"{burst_size} cold starts at once, the last",
            value=statistics.median(figures.burst),
            unit="ms",
            beside="one cold start",
            reference=statistics.median(figures.hello),
            ratio=ratio,
            target="ratio ≤ 10",
            met=ratio <= 10,
        ),
    ]
    if figures.node:
        rows.append(_paired("cold start, Node hello", "ms", figures.node_hello, "node -e 0", figures.node))
    return rows


def warm_rows(figures: dict[str, WarmFigures], missing: dict[str, str], connections: int) -> list[Row]:
    """`missing` says of each peer that could not run why not."""
    stoker = figures["stoker"]
    what = f"warm invokes, {connections} connections"
    rows = []
    for peer, target in (("serverless-offline", 1.0), ("bare uvicorn", None)):
        if peer not in figures:
            continue
        latency = {} if target is None else {"at_most": target}
        throughput = {} if target is None else {"at_least": target}
        other = figures[peer]
        rows.append(_paired("warm invoke, one client, p50", "ms", stoker.p50_ms, peer, other.p50_ms, **latency))
        rows.append(_paired(what, "/s", stoker.per_second, peer, other.per_second, **throughput))
        rows.append(_paired("CPU of all processes, one invoke", "µs", stoker.cpu_us, peer, other.cpu_us))
    for peer, reason in missing.items():
        rows.append(
            Row(what="warm invoke", value=statistics.median(stoker.p50_ms), unit="ms", beside=f"{peer}: {reason}")
        )
    return rows


def memory_rows(figures: MemoryFigures) -> list[Row]:
    environment, stoker = figures.environment / MB, figures.stoker / MB
    return [
        Row(
            what=f"idle warm environment, PSS of {figures.environment_processes} process(es)",
            value=environment,
            unit="MB",
            target="≤ 8 MB",
            met=environment <= 8,
        ),
        Row(
            what=f"Stoker idle, PSS of {figures.stoker_processes} processes",
            value=stoker,
            unit="MB",
            target="≤ 120 MB",
            met=stoker <= 120,
        ),
    ]


def peer_rows(figures: dict[str, WarmFigures]) -> list[Row]:
    """The peers by themselves, for a run without Stoker."""
    rows = []
    for peer, figure in figures.items():
        for what, unit, values in (
            ("warm invoke, one client, p50", "ms", figure.p50_ms),
            ("warm invokes, all connections", "/s", figure.per_second),
            ("CPU of all processes, one invoke", "µs", figure.cpu_us),
        ):
            rows.append(Row(what=f"{peer}: {what}", value=statistics.median(values), unit=unit))
    return rows


def as_text(rows: Sequence[Row]) -> str:
    cells = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells)


def as_markdown(rows: Sequence[Row]) -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    return [asdict(row) for row in rows]
