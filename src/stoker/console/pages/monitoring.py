"""A function's figures over time: calls and failures, durations, throttles and concurrency, from CloudWatch's API."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.console.routing import Route, get
from stoker.console.visit import InputError, Page, Visit

# What can be looked at: how far back, and how long one column is, in seconds.
SPANS: Mapping[str, tuple[str, int, int]] = {
    "1h": ("an hour", 3_600, 60),
    "3h": ("three hours", 10_800, 180),
    "1d": ("a day", 86_400, 1_200),
    "1w": ("a week", 604_800, 10_800),
}
WIDTH, HEIGHT = 600.0, 120.0


@dataclass(frozen=True, kw_only=True)
class Column:
    """One period of one series, in the plot's units, and what it says when one points at it."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One series of a plot, with its sum or its greatest value as it is shown beside its name."""

    label: str
    total: str
    columns: Sequence[Column]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Series over one another; each is a part of the one before."""

    title: str
    series: Sequence[Drawn]
    most: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A series to ask for."""

    id: str
    metric: str
    statistic: str
    label: str
    unit: str = ""
    summed: bool = True


PLOTS: Sequence[tuple[str, Sequence[Wanted]]] = (
    (
        "Calls",
        (
            Wanted(id="calls", metric="Invocations", statistic="Sum", label="Calls"),
            Wanted(id="failed", metric="Errors", statistic="Sum", label="Failed"),
        ),
    ),
    (
        "Duration",
        (
            Wanted(id="p95", metric="Duration", statistic="p95", label="95 of 100 within", unit="ms", summed=False),
            Wanted(id="p50", metric="Duration", statistic="p50", label="half within", unit="ms", summed=False),
        ),
    ),
    ("Throttled", (Wanted(id="throttled", metric="Throttles", statistic="Sum", label="Throttled"),)),
    (
        "At once",
        (Wanted(id="at_once", metric="ConcurrentExecutions", statistic="Maximum", label="Most at once", summed=False),),
    ),
)


class MonitoringPage:
    """Reads with the reader's own rights."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [get("/functions/{name}/monitoring", self.show)]

    async def show(self, visit: Visit) -> Page:
        chosen = visit.query.get("span", "3h")
        if chosen not in SPANS:
            raise InputError(f"{chosen} is no span: it is one of {', '.join(SPANS)}.")
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=visit.names["name"])
        _, back_s, period_s = SPANS[chosen]
        end = (int(time.time()) // period_s + 1) * period_s
        answer = await visit.aws.call(
            "cloudwatch",
            "GetMetricData",
            MetricDataQueries=[_query(each, known["FunctionName"], period_s) for _, wanted in PLOTS for each in wanted],
            StartTime=datetime.fromtimestamp(end - back_s, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        points = {result["Id"]: _points(result) for result in answer["MetricDataResults"]}
        drawn = [_plot(title, wanted, points, end - back_s, back_s, period_s) for title, wanted in PLOTS]
        context = {
            "function": known,
            "tab": "monitoring",
            "spans": [(name, words) for name, (words, _, _) in SPANS.items()],
            "span": chosen,
            "plots": drawn,
            "width": WIDTH,
            "height": HEIGHT,
        }
        return Page(template="function_monitoring.html", context=context)


def _points(result: Mapping[str, Any]) -> Mapping[int, float]:
    moments = (int(at.timestamp()) for at in result["Timestamps"])
    return dict(zip(moments, result["Values"], strict=True))


def _query(wanted: Wanted, function: str, period_s: int) -> Mapping[str, Any]:
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": wanted.metric,
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
    }
    return {"Id": wanted.id, "MetricStat": {"Metric": metric, "Period": period_s, "Stat": wanted.statistic}}


def _plot(
    title: str,
    wanted: Sequence[Wanted],
    points: Mapping[str, Mapping[int, float]],
    start: int,
    back_s: int,
    period_s: int,
) -> Plot:
    most = max((value for each in wanted for value in points.get(each.id, {}).values()), default=0.0)
    width = WIDTH * period_s / back_s
    series = []
    for each in wanted:
        of_each = points.get(each.id, {})
        columns = [
            Column(
                x=(at - start) / back_s * WIDTH,
                y=HEIGHT - (height := HEIGHT * value / most if most else 0.0),
                width=max(width - 0.5, 0.5),
                height=height,
                says=f"{each.label}: {_shown(value, each.unit)}, {datetime.fromtimestamp(at, UTC):%d %b %H:%M} UTC",
            )
            for at, value in sorted(of_each.items())
            if value > 0
        ]
        told = sum(of_each.values()) if each.summed else max(of_each.values(), default=0.0)
        series.append(Drawn(label=each.label, total=_shown(told, each.unit), columns=columns))
    return Plot(title=title, series=series, most=_shown(most, wanted[0].unit))


def _shown(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return f"{number} {unit}".rstrip()
