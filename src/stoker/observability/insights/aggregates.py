"""The functions of `stats`: of the values of a group's rows to one. Each group has its own."""

import math
from array import array
from collections.abc import Callable, Mapping
from typing import Protocol

from stoker.observability.insights.values import Value, number, sort_key, text


class Aggregate(Protocol):
    """`add` a value for each row, with the row's time in ms; then `result`."""

    def add(self, value: Value, time_ms: int) -> None: ...

    def result(self) -> Value: ...


class Count:
    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Value, time_ms: int) -> None:
        if value is not None:
            self._count += 1

    def result(self) -> Value:
        return self._count


class Distinct:
    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: set[str | None] = set()

    def add(self, value: Value, time_ms: int) -> None:
        if value is not None:
            self._seen.add(text(value))

    def result(self) -> Value:
        return len(self._seen)


class Sum:
    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum: float = 0
        self._count = 0

    def add(self, value: Value, time_ms: int) -> None:
        found = number(value)
        if found is not None:
            self._sum += found
            self._count += 1

    def result(self) -> Value:
        return self._sum if self._count else None


class Average(Sum):
    __slots__ = ()

    def result(self) -> Value:
        return self._sum / self._count if self._count else None


class _Best:
    """The best of the numbers, as it came: a moment stays one."""

    __slots__ = ("_best", "_number")

    def __init__(self) -> None:
        self._best: Value = None
        self._number: float | None = None

    def add(self, value: Value, time_ms: int) -> None:
        found = number(value)
        if found is not None and (self._number is None or self.better(found, self._number)):
            self._number = found
            self._best = value if not isinstance(value, str) else found

    def result(self) -> Value:
        return self._best

    @staticmethod
    def better(one: float, other: float) -> bool:
        raise NotImplementedError


class Min(_Best):
    __slots__ = ()

    @staticmethod
    def better(one: float, other: float) -> bool:
        return one < other


class Max(_Best):
    __slots__ = ()

    @staticmethod
    def better(one: float, other: float) -> bool:
        return one > other


class Deviation:
    """Of the population, by Welford's method."""

    __slots__ = ("_count", "_mean", "_squares")

    def __init__(self) -> None:
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, value: Value, time_ms: int) -> None:
        found = number(value)
        if found is not None:
            self._count += 1
            apart = found - self._mean
            self._mean += apart / self._count
            self._squares += apart * (found - self._mean)

    def result(self) -> Value:
        return math.sqrt(self._squares / self._count) if self._count else None


class Percentile:
    """The smallest number that so many percent are not above. CloudWatch estimates it; this is exact."""

    __slots__ = ("_numbers", "_percent")

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._numbers = array("d")

    def add(self, value: Value, time_ms: int) -> None:
        found = number(value)
        if found is not None:
            self._numbers.append(found)

    def result(self) -> Value:
        if not self._numbers:
            return None
        place = math.ceil(self._percent / 100 * len(self._numbers))
        return sorted(self._numbers)[max(place, 1) - 1]


class _Chosen:
    """The value that comes first or last by some order."""

    __slots__ = ("_chosen", "_key", "_last", "_order")

    def __init__(self, order: Callable[[Value, int], object], *, last: bool) -> None:
        self._order = order
        self._last = last
        self._chosen: Value = None
        self._key: object = None

    def add(self, value: Value, time_ms: int) -> None:
        if value is None:
            return
        key = self._order(value, time_ms)
        if self._key is None or (key > self._key if self._last else key < self._key):  # type: ignore[operator]
            self._key, self._chosen = key, value

    def result(self) -> Value:
        return self._chosen


def _by_time(value: Value, time_ms: int) -> object:
    return time_ms


def _by_value(value: Value, time_ms: int) -> object:
    return sort_key(value)


AGGREGATES: Mapping[str, Callable[[], Aggregate]] = {
    "count": Count,
    "count_distinct": Distinct,
    "sum": Sum,
    "avg": Average,
    "min": Min,
    "max": Max,
    "stddev": Deviation,
    "median": lambda: Percentile(50.0),
    "earliest": lambda: _Chosen(_by_time, last=False),
    "latest": lambda: _Chosen(_by_time, last=True),
    "sortsfirst": lambda: _Chosen(_by_value, last=False),
    "sortslast": lambda: _Chosen(_by_value, last=True),
}
# They take a number besides.
PERCENTILES = frozenset({"pct", "percentile"})
