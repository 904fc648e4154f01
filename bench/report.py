"""The figures as rows, each held against its target, and the rows as text, Markdown and JSON."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cold import ColdFigures, burst_ratio
from console import ConsoleFigures, p95
from events import EventFigures
from gateway import IDLE_CONNECTIONS, GatewayFigures
from heavy import HeavyFigures
from lists import ListFigures
from many_functions import FEW, FEW_FUNCTIONS, IDLE_FUNCTIONS, MANY, ManyFigures
from memory import Footprint, MemoryFigures
from objects import LARGE_MB, ObjectFigures
from queues import FEW_WAITING, QueueFigures
from tables import FEW_ITEMS, TableFigures
from warm import WarmFigures

MB = 1_048_576
HEADINGS = ("what", "Stoker", "beside", "its figure", "ratio", "target", "met")
COLD = "cold start, Python hello"
ONE_CLIENT = "warm invoke, one client, p50"
CPU = "CPU of all processes, one invoke"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a ratio has to be."""

    ratio: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"ratio {'≥' if self.at_least else '≤'} {self.ratio:g}"

    def holds(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.at_least else ratio <= self.ratio


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


HALF = Bound(ratio=0.5)
HEAVY = Bound(ratio=1.5)
GATEWAY = Bound(ratio=1.3)
SAME_COST = Bound(ratio=1.25)
OPEN = Bound(ratio=0.95, at_least=True)
SAME = Bound(ratio=0.8, at_least=True)
# The others are only there to compare with.
BOUNDS = {"serverless-offline": {"latency": Bound(ratio=0.8), "throughput": Bound(ratio=1.4, at_least=True)}}
COLD_MS = 10


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _paired(
    what: str, unit: str, ours: Sequence[float], beside: str, theirs: Sequence[float], bound: Bound | None = None
) -> Row:
    """A row from two lists of rounds."""
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Row(
        what=what,
        value=statistics.median(ours),
        unit=unit,
        beside=beside,
        reference=statistics.median(theirs),
        ratio=ratio,
        target="" if bound is None else str(bound),
        met=None if bound is None else bound.holds(ratio),
    )


def cold_rows(figures: ColdFigures, burst_size: int) -> list[Row]:
    ratio = burst_ratio(figures)
    hello = statistics.median(figures.hello)
    rows = [
        Row(what=COLD, value=hello, unit="ms", target=f"≤ {COLD_MS} ms", met=hello <= COLD_MS),
        _paired(COLD, "ms", figures.hello, "python3 -c pass", figures.python, HALF),
        _paired(COLD, "ms", figures.hello, "python3 -S -c pass", figures.python_without_site),
        *(_paired(COLD, "ms", figures.hello, peer, theirs) for peer, theirs in figures.peers.items()),
        *(_not_measured(COLD, hello, "ms", peer, why) for peer, why in figures.failed.items()),
        Row(
            what=f"{burst_size} cold starts at once, the last",
            value=statistics.median(figures.burst),
            unit="ms",
            beside="one cold start",
            reference=hello,
            ratio=ratio,
            target="ratio ≤ 10",
            met=ratio <= 10,
        ),
    ]
    if figures.node:
        rows.append(_paired("cold start, Node hello", "ms", figures.node_hello, "node -e 0", figures.node))
    return rows


def heavy_rows(figures: HeavyFigures) -> list[Row]:
    """A function with numpy and pandas, from its template."""
    what = "cold start, numpy and pandas, from its template"
    ordinary = Row(what="cold start, numpy and pandas, without one", value=figures.ordinary, unit="ms")
    return [_paired(what, "ms", figures.heavy, "cold start, hello", figures.hello, HEAVY), ordinary]


def warm_rows(figures: dict[str, WarmFigures], missing: dict[str, str], connections: int) -> list[Row]:
    """`missing` says of each peer that could not be measured why not."""
    stoker, together = figures["stoker"], f"warm invokes, {connections} connections"
    rows = [
        _not_measured(ONE_CLIENT, statistics.median(stoker.p50_ms), "ms", peer, why) for peer, why in missing.items()
    ]
    for peer, other in figures.items():
        if other is stoker:
            continue
        bounds = BOUNDS.get(peer, {})
        rows.append(_paired(ONE_CLIENT, "ms", stoker.p50_ms, peer, other.p50_ms, bounds.get("latency")))
        rows.append(_paired(together, "/s", stoker.per_second, peer, other.per_second, bounds.get("throughput")))
        rows.append(_paired(CPU, "µs", stoker.cpu_us, peer, other.cpu_us))
    return rows


def _not_measured(what: str, value: float, unit: str, peer: str, why: str) -> Row:
    reason = " ".join(why.split())[:120]
    return Row(what=what, value=value, unit=unit, beside=f"{peer}, not measured: {reason}")


def many_rows(figures: ManyFigures, many: int) -> list[Row]:
    """Functions that are only there cost no process, and make nothing slow."""
    more = figures.idle.processes - figures.few.processes
    kilobytes = (figures.idle.pss - figures.few.pss) / 1024 / (IDLE_FUNCTIONS - FEW_FUNCTIONS)
    idle, among = f"of {IDLE_FUNCTIONS:,} idle functions", f"among {FEW_FUNCTIONS}"
    return [
        Row(what=f"processes {idle}", value=more, unit="", target="0", met=more <= 0),
        Row(what=f"memory of one {idle}", value=max(0.0, kilobytes), unit="KB"),
        *(
            _paired(f"{what}, {many:,} functions", "ms", taken[MANY], among, taken[FEW], SAME_COST)
            for what, taken in (
                (COLD, figures.first),
                ("GetFunction", figures.got),
                ("a page of ListFunctions", figures.listed),
            )
        ),
    ]


def gateway_rows(figures: GatewayFigures) -> list[Row]:
    kilobytes = figures.idle_bytes / 1024
    direct = f"Invoke less its signature ({figures.signature_us:.0f} µs)"
    return [
        _paired("HTTP API call, one client, p50", "ms", figures.api.p50_ms, direct, figures.invoke.p50_ms, GATEWAY),
        _paired("CPU of all processes, one HTTP API call", "µs", figures.api.cpu_us, direct, figures.invoke.cpu_us),
        _paired("HTTP API call, one client, p50", "ms", figures.api.p50_ms, "function URL", figures.url.p50_ms),
        Row(
            what=f"one of {IDLE_CONNECTIONS:,} idle connections",
            value=kilobytes,
            unit="KB",
            target="≤ 20 KB",
            met=kilobytes <= 20,
        ),
    ]


def memory_rows(fresh: Footprint, figures: MemoryFigures) -> list[Row]:
    return [
        _memory_row("idle warm environment", figures.environment, at_most_mb=8),
        _memory_row("Stoker, just started", fresh, at_most_mb=120),
        _memory_row("Stoker, after a function has run", figures.stoker, at_most_mb=120),
    ]


def crowd_row(figures: Footprint, count: int) -> Row:
    """Many environments share what a few would have each for themselves."""
    value = figures.pss / MB / count
    what = f"each of {count} environments at once, PSS"
    return Row(what=what, value=value, unit="MB", target="≤ 6 MB", met=value <= 6)


def _memory_row(what: str, footprint: Footprint, *, at_most_mb: int) -> Row:
    value = footprint.pss / MB
    return Row(
        what=f"{what}, PSS of {footprint.processes} processes",
        value=value,
        unit="MB",
        target=f"≤ {at_most_mb} MB",
        met=value <= at_most_mb,
    )


def table_rows(figures: TableFigures, many: int) -> list[Row]:
    """A point operation costs the same in a large table as in a small one."""
    large, small = f"of {many:,} items", f"in one of {FEW_ITEMS:,}"
    reads = _paired(f"DynamoDB reads, table {large}", "/s", figures.many_reads, small, figures.few_reads, SAME)
    writes = _paired(f"DynamoDB writes, table {large}", "/s", figures.many_writes, small, figures.few_writes, SAME)
    return [reads, writes]


def object_rows(figures: ObjectFigures) -> list[Row]:
    """S3: small objects, and a large one."""
    large = f"S3: an object of {LARGE_MB} MB"
    return [
        Row(what="S3: durable puts of 1 kB, 8 clients", value=statistics.median(figures.puts), unit="/s"),
        Row(what="S3: gets of 1 kB, 8 clients", value=statistics.median(figures.gets), unit="/s"),
        Row(what=f"{large}, put", value=statistics.median(figures.large_puts), unit="MB/s"),
        Row(what=f"{large}, get", value=statistics.median(figures.large_gets), unit="MB/s"),
    ]


def queue_rows(figures: QueueFigures, many: int) -> list[Row]:
    """SQS: what eight clients get done, and what waits costs."""
    ms, few = statistics.median(figures.first_ms), f"with {FEW_WAITING} waiting"
    return [
        _rate_row("SQS: durable sends, 8 clients", figures.sends),
        _rate_row("SQS: receive and delete, 8 clients", figures.cycles),
        _paired(f"SQS: a receive, {many:,} waiting", "ms", figures.many_ms, few, figures.few_ms, SAME_COST),
        Row(what="SQS: from an idle queue to the handler", value=ms, unit="ms", target="≤ 20 ms", met=ms <= 20),
    ]


def _rate_row(what: str, rates: Sequence[float], least: int = 2000) -> Row:
    value = statistics.median(rates)
    return Row(what=what, value=value, unit="/s", target=f"≥ {least:,}/s", met=value >= least)


def list_rows(figures: ListFigures, many: int) -> list[Row]:
    """S3's lists: a page costs the same whatever is around it."""
    keys, folders = (figures.many_keys, figures.few_keys), (figures.many_folders, figures.few_folders)
    return [
        _paired(f"S3: a page of keys, among {many:,}", "ms", keys[0], f"among {many // 100:,}", keys[1], SAME_COST),
        _paired(
            f"S3: a page of folders, with {many:,} keys",
            "ms",
            folders[0],
            f"with {many // 100:,}",
            folders[1],
            SAME_COST,
        ),
    ]


def event_rows(figures: EventFigures, connections: int) -> list[Row]:
    """Asynchronous invocations: accepted, and run and settled beside synchronous ones."""
    cpu = statistics.median(figures.cpu_us)
    return [
        _rate_row(f"asynchronous events accepted, {connections} connections", figures.accepted, 5000),
        _paired("asynchronous events, run and settled", "/s", figures.settled, "warm invokes", figures.invokes),
        Row(what="CPU of all processes, one asynchronous event", value=cpu, unit="µs"),
    ]


def console_rows(figures: ConsoleFigures) -> list[Row]:
    """The console before a thousand functions: pages, a live tail, and what an open one takes."""
    page, slowest = figures.slowest
    line, closed = p95(figures.lines_ms), figures.closed
    rows = [
        Row(
            what=f"console: the slowest page ({page}), p95",
            value=slowest,
            unit="ms",
            target="≤ 300 ms",
            met=slowest <= 300,
        ),
        Row(what="console: a line in the live tail, p95", value=line, unit="ms", target="≤ 500 ms", met=line <= 500),
    ]
    for what, figure, bound in (
        ("environments open", figures.watched, OPEN),
        ("and a live tail of them", figures.tailed, None),
    ):
        invokes = f"warm invokes, {what}"
        rows.append(_paired(invokes, "/s", figure.per_second, "console closed", closed.per_second, bound))
        cpu = f"CPU of the server's process, one invoke, {what}"
        rows.append(_paired(cpu, "µs", figure.cpu_us, "console closed", closed.cpu_us))
    return rows


def peer_rows(figures: dict[str, WarmFigures]) -> list[Row]:
    """The peers by themselves, for a run without Stoker."""
    rows = []
    for peer, figure in figures.items():
        for what, unit, values in (
            (ONE_CLIENT, "ms", figure.p50_ms),
            ("warm invokes, all connections", "/s", figure.per_second),
            (CPU, "µs", figure.cpu_us),
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
