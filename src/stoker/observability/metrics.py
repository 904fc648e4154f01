"""What Stoker counts of itself, for those who watch it from outside.

On the hot path an invocation costs one look-up and some additions to plain numbers: no locks, since all of it belongs
to the event loop's thread, and no words, which are made when somebody looks (`exposition.py`). What there is now
(environments, queues) is not counted along the way but asked for then: a `Gauge`. All begins at zero with the process.
"""

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from stoker.model.invocation import LedgerEntry

K = TypeVar("K")

# Functions and queues with series of their own; all others share one. A function has some 25 series, so that a page
# stays within some megabytes, and a Prometheus that reads it within reason.
MOST_NAMES = 1_000
# No function, queue or region can be called that.
OTHER = "(other)"

# Upper bounds in seconds: from a warm hello to the longest timeout.
DURATIONS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
PHASES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REQUESTS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 900.0)
# To the six hours after which an event is given up.
AGES_S = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0)
LAGS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Distribution(Struct, frozen=True, kw_only=True):
    """How often values were up to each bound and above the one before; last, above all. `total` is their sum."""

    bounds: Sequence[float]
    counts: Sequence[int]
    total: float


class Histogram:
    """Counts values by bounds. Mutable: guarded by its Metrics."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def __repr__(self) -> str:
        return f"<Histogram of {sum(self._counts)}>"

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def distribution(self) -> Distribution:
        """How it stands."""
        return Distribution(bounds=self._bounds, counts=tuple(self._counts), total=self._total)


class FunctionFigures(Struct, frozen=True, kw_only=True):
    """One function since Stoker started. `durations` (seconds) are those of all its invocations; `event_ages`, how long
    its asynchronous events had waited whenever they were run, are None where there was none.
    """

    region: str
    function: str
    durations: Distribution
    event_ages: Distribution | None
    errors: int
    throttles: int
    starts: int
    failed_starts: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that was counted, as it stood at one moment.

    `starts` are cold starts in seconds by AWS_LAMBDA_INITIALIZATION_TYPE's value, `phases` their phases; `requests` are
    what answers took by service and hundreds of their status.
    """

    functions: Sequence[FunctionFigures]
    starts: Mapping[str, Distribution]
    phases: Mapping[str, Distribution]
    requests: Mapping[tuple[str, int], Distribution]
    loop_lag: Distribution


# Values by those of the labels, in the order of `Gauge.labels`.
Readings = Mapping[tuple[str, ...], float]


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """Something that there is now, or that others have counted (`counts`). `read` asks for it on the event loop, which
    it does not hold up.
    """

    name: str
    about: str
    labels: tuple[str, ...] = ()
    counts: bool = False
    read: Callable[[], Awaitable[Readings]]


class _Function:
    """One function's numbers. Mutable: guarded by its Metrics."""

    __slots__ = ("durations", "errors", "event_ages", "failed_starts", "starts", "throttles")

    def __init__(self) -> None:
        self.durations = Histogram(DURATIONS_S)
        self.event_ages: Histogram | None = None
        self.errors = self.throttles = self.starts = self.failed_starts = 0


class Metrics:
    """The numbers of one Stoker. For the event loop's thread."""

    def __init__(self) -> None:
        self._functions: dict[tuple[str, str], _Function] = {}
        self._starts: dict[str, Histogram] = {}
        self._phases: dict[str, Histogram] = {}
        self._requests: dict[tuple[str, int], Histogram] = {}
        self._loop_lag = Histogram(LAGS_S)
        self.gauges: list[Gauge] = []

    def __repr__(self) -> str:
        return f"<Metrics of {len(self._functions)} functions, {len(self.gauges)} gauges>"

    def invoked(self, entry: LedgerEntry) -> None:
        """An invocation is over."""
        function = self._functions.get((entry.region, entry.function)) or self._function(entry.region, entry.function)
        report = entry.report
        function.durations.observe(report.duration_ms / 1000.0)
        if report.status != "success":
            function.errors += 1

    def throttled(self, region: str, function: str) -> None:
        """An invocation was refused for want of room."""
        self._function(region, function).throttles += 1

    def event_begun(self, region: str, function: str, age_s: float) -> None:
        """An asynchronous event is run, so long after it was accepted."""
        figures = self._function(region, function)
        if figures.event_ages is None:
            figures.event_ages = Histogram(AGES_S)
        figures.event_ages.observe(age_s)

    def started(
        self, region: str, function: str, kind: str, phases_ms: Iterable[tuple[str, float]], *, failed: bool
    ) -> None:
        """A cold start is over, after phases that took so long. `kind` and their names are of fixed sets."""
        figures = self._function(region, function)
        figures.starts += 1
        figures.failed_starts += failed
        total_ms = 0.0
        for name, ms in phases_ms:
            _of(self._phases, name, PHASES_S).observe(ms / 1000.0)
            total_ms += ms
        _of(self._starts, kind, PHASES_S).observe(total_ms / 1000.0)

    def answered(self, service: str, status: int, seconds: float) -> None:
        """A request was answered after so long. `service` is one of a fixed set of names."""
        key = (service, status // 100)
        (self._requests.get(key) or _of(self._requests, key, REQUESTS_S)).observe(seconds)

    def lagged(self, seconds: float) -> None:
        """A timer of the event loop was so late."""
        self._loop_lag.observe(seconds)

    def watch(self, gauge: Gauge) -> None:
        """Ask for this whenever somebody looks."""
        self.gauges.append(gauge)

    def figures(self) -> Figures:
        """How everything stands."""
        return Figures(
            functions=[_figures(region, name, numbers) for (region, name), numbers in self._functions.items()],
            starts=_distributions(self._starts),
            phases=_distributions(self._phases),
            requests=_distributions(self._requests),
            loop_lag=self._loop_lag.distribution(),
        )

    def _function(self, region: str, name: str) -> _Function:
        found = self._functions.get((region, name))
        if found is None:
            # Those that are in excess are looked up twice each time: nobody's ordinary case.
            key = (region, name) if len(self._functions) < MOST_NAMES else (OTHER, OTHER)
            found = self._functions.setdefault(key, _Function())
        return found


def _of(histograms: dict[K, Histogram], key: K, bounds: Sequence[float]) -> Histogram:
    if (found := histograms.get(key)) is None:
        found = histograms[key] = Histogram(bounds)
    return found


def _distributions(histograms: Mapping[K, Histogram]) -> Mapping[K, Distribution]:
    return {key: histogram.distribution() for key, histogram in histograms.items()}


def _figures(region: str, name: str, numbers: _Function) -> FunctionFigures:
    return FunctionFigures(
        region=region,
        function=name,
        durations=numbers.durations.distribution(),
        event_ages=None if numbers.event_ages is None else numbers.event_ages.distribution(),
        errors=numbers.errors,
        throttles=numbers.throttles,
        starts=numbers.starts,
        failed_starts=numbers.failed_starts,
    )
