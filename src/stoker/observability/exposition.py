"""Figures in the form in which Prometheus reads them: its text format, or OpenMetrics for who asks for that.

Not to be imported by what starts: the library brings an HTTP server of its own along. To be called in a thread: a
thousand functions take some tenths of a second to write.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString

from stoker.observability.metrics import Distribution, Figures, FunctionFigures, Gauge, Readings

_BY_FUNCTION = ("region", "function")
_COUNTERS: Sequence[tuple[str, str, Callable[[FunctionFigures], int]]] = (
    ("invocations", "Invocations that are over.", lambda figures: sum(figures.durations.counts)),
    ("errors", "Invocations that failed, timeouts among them.", lambda figures: figures.errors),
    ("throttles", "Invocations that were refused for want of room.", lambda figures: figures.throttles),
    ("cold_starts", "Environments started.", lambda figures: figures.starts),
    ("failed_starts", "Environments whose init failed.", lambda figures: figures.failed_starts),
)


def expose(figures: Figures, gauges: Sequence[tuple[Gauge, Readings]], accept: str) -> tuple[bytes, str]:
    """The page and its content type. `accept` is the request's header of that name."""
    registry = CollectorRegistry()
    registry.register(_Page(figures, gauges))
    ProcessCollector(registry=registry)
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:
        # The library compares versions part by part, and what a client sends need not be numbers.
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


class _Page:
    """What the library asks for its families."""

    def __init__(self, figures: Figures, gauges: Sequence[tuple[Gauge, Readings]]) -> None:
        self._figures = figures
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        yield from _functions(self._figures.functions)
        yield _histogram(
            "cold_start_phase_seconds",
            "What cold starts took: for the sandbox, the runtime, the function's import, or restoring a template.",
            {(name,): phase for name, phase in self._figures.phases.items()},
            labels=("phase",),
        )
        requests = CounterMetricFamily("stoker_requests", "Requests answered.", labels=("service", "status"))
        for (service, hundreds), count in self._figures.requests.items():
            requests.add_metric((service, f"{hundreds}xx"), count)
        yield requests
        late = "How late a timer of the event loop was, twice a second."
        yield _histogram("event_loop_lag_seconds", late, {(): self._figures.loop_lag})
        for gauge, readings in self._gauges:
            family = GaugeMetricFamily(f"stoker_{gauge.name}", gauge.about, labels=gauge.labels)
            for labels, value in readings.items():
                family.add_metric(labels, value)
            yield family


def _functions(functions: Sequence[FunctionFigures]) -> Iterator[Metric]:
    for name, about, value in _COUNTERS:
        counter = CounterMetricFamily(f"stoker_function_{name}", about, labels=_BY_FUNCTION)
        for each in functions:
            counter.add_metric((each.region, each.function), value(each))
        yield counter
    durations: Mapping[tuple[str, ...], Distribution] = {
        (each.region, each.function): each.durations for each in functions
    }
    yield _histogram("function_duration_seconds", "Durations of invocations.", durations, labels=_BY_FUNCTION)


def _histogram(
    name: str, about: str, by_labels: Mapping[tuple[str, ...], Distribution], *, labels: Sequence[str] = ()
) -> Metric:
    family = HistogramMetricFamily(f"stoker_{name}", about, labels=labels)
    for values, each in by_labels.items():
        bounds = [*map(floatToGoString, each.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, accumulate(each.counts), strict=True)), each.total)
    return family
