"""Samples that no invocation and no line leaves behind: counted in memory, and put into the journal every few seconds.

kill -9 forgets at most those seconds.
"""

from collections.abc import Callable, Iterable

from stoker.model.clock import Clock, Timer
from stoker.observability.cloudwatch.lambda_metrics import COUNT, NAMESPACE, dimensions_for
from stoker.observability.cloudwatch.points import MINUTE_S, Metric, Points
from stoker.observability.cloudwatch.statistic import Statistic

FLUSH_S = 5.0


class Meters:
    """For the event loop's thread. `keep` takes what was gathered; nothing is gathered, no timer."""

    def __init__(self, keep: Callable[[Points], None], clock: Clock) -> None:
        self._keep = keep
        self._clock = clock
        self._points = Points()
        # What takes the samples of a function's figure in a minute, until it is handed over.
        self._taking: dict[tuple[str, str, str, str, str | None, int], list[Statistic]] = {}
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<Meters {self._points!r}>"

    def function(
        self,
        region: str,
        function: str,
        name: str,
        value: float = 1.0,
        unit: str = COUNT,
        *,
        count: float = 1.0,
        qualifier: str | None = None,
    ) -> None:
        """A sample of Lambda's, for the function and for all together; with a `qualifier` also for that resource.

        It was taken `count` times.
        """
        at = self._clock.time()
        key = region, function, name, unit, qualifier, int(at) // MINUTE_S
        taking = self._taking.get(key)
        if taking is None:
            dimensions = dimensions_for(function, qualifier or "")[: 2 if qualifier is None else None]
            metrics = [Metric(region, NAMESPACE, name, each) for each in dimensions]
            taking = self._taking[key] = [each for metric in metrics for each in self._points.at(metric, unit, at)]
        for statistic in taking:
            statistic.add(value, count)
        self._flush_later()

    def add(
        self, region: str, namespace: str, name: str, dimensions: Iterable[str], value: float, unit: str = COUNT
    ) -> None:
        """A sample for each set of dimensions, as `dimensions_text` writes them."""
        at = self._clock.time()
        for each in dimensions:
            self._points.add(Metric(region, namespace, name, each), unit, at, value)
        self._flush_later()

    def _flush_later(self) -> None:
        if self._timer is None:
            self._timer = self._clock.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Hand over what there is, for the end too."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        points, self._points = self._points, Points()
        self._taking.clear()
        if points:
            self._keep(points)
