"""Lambda's own metrics of invocations, summed up from the ledger's rows as they are moved into the database.

So nothing is measured while an invocation runs. Source: "Types of metrics for Lambda functions" in the AWS Lambda
Developer Guide.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from stoker.observability.cloudwatch.points import MINUTE_S, Metric, Points, dimensions_text
from stoker.observability.cloudwatch.statistic import Statistic

NAMESPACE = "AWS/Lambda"
COUNT, MILLISECONDS = "Count", "Milliseconds"
CONCURRENT = "ConcurrentExecutions"


class _Group(NamedTuple):
    """What one version did in a minute for those who called it by one name."""

    region: str
    function: str
    version: str
    qualifier: str
    minute: int


class _Sums:
    """Of one group. Mutable."""

    __slots__ = ("durations", "errors", "provisioned")

    def __init__(self) -> None:
        self.durations: list[float] = []
        self.errors = self.provisioned = 0


class LambdaMetrics:
    """Gathers invocations: a look-up and an addition each, and the rest once for all of a group."""

    def __init__(self) -> None:
        self._groups: dict[_Group, _Sums] = {}
        # By region, and by region and function: when each began and ended.
        self._spans: dict[tuple[str, str], list[tuple[float, float]]] = {}

    def __repr__(self) -> str:
        return f"<LambdaMetrics {len(self._groups)} groups>"

    def invoked(
        self,
        *,
        region: str,
        function: str,
        version: str,
        qualifier: str,
        at: float,
        duration_ms: float,
        failed: bool,
        provisioned: bool,
    ) -> None:
        """An invocation ended `at`; it counts for the minute in which it began, as on AWS."""
        began = at - duration_ms / 1000.0
        minute = int(began) // MINUTE_S
        group = _Group(region, function, version, qualifier, minute)
        sums = self._groups.get(group)
        if sums is None:
            sums = self._groups[group] = _Sums()
        sums.durations.append(duration_ms)
        sums.errors += failed
        sums.provisioned += provisioned
        self._spans.setdefault((region, function), []).append((began, at))

    def put_into(self, points: Points) -> None:
        """All that was gathered."""
        for group, sums in self._groups.items():
            figures = list(_figures(sums))
            for dimensions in dimensions_for(group.function, group.qualifier, group.version):
                for name, unit, statistic in figures:
                    metric = Metric(group.region, NAMESPACE, name, dimensions)
                    for taken in points.at(metric, unit, group.minute * MINUTE_S):
                        taken.merge(statistic)
        self._put_concurrency(points)

    def _put_concurrency(self, points: Points) -> None:
        """How many of these ran at once, at most: what a look every second would not see of short ones."""
        by_region: dict[str, list[tuple[float, float]]] = {}
        for (region, function), spans in self._spans.items():
            by_region.setdefault(region, []).extend(spans)
            _put_peak(points, Metric(region, NAMESPACE, CONCURRENT, dimensions_for(function)[1]), spans)
        for region, spans in by_region.items():
            _put_peak(points, Metric(region, NAMESPACE, CONCURRENT, dimensions_text({})), spans)


def _figures(sums: _Sums) -> Iterator[tuple[str, str, Statistic]]:
    count = len(sums.durations)
    yield "Invocations", COUNT, _of({1.0: count})
    # As on AWS, where these are 0 for what ran: so a rate can be made of them, and an alarm has data.
    yield "Errors", COUNT, _of({0.0: count - sums.errors, 1.0: sums.errors})
    yield "Throttles", COUNT, _of({0.0: count})
    durations = Statistic()
    for duration in sums.durations:
        durations.add(duration)
    yield "Duration", MILLISECONDS, durations
    if sums.provisioned:
        yield "ProvisionedConcurrencyInvocations", COUNT, _of({1.0: sums.provisioned})


def _put_peak(points: Points, metric: Metric, spans: Sequence[tuple[float, float]]) -> None:
    steps = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    points.add(metric, COUNT, steps[-1][0], max(accumulate(step for _, step in steps)))


def _of(counts: Mapping[float, int]) -> Statistic:
    statistic = Statistic()
    for value, count in counts.items():
        if count:
            statistic.add(value, count)
    return statistic


@lru_cache(maxsize=4096)
def dimensions_for(function: str, qualifier: str = "", version: str | None = None) -> tuple[str, ...]:
    """Under which dimensions a sample of a function is kept: of all functions together, of the function, of the name
    that it was called by, and of the version that an alias led to.
    """
    named = {"FunctionName": function, "Resource": f"{function}:{qualifier}" if qualifier else function}
    found = [{}, {"FunctionName": function}, named]
    if qualifier and version is not None and qualifier not in (version, "$LATEST"):
        found.append({**named, "ExecutedVersion": version})
    return tuple(map(dimensions_text, found))
