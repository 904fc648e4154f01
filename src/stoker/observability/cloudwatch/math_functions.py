"""Metric math's functions. Pure. Source: "Metric math syntax and functions" in the Amazon CloudWatch User Guide."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise

from stoker.observability.cloudwatch.series import MathError, Points, Series, Value, combine, each_point, series_of

Function = Callable[..., Value]


def _aggregate(of: Callable[[Sequence[float]], float]) -> Function:
    """Of a series the number for all its points; of a list the series for all of its series at each moment."""

    def aggregate(value: Value) -> Value:
        if isinstance(value, Series):
            return of(list(value.points.values())) if value.points else 0.0
        if not isinstance(value, list):
            return of([_number(value)])
        if not value:
            return []
        moments = sorted({at for series in value for at in series.points})
        points = {at: of([series.points[at] for series in value if at in series.points]) for at in moments}
        return value[0].with_points(points)

    return aggregate


def _steps(of: Callable[[int, float, int, float], float]) -> Function:
    """A series of what becomes of each two neighbouring points: the earlier's moment and value, the later's."""

    def steps(value: Value) -> Value:
        return _mapped(
            value,
            lambda points: {
                later: of(earlier, points[earlier], later, points[later]) for earlier, later in pairwise(sorted(points))
            },
        )

    return steps


def _of_time(part: Callable[[datetime], float]) -> Function:
    def of_time(value: Value) -> Value:
        return _mapped(value, lambda points: {at: part(datetime.fromtimestamp(at, UTC)) for at in points})

    return of_time


def _mapped(value: Value, change: Callable[[Points], Points]) -> Value:
    changed = [series.with_points(change(series.points)) for series in series_of(value)]
    return changed[0] if isinstance(value, Series) else changed


def _fill(value: Value, by: Value) -> Value:
    """What is missing is a number, the point before (REPEAT), between its neighbours (LINEAR), or from a series."""
    filled = [_fill_one(series, by) for series in series_of(value)]
    return filled[0] if isinstance(value, Series) else filled


def _fill_one(series: Series, by: Value) -> Series:
    points, filled = series.points, dict(series.points)
    known = sorted(points)
    missing = [at for at in series.grid if at not in points]
    if isinstance(by, Series):
        filled |= {at: by.points[at] for at in missing if at in by.points}
    elif by == "REPEAT":
        last: float | None = None
        for at in series.grid:
            last = points.get(at, last)
            if last is not None:
                filled[at] = last
    elif by == "LINEAR":
        for earlier, later in pairwise(known):
            slope = (points[later] - points[earlier]) / (later - earlier)
            filled |= {
                at: points[earlier] + slope * (at - earlier)
                for at in range(earlier, later, series.grid.period_s)
                if at not in points
            }
    else:
        filled |= dict.fromkeys(missing, _number(by))
    return series.with_points(dict(sorted(filled.items())))


def _if(condition: Value, yes: Value, no: Value | None = None) -> Value:
    if isinstance(condition, (int, float)):
        return yes if condition else [] if no is None else no
    if not isinstance(condition, Series):
        raise MathError("IF takes a number or a time series as its condition")
    chosen = {}
    for at, truth in condition.points.items():
        branch = yes if truth else no
        value = branch.points.get(at) if isinstance(branch, Series) else branch
        if isinstance(value, (int, float)):
            chosen[at] = value
    return condition.with_points(chosen)


def _slice(value: Value, start: Value, end: Value | None = None) -> Value:
    return series_of(value)[int(_number(start)) : None if end is None else int(_number(end))]


def _sort(value: Value, by: Value, order: Value, limit: Value | None = None) -> Value:
    key = _SORT_KEYS.get(str(by))
    if key is None or order not in ("ASC", "DESC"):
        raise MathError("SORT takes AVG, MIN, MAX or SUM, and ASC or DESC")
    found = sorted(series_of(value), key=lambda series: key(list(series.points.values()) or [0.0]))
    found = found[::-1] if order == "DESC" else found
    return found if limit is None else found[: int(_number(limit))]


def _first(value: Value, *, last: bool = False) -> Value:
    found = series_of(value)
    if not found:
        raise MathError("The array is empty")
    return found[-1 if last else 0]


def _period(value: Value) -> Value:
    if not isinstance(value, Series):
        raise MathError("PERIOD takes a metric")
    return float(value.grid.period_s)


def _log(logarithm: Callable[[float], float]) -> Function:
    return lambda value: each_point(lambda number: logarithm(number) if number > 0 else math.nan, value)


def _number(value: Value) -> float:
    if not isinstance(value, (int, float)):
        raise MathError("A number is expected")
    return float(value)


_SORT_KEYS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "AVG": statistics.fmean,
    "MAX": max,
    "MIN": min,
    "SUM": math.fsum,
}

FUNCTIONS: Mapping[str, Function] = {
    "ABS": lambda value: each_point(abs, value),
    "AVG": _aggregate(statistics.fmean),
    "CEIL": lambda value: each_point(math.ceil, value),
    "DATAPOINT_COUNT": _aggregate(len),
    "DATE": _of_time(lambda moment: moment.day),
    "DAY": _of_time(lambda moment: moment.isoweekday()),
    "DIFF": _steps(lambda _at, before, _then, now: now - before),
    "DIFF_TIME": _steps(lambda at, _before, then, _now: then - at),
    "EPOCH": _of_time(datetime.timestamp),
    "FILL": _fill,
    "FIRST": _first,
    "FLOOR": lambda value: each_point(math.floor, value),
    "HOUR": _of_time(lambda moment: moment.hour),
    "IF": _if,
    "LAST": lambda value: _first(value, last=True),
    "LOG": _log(math.log),
    "LOG10": _log(math.log10),
    "MAX": _aggregate(max),
    "METRIC_COUNT": lambda value: float(len(series_of(value))),
    "MIN": _aggregate(min),
    "MINUTE": _of_time(lambda moment: moment.minute),
    "MONTH": _of_time(lambda moment: moment.month),
    "PERIOD": _period,
    "RATE": _steps(lambda at, before, then, now: (now - before) / (then - at)),
    "REMOVE_EMPTY": lambda value: [series for series in series_of(value) if series.points],
    "RUNNING_SUM": lambda value: _mapped(
        value, lambda points: dict(zip(sorted(points), accumulate(points[at] for at in sorted(points)), strict=True))
    ),
    "SLICE": _slice,
    "SORT": _sort,
    "STDDEV": _aggregate(statistics.pstdev),
    "SUM": _aggregate(math.fsum),
    "YEAR": _of_time(lambda moment: moment.year),
}
"""By name; TIME_SERIES and METRICS, which need to know of the query, are the evaluation's own."""

UNBUILT = frozenset(
    {"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SEARCH", "SERVICE_QUOTA"}
)


def power(left: Value, right: Value) -> Value:
    """`^`, within what a number can be: 10 ^ 400 has no value."""
    return combine(lambda base, exponent: math.pow(base, exponent), left, right)
