"""Values of metric math: numbers, series of numbers by moment, and lists of series; and operators on them. Pure."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

# Moments are seconds since the epoch.
Points = Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where a series may have points: from `start` to before `end`, every `period_s` seconds."""

    start: int
    end: int
    period_s: int

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.end, self.period_s))


@dataclass(frozen=True, kw_only=True)
class Series:
    """Points of one metric, or made of such. `label` is what it is called in an answer."""

    points: Points
    grid: Grid
    label: str = ""

    def with_points(self, points: Points) -> "Series":
        return Series(points=finite(points), grid=self.grid, label=self.label)


# `str` are texts and keywords that functions take.
Value = float | Series | list[Series] | str
Operator = Callable[[float, float], float]


class MathError(Exception):
    """What is wrong with an expression, in words for whoever wrote it."""


def finite(points: Points) -> Points:
    """Without what a division by zero and the like give: CloudWatch has no datapoint there."""
    return {at: value for at, value in points.items() if math.isfinite(value)}


def combine(operator: Operator, left: Value, right: Value) -> Value:
    """An operator on two values: on series, for each moment that both have; on lists, for each of their series."""
    if isinstance(left, str) or isinstance(right, str):
        raise MathError("A text can be no operand")
    if isinstance(left, list) or isinstance(right, list):
        return _combine_lists(operator, left, right)
    if isinstance(left, Series) and isinstance(right, Series):
        common = {
            at: _applied(operator, value, right.points[at]) for at, value in left.points.items() if at in right.points
        }
        return left.with_points(common)
    if isinstance(left, Series):
        number = _number(right)
        return left.with_points({at: _applied(operator, value, number) for at, value in left.points.items()})
    if isinstance(right, Series):
        return right.with_points({at: _applied(operator, left, value) for at, value in right.points.items()})
    return _applied(operator, left, _number(right))


def _combine_lists(operator: Operator, left: Value, right: Value) -> Value:
    if isinstance(left, list) and isinstance(right, list):
        raise MathError("Two arrays can be no operands of one operator")
    if isinstance(left, list):
        pairs = [combine(operator, each, right) for each in left]
    else:
        assert isinstance(right, list)
        pairs = [combine(operator, left, each) for each in right]
    return [each for each in pairs if isinstance(each, Series)]


def each_point(function: Callable[[float], float], value: Value) -> Value:
    """A function of one number, on a number, on each point of a series, or of all series of a list."""
    return combine(lambda number, _: function(number), value, 0.0)


def series_of(value: Value) -> list[Series]:
    """A value as series. Raises MathError for numbers and texts."""
    if isinstance(value, Series):
        return [value]
    if isinstance(value, list):
        return value
    raise MathError("A time series or an array of time series is expected")


def _applied(operator: Operator, left: float, right: float) -> float:
    """A result that is no number has no point."""
    try:
        result = operator(left, right)
    except (ArithmeticError, ValueError):
        return math.nan
    return result if isinstance(result, (int, float)) else math.nan


def _number(value: Value) -> float:
    if not isinstance(value, (int, float)):
        raise MathError("A number is expected")
    return value
