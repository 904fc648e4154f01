"""Figures in the form in which Prometheus reads them: its text format, or OpenMetrics for who asks for that.

Not to be imported by what starts: the library brings an HTTP server of its own along. To be called in a thread: a
thousand functions take some tenths of a second to write.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString

from stoker.observability.metrics import Distribution, Figures, FunctionFigures, Gauge, Readings

L = TypeVar("L", bound=tuple[str, ...])

_BY_FUNCTION = ("region", "function")
_BY_SERVICE = ("service", "status")
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
        starts = "What cold starts took in all, by what they were for."
        yield _histogram("cold_start_seconds", starts, _by_one(self._figures.starts), labels=("kind",))
        yield _histogram(
            "cold_start_phase_seconds",
            "What cold starts took: for the sandbox, the runtime, the function's import, or restoring a template.",
            _by_one(self._figures.phases),
            labels=("phase",),
        )
        requests: Mapping[tuple[str, ...], Distribution] = {
            (service, f"{hundreds}xx"): each for (service, hundreds), each in self._figures.requests.items()
        }
        counter = CounterMetricFamily("stoker_requests", "Requests answered.", labels=_BY_SERVICE)
        for labels, answers in requests.items():
            counter.add_metric(labels, sum(answers.counts))
        yield counter
        took = "What requests took until their answer was there, or began where it is streamed."
        yield _histogram("request_duration_seconds", took, requests, labels=_BY_SERVICE)
        late = "How late a timer of the event loop was, twice a second."
        yield _histogram("event_loop_lag_seconds", late, {(): self._figures.loop_lag})
        for gauge, readings in self._gauges:
            made = CounterMetricFamily if gauge.counts else GaugeMetricFamily
            family = made(f"stoker_{gauge.name}", gauge.about, labels=gauge.labels)
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
    ages = {(each.region, each.function): each.event_ages for each in functions if each.event_ages is not None}
    waited = "How long asynchronous events had waited when they were run, each time."
    yield _histogram("async_event_age_seconds", waited, ages, labels=_BY_FUNCTION)


def _by_one(distributions: Mapping[str, Distribution]) -> Mapping[tuple[str, ...], Distribution]:
    return {(name,): each for name, each in distributions.items()}


def _histogram(name: str, about: str, by_labels: Mapping[L, Distribution], *, labels: Sequence[str] = ()) -> Metric:
    family = HistogramMetricFamily(f"stoker_{name}", about, labels=labels)
    for values, each in by_labels.items():
        bounds = [*map(floatToGoString, each.bounds), "+Inf"]
        family.add_metric(values, list(zip(bounds, accumulate(each.counts), strict=True)), each.total)
    return family
