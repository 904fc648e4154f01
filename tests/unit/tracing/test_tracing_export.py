"""Traces on their way to a collector that takes them, refuses them, or is not there."""

import threading

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fakes.http_endpoint import http_endpoint
from fakes.live_server import free_port
from fakes.waiting import eventually
from stoker.settings import Settings, SettingsError, TraceSettings
from stoker.tracing import export
from stoker.tracing.export import Exporter
from stoker.tracing.spans import Finished, Span

URL = "http://collector:4318"


def finished(name: str) -> Finished:
    span = Span(trace_id="1" * 32, span_id="2" * 16, parent_id=None, name=name, began=1.5, ended=2.5, error="broke")
    return Finished(lambda: [span])


def exporter(url: str) -> Exporter:
    return Exporter(url, {"x-key": "secret"}, {"service.name": "stoker"}, "9.9", gather_s=0.0)


def names(body: bytes) -> list[str]:
    request = ExportTraceServiceRequest.FromString(body)
    return [span.name for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]


def test_what_is_over_is_sent_with_the_operator_s_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "FIRST_BACKOFF_S", 0.01)
    with http_endpoint() as collector:
        collector.statuses = [503]
        sender = exporter(collector.url)
        sender.put(finished("a"))
        eventually(lambda: sender.sent == 1, "the span is sent, at the second attempt")
        sender.close(5)
    (_, (headers, body)) = collector.requests
    assert headers["x-key"] == "secret" and headers["content-type"] == "application/x-protobuf"
    assert names(body) == ["a"]
    (group,) = ExportTraceServiceRequest.FromString(body).resource_spans
    (span,) = group.scope_spans[0].spans
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_500_000_000, 2_500_000_000)
    assert span.trace_id.hex() == "1" * 32 and span.status.code == 2
    assert group.resource.attributes[0].value.string_value == "stoker"


def test_what_a_collector_refuses_is_dropped_and_the_next_is_sent() -> None:
    with http_endpoint() as collector:
        collector.statuses = [400]
        sender = exporter(collector.url)
        sender.put(finished("refused"))
        eventually(lambda: sender.dropped == 1, "what is refused is dropped")
        sender.put(finished("b"))
        eventually(lambda: sender.sent == 1, "the next is sent")
        sender.close(5)


def test_without_a_collector_what_does_not_fit_is_counted_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_WAITING", 10)
    sender = exporter(f"http://127.0.0.1:{free_port()}/v1/traces")
    for number in range(100):
        sender.put(finished(str(number)))
    # Ten wait, and what the thread had taken before the line was full.
    assert 100 - 2 * 10 <= sender.dropped <= 90
    sender.close(5)
    eventually(lambda: sender.dropped == 100, "what nobody took is counted at the end")
    assert not [thread for thread in threading.enumerate() if thread.name == "trace-exporter"]


def test_what_waits_is_sent_at_the_end() -> None:
    with http_endpoint() as collector:
        sender = Exporter(collector.url, {}, {}, "9.9", gather_s=60.0)
        sender.put(finished("last"))
        sender.close(5)
        assert [names(body) for _, body in collector.requests] == [["last"]]


def settings(endpoint: str | None = None, **environ: str) -> TraceSettings | None:
    variables = {f"OTEL_{name}": value for name, value in environ.items()}
    return Settings.from_environment(data="d", environ=variables, otlp_endpoint=endpoint).traces


def test_collectors_are_named_by_an_option_or_by_opentelemetry_s_variables() -> None:
    assert settings() is None
    assert settings(URL + "/") == settings(EXPORTER_OTLP_ENDPOINT=URL)
    named = settings(
        EXPORTER_OTLP_ENDPOINT=URL,
        EXPORTER_OTLP_HEADERS="x-a=1, x-b=%20c",
        SERVICE_NAME="mine",
        RESOURCE_ATTRIBUTES="service.name=other,deployment.environment=test",
        TRACES_SAMPLER="parentbased_traceidratio",
        TRACES_SAMPLER_ARG="0.25",
    )
    assert named == TraceSettings(
        url=f"{URL}/v1/traces",
        headers={"x-a": "1", "x-b": " c"},
        resource={"service.name": "mine", "deployment.environment": "test"},
        parent_based=True,
        ratio=0.25,
    )
    own = settings(
        EXPORTER_OTLP_ENDPOINT=URL, EXPORTER_OTLP_TRACES_ENDPOINT="https://other/x", TRACES_SAMPLER="always_on"
    )
    assert own is not None and (own.url, own.parent_based) == ("https://other/x", False)
    assert settings(EXPORTER_OTLP_ENDPOINT=URL, SDK_DISABLED="true") is None
    assert settings(URL, TRACES_EXPORTER="none") is None


@pytest.mark.parametrize(
    "environ",
    [
        {"EXPORTER_OTLP_ENDPOINT": "collector:4318"},
        {"EXPORTER_OTLP_ENDPOINT": URL, "EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"EXPORTER_OTLP_ENDPOINT": URL, "TRACES_SAMPLER": "jaeger_remote"},
        {"EXPORTER_OTLP_ENDPOINT": URL, "TRACES_SAMPLER": "traceidratio", "TRACES_SAMPLER_ARG": "2"},
        {"EXPORTER_OTLP_ENDPOINT": URL, "EXPORTER_OTLP_HEADERS": "a=b%0d%0ac: d"},
        {"EXPORTER_OTLP_ENDPOINT": URL, "EXPORTER_OTLP_HEADERS": "secret"},
    ],
)
def test_what_cannot_be_obeyed_is_said_at_the_start(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        settings(**environ)
