"""Spans in OTLP's protobuf. Imported in the exporter's thread, with the first spans."""

from collections.abc import Mapping, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from stoker.tracing.spans import Span, Value


def encode(spans: Sequence[Span], resource: Mapping[str, Value], version: str) -> bytes:
    """One ExportTraceServiceRequest: spans of one resource, made by this version of Stoker."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(_attributes(resource))
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "stoker", version
    for span in spans:
        made = scope.spans.add()
        made.trace_id = bytes.fromhex(span.trace_id)
        made.span_id = bytes.fromhex(span.span_id)
        if span.parent_id is not None:
            made.parent_span_id = bytes.fromhex(span.parent_id)
        made.name = span.name
        made.kind = trace_pb2.Span.SpanKind.Value(f"SPAN_KIND_{span.kind}")
        made.start_time_unix_nano = int(span.began * 1e9)
        made.end_time_unix_nano = int(span.ended * 1e9)
        made.attributes.extend(_attributes(span.attributes))
        if span.error is not None:
            made.status.code = trace_pb2.Status.STATUS_CODE_ERROR
            made.status.message = span.error
    encoded: bytes = request.SerializeToString()
    return encoded


def _attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    # Protobuf refuses what is no UTF-8; a client's header may have made it.
    return AnyValue(string_value=value.encode("utf-8", "replace").decode())
