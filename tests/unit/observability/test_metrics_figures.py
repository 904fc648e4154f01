"""What is counted, and how Prometheus reads it."""

from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from fakes.clock import FakeClock
from stoker.model.invocation import LedgerEntry, Report
from stoker.observability.exposition import expose
from stoker.observability.loop_lag import INTERVAL_S, LoopLag
from stoker.observability.metrics import MOST_NAMES, OTHER, Gauge, Metrics, Readings

HELLO = {"region": "us-east-1", "function": "hello"}


class HeldUp(FakeClock):
    """Its timers come late."""

    held_up_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.held_up_s


def entry(duration_ms: float, status: str = "success", function: str = "hello") -> LedgerEntry:
    report = Report(request_id="r", duration_ms=duration_ms, billed_ms=1, memory_mb=128, max_memory_mb=1, status=status)
    return LedgerEntry(
        request_id="r",
        at=1.0,
        account="000000000000",
        region="us-east-1",
        function=function,
        version="1",
        architecture="x86_64",
        report=report,
    )


def values(metrics: Metrics, *gauges: tuple[Gauge, Readings]) -> dict[tuple[str, frozenset[Any]], float]:
    text, content_type = expose(metrics.figures(), gauges, "")
    assert content_type.startswith("text/plain; version=")
    families = read_text(text.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(found: dict[tuple[str, frozenset[Any]], float], name: str, **labels: str) -> float:
    return found[f"stoker_{name}", frozenset(labels.items())]


def test_invocations_are_counted_with_their_errors_and_by_their_durations() -> None:
    metrics = Metrics()
    for duration_ms, status in ((1.0, "success"), (1.1, "error"), (70.0, "timeout"), (1_000_000.0, "success")):
        metrics.invoked(entry(duration_ms, status))
    metrics.throttled("us-east-1", "hello")
    found = values(metrics)
    assert value(found, "function_invocations_total", **HELLO) == 4
    assert value(found, "function_errors_total", **HELLO) == 2
    assert value(found, "function_throttles_total", **HELLO) == 1
    buckets = {le: value(found, "function_duration_seconds_bucket", le=le, **HELLO) for le in ("0.001", "0.1", "900.0")}
    assert buckets == {"0.001": 1, "0.1": 3, "900.0": 3}
    assert value(found, "function_duration_seconds_bucket", le="+Inf", **HELLO) == 4
    assert value(found, "function_duration_seconds_sum", **HELLO) == pytest.approx(1000.0721)


def test_cold_starts_are_told_by_phase() -> None:
    metrics = Metrics()
    phases = [("sandbox", 4.0), ("runtime", 8.0), ("import", 300.0)]
    metrics.started("us-east-1", "hello", "on-demand", phases, failed=False)
    metrics.started("us-east-1", "hello", "snap-start", [("sandbox", 4.0), ("restore", 6.0)], failed=True)
    found = values(metrics)
    assert value(found, "function_cold_starts_total", **HELLO) == 2
    assert value(found, "function_failed_starts_total", **HELLO) == 1
    assert value(found, "cold_start_phase_seconds_bucket", phase="import", le="0.25") == 0
    assert value(found, "cold_start_phase_seconds_bucket", phase="import", le="0.5") == 1
    assert value(found, "cold_start_phase_seconds_count", phase="restore") == 1
    assert value(found, "cold_start_seconds_sum", kind="on-demand") == pytest.approx(0.312)
    assert value(found, "cold_start_seconds_bucket", kind="snap-start", le="0.01") == 1
    assert value(found, "cold_start_seconds_bucket", kind="snap-start", le="0.005") == 0


def test_events_ages_are_told_of_functions_that_had_some() -> None:
    metrics = Metrics()
    metrics.throttled("us-east-1", "idle")
    for age_s in (0.002, 7_000.0):
        metrics.event_begun("us-east-1", "hello", age_s)
    found = values(metrics)
    assert value(found, "async_event_age_seconds_bucket", le="0.005", **HELLO) == 1
    assert value(found, "async_event_age_seconds_bucket", le="3600.0", **HELLO) == 1
    assert value(found, "async_event_age_seconds_count", **HELLO) == 2
    assert "idle" not in {dict(labels).get("function") for name, labels in found if "event_age" in name}


def test_however_many_functions_there_are_the_page_stays_bounded_and_the_sums_right() -> None:
    metrics = Metrics()
    for number in range(MOST_NAMES + 50):
        for _ in range(2):
            metrics.invoked(entry(1.0, function=f"f{number}"))
    found = values(metrics)
    counts = {labels: n for (name, labels), n in found.items() if name == "stoker_function_invocations_total"}
    assert len(counts) == MOST_NAMES + 1
    assert sum(counts.values()) == 2 * (MOST_NAMES + 50)
    assert value(found, "function_invocations_total", region=OTHER, function=OTHER) == 100


def test_answers_are_counted_by_service_and_class_of_status_with_what_they_took() -> None:
    metrics = Metrics()
    for status, seconds in ((200, 0.0007), (204, 20.0), (404, 0.002), (503, 0.002)):
        metrics.answered("lambda", status, seconds)
    found = values(metrics)
    assert [value(found, "requests_total", service="lambda", status=s) for s in ("2xx", "4xx", "5xx")] == [2, 1, 1]
    took = {"service": "lambda", "status": "2xx"}
    assert value(found, "request_duration_seconds_bucket", le="0.001", **took) == 1
    assert value(found, "request_duration_seconds_bucket", le="60.0", **took) == 2
    assert value(found, "request_duration_seconds_sum", **took) == pytest.approx(20.0007)


def test_what_there_is_now_and_the_process_are_on_the_page_in_both_formats() -> None:
    async def read() -> Readings:
        return {}

    metrics = Metrics()
    gauge = Gauge(name="sqs_messages", about="Messages.", labels=("queue",), read=read)
    found = values(metrics, (gauge, {('a"b\\\n',): 3.0}))
    assert value(found, "sqs_messages", queue='a"b\\\n') == 3
    assert found["process_resident_memory_bytes", frozenset()] > 1_000_000
    text, content_type = expose(metrics.figures(), [], "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert "stoker_event_loop_lag_seconds" in {family.name for family in read_openmetrics(text.decode())}


def test_who_asks_for_a_format_that_is_none_gets_the_text() -> None:
    for accept in ("application/openmetrics-text; version=abc", "text/plain; version=1..0", "image/png"):
        assert expose(Metrics().figures(), [], accept)[1].startswith("text/plain; version=")


def test_a_loop_that_was_held_up_is_seen_to_be_late() -> None:
    clock, late = HeldUp(), list[float]()
    lag = LoopLag(clock, late.append)
    lag.start()
    clock.advance(INTERVAL_S)
    # Something takes the thread for a quarter of a second.
    clock.held_up_s = 0.25
    clock.advance(INTERVAL_S)
    lag.stop()
    clock.advance(10)
    assert late == [0.0, pytest.approx(0.25)]
