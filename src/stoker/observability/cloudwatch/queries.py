"""Queries for metrics' values and expressions over them, as GetMetricData and alarms have them: read and computed."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stoker.observability.cloudwatch.metric_math import Expression, MetricMath
from stoker.observability.cloudwatch.points import Metric
from stoker.observability.cloudwatch.reading import read_series
from stoker.observability.cloudwatch.series import Grid, MathError, Series, Value, series_of
from stoker.observability.cloudwatch.statistic import Statistic
from stoker.observability.cloudwatch.statistics import measure, needs_spread

# Of one metric in one answer (GetMetricData's quota for all of it): what an expression may fill.
MOST_POINTS = 100_800


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """One metric's statistic, or an expression over other queries by their ids.

    Of an expression `period_s` may be None: then it is the longest of those that it refers to.
    """

    id: str
    metric: Metric | None = None
    statistic: str = ""
    unit: str | None = None
    period_s: int | None = None
    expression: str | None = None
    label: str | None = None
    returned: bool = True


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A series that a query gave."""

    id: str
    series: Series


def answer(
    connection: sqlite3.Connection, math: MetricMath, queries: Sequence[MetricQuery], start: int, end: int
) -> list[Answer]:
    """The series of each query that is `returned`, in order. Raises MathError for expressions that have none."""
    answering = _Answering(connection, math, {query.id: query for query in queries}, start, end)
    found = []
    for query in queries:
        if query.returned:
            for series in series_of(answering.value(query.id)):
                label = query.label or (query.id if query.expression else "") or series.label
                found.append(Answer(id=query.id, series=Series(points=series.points, grid=series.grid, label=label)))
    return found


def check(math: MetricMath, queries: Sequence[MetricQuery]) -> None:
    """Whether queries can be answered at all: expressions are read, and refer to queries that are there.

    Raises MathError, UnbuiltFunctionError, UnknownStatisticError and UnbuiltStatisticError.
    """
    ids = {query.id for query in queries}
    for query in queries:
        if query.expression is None:
            measure(query.statistic)
            continue
        missing = math.parse(query.expression).names - ids
        if missing:
            raise MathError(f"Error in expression '{query.id}' [Undefined id {sorted(missing)[0]}]")


class _Answering:
    """Of one request: each query is computed once."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        math: MetricMath,
        queries: Mapping[str, MetricQuery],
        start: int,
        end: int,
    ) -> None:
        self._connection = connection
        self._math = math
        self._queries = queries
        self._start = start
        self._end = end
        self._values: dict[str, Value] = {}
        self._begun: set[str] = set()

    def value(self, id_: str) -> Value:
        if id_ not in self._values:
            if id_ in self._begun:
                raise MathError(f"Error in expression '{id_}' [It refers to itself]")
            self._begun.add(id_)
            query = self._queries[id_]
            self._values[id_] = self._read(query) if query.expression is None else self._compute(query)
        return self._values[id_]

    def _grid(self, period_s: int) -> Grid:
        grid = Grid(start=self._start, end=self._end, period_s=period_s)
        if (grid.end - grid.start) // period_s > MOST_POINTS:
            raise MathError(f"More than {MOST_POINTS} datapoints were asked for; choose a longer period")
        return grid

    def _read(self, query: MetricQuery) -> Series:
        assert query.metric is not None
        assert query.period_s is not None
        grid = self._grid(query.period_s)
        found = read_series(
            self._connection,
            query.metric,
            start=self._start,
            end=self._end,
            period_s=query.period_s,
            unit=query.unit,
            with_spread=needs_spread(query.statistic),
        )
        periods: dict[int, Statistic] = {}
        for (at, _), statistic in found.items():
            periods.setdefault(at, Statistic()).merge(statistic)
        value_of = measure(query.statistic)
        values = {at: value_of(statistic) for at, statistic in sorted(periods.items())}
        points = {at: value for at, value in values.items() if value is not None}
        return Series(points=points, grid=grid, label=query.metric.name)

    def _compute(self, query: MetricQuery) -> Value:
        expression = self._math.parse(query.expression or "")
        metrics = self._metrics(expression)
        values = {id_: self.value(id_) for id_ in expression.names if id_ in self._queries}
        periods = [series.grid.period_s for series in _all(values.values()) + list(metrics.values())]
        grid = self._grid(query.period_s or max(periods, default=60))
        return expression.evaluate(values=values, metrics=metrics, grid=grid)

    def _metrics(self, expression: Expression) -> Mapping[str, Series]:
        """What METRICS() gives: the metrics of the request, and no expressions."""
        if not expression.is_over_all:
            return {}
        ids = [query.id for query in self._queries.values() if query.expression is None]
        return {id_: series for id_ in ids if isinstance(series := self.value(id_), Series)}


def _all(values: Iterable[Value]) -> list[Series]:
    found: list[Series] = []
    for value in values:
        found += [value] if isinstance(value, Series) else value if isinstance(value, list) else []
    return found
