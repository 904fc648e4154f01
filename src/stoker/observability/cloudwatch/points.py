"""Samples on their way to the database, summed up by metric, unit and period."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from stoker.observability.cloudwatch.statistic import Statistic

MINUTE_S = 60
# Periods that one batch may speak of: what many hostile lines say beyond it is dropped, not held in memory.
MOST_POINTS = 20_000
# And that one publisher's lines may: others' are in the same batch.
MOST_POINTS_OF_ONE = 4_000
# PutMetricData's documented range of values: magnitudes from 2^-360 to 2^360, and zero.
GREATEST = 2.0**360
# And of timestamps.
OLDEST_S = 14 * 86_400.0
NEWEST_S = 2 * 3600.0


class Metric(NamedTuple):
    """A metric's identity. `dimensions` is their canonical text, made by `dimensions_text`."""

    region: str
    namespace: str
    name: str
    dimensions: str


class Point(NamedTuple):
    """A period of a metric: `at` is its beginning in seconds since the epoch, `resolution_s` its length."""

    metric: Metric
    unit: str
    resolution_s: int
    at: int


def dimensions_text(dimensions: Mapping[str, str]) -> str:
    """Dimensions as text that is the same in whichever order they are given."""
    return json.dumps(sorted(dimensions.items()), ensure_ascii=False, separators=(",", ":"))


def dimensions_of(text: str) -> Mapping[str, str]:
    """Dimensions from their canonical text."""
    return dict(json.loads(text))


def is_measurable(value: float) -> bool:
    """Whether a number is one that CloudWatch takes."""
    return math.isfinite(value) and abs(value) <= GREATEST


class Points:
    """Gathers samples. `dropped` counts those there was no room for.

    `publisher` is who publishes what is gathered from now on, and whose quota it uses up: a role, or a group of logs.
    It is empty for the operator and for Stoker itself, who have none of their own.
    """

    def __init__(self, publisher: str = "") -> None:
        self._points: dict[Point, Statistic] = {}
        self._publishers: dict[Metric, str] = {}
        self._of: Counter[str] = Counter()
        self.publisher = publisher
        self.dropped = 0

    def __repr__(self) -> str:
        return f"<Points {len(self._points)}>"

    def __bool__(self) -> bool:
        return bool(self._points)

    def publisher_of(self, metric: Metric) -> str:
        """Who was the first to publish it here."""
        return self._publishers.get(metric, "")

    def items(self) -> Iterable[tuple[Point, Statistic]]:
        return self._points.items()

    def at(self, metric: Metric, unit: str, at: float, *, high_resolution: bool = False) -> Iterator[Statistic]:
        """What takes the samples of that moment up: the minute's, and with a high resolution the second's too."""
        if high_resolution:
            yield from self._take(Point(metric, unit, 1, int(at)))
        yield from self._take(Point(metric, unit, MINUTE_S, int(at) // MINUTE_S * MINUTE_S))

    def add(self, metric: Metric, unit: str, at: float, value: float, *, high_resolution: bool = False) -> None:
        """Take one sample up."""
        for statistic in self.at(metric, unit, at, high_resolution=high_resolution):
            statistic.add(value)

    def rows(self) -> list[Any]:
        """All as plain values, for the journal."""
        return [(tuple(point.metric), point.unit, point.at, *statistic) for point, statistic in self._points.items()]

    def add_rows(self, rows: Iterable[Any]) -> None:
        """Take up what `rows` made."""
        for metric, unit, at, *statistic in rows:
            for taken in self.at(Metric(*metric), unit, at):
                taken.merge(Statistic(*statistic))

    def _take(self, point: Point) -> Iterator[Statistic]:
        found = self._points.get(point)
        if found is None:
            publisher = self.publisher
            if len(self._points) >= MOST_POINTS or self._of[publisher] >= MOST_POINTS_OF_ONE:
                self.dropped += 1
                return
            if publisher:
                self._of[publisher] += 1
                self._publishers.setdefault(point.metric, publisher)
            found = self._points[point] = Statistic()
        yield found
