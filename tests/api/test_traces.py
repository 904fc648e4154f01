"""Traces of a live server, as a collector gets them."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from fakes.deployment import Deployment
from fakes.http_api import make_api
from fakes.http_endpoint import Endpoint, http_endpoint
from fakes.live_server import LiveServer, free_port
from fakes.waiting import eventually

pytestmark = pytest.mark.root

# Answers with what the runtime was told of the trace; calls another by it; or says to Stoker what it likes of it.
HANDLER = """
    import os
    def handler(event, context):
        if event.get("call"):
            import boto3
            boto3.client("lambda").invoke(FunctionName=event["call"], Payload=b"{}")
        if event.get("forge"):
            import boto3
            client = boto3.client("lambda")
            def forge(request, **kwargs):
                del request.headers["X-Amzn-Trace-Id"]
                request.headers["X-Amzn-Trace-Id"] = event["forge"]
            client.meta.events.register_last("before-send.lambda.Invoke", forge)
            client.invoke(FunctionName=event["to"], Payload=b"{}")
        if event.get("fail"):
            raise ValueError("as asked")
        return os.environ["_X_AMZN_TRACE_ID"]
"""


class Collected:
    """The spans that have come so far."""

    def __init__(self, collector: Endpoint) -> None:
        self._collector = collector

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for _, body in self._collector.requests]
        groups = [group for request in requests for group in request.resource_spans]
        return [span for group in groups for scope in group.scope_spans for span in scope.spans]

    def trace(self, root: str, count: int) -> dict[str, Span]:
        """The spans of the trace with the header's root, by their paths of names, once there are so many."""
        trace_id = root.split(";")[0].removeprefix("Root=1-").replace("-", "")

        def found() -> list[Span]:
            spans = [span for span in self.spans() if span.trace_id.hex() == trace_id]
            return spans if len(spans) >= count else []

        spans = eventually(found, f"{count} spans of {root}")
        by_id = {span.span_id: span for span in spans}

        def path(span: Span) -> str:
            parent = by_id.get(span.parent_span_id)
            return span.name if parent is None else f"{path(parent)}/{span.name}"

        return {path(span): span for span in spans}


@pytest.fixture(scope="module")
def collector() -> Iterator[Endpoint]:
    with http_endpoint() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def traced(collector: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    url = collector.url.partition("/in")[0]
    data = tmp_path_factory.mktemp("traced")
    server = LiveServer(data=data, port=free_port(), options=["--otlp-endpoint", url])
    server.start()
    yield server
    assert server.stop() == 0, server.log()


@pytest.fixture
def collected(collector: Endpoint) -> Collected:
    return Collected(collector)


@pytest.fixture
def deploy(traced: LiveServer) -> Callable[..., str]:
    deployment = Deployment(traced.client("lambda"))

    def create(**settings: Any) -> str:
        return deployment.deploy(HANDLER, **{"TracingConfig": {"Mode": "Active"}, **settings})

    return create


def invoke(server: LiveServer, name: str, **event: Any) -> str:
    """What the function was told of its trace."""
    answer = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    header: str = json.load(answer["Payload"])
    return header


def parent_of(header: str) -> str:
    return next(part.removeprefix("Parent=") for part in header.split(";") if part.startswith("Parent="))


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_a_cold_start_is_seen_with_its_phases_and_a_warm_one_without(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    name = deploy()
    cold, warm = invoke(traced, name), invoke(traced, name)
    top = f"lambda.Invoke/{name}"
    spans = collected.trace(cold, 8)
    assert set(spans) == {
        "lambda.Invoke",
        top,
        f"{top}/assignment",
        f"{top}/init",
        f"{top}/init/sandbox",
        f"{top}/init/runtime",
        f"{top}/init/import",
        f"{top}/handler",
    }
    # What the function is given as the parent of its own spans is the handler's.
    assert spans[f"{top}/handler"].span_id.hex() == parent_of(cold)
    assert "Sampled=1" in cold
    for path, span in spans.items():
        parent = spans.get(path.rpartition("/")[0])
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert parent is None or parent.start_time_unix_nano <= span.start_time_unix_nano + 1_000_000
        assert parent is None or span.end_time_unix_nano <= parent.end_time_unix_nano + 1_000_000
    init, handler = spans[f"{top}/init"], spans[f"{top}/handler"]
    assert init.end_time_unix_nano <= handler.start_time_unix_nano + 1_000_000
    told = attributes(spans[top])
    assert told["faas.name"] == name and told["faas.coldstart"] is True and told["cloud.region"] == "us-east-1"
    again = collected.trace(warm, 4)
    assert set(again) == {"lambda.Invoke", top, f"{top}/assignment", f"{top}/handler"}
    assert attributes(again[top])["faas.coldstart"] is False
    assert cold.split(";")[0] != warm.split(";")[0]


def test_a_function_that_calls_another_goes_on_with_the_trace(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    callee = deploy(TracingConfig={"Mode": "PassThrough"})
    caller = deploy()
    spans = collected.trace(invoke(traced, caller, call=callee), 16)
    handler = f"lambda.Invoke/{caller}/handler"
    assert f"{handler}/lambda.Invoke/{callee}/handler" in spans
    assert attributes(spans[f"{handler}/lambda.Invoke"])["http.response.status_code"] == 200


def test_a_call_of_an_api_is_traced_to_the_handler_when_it_is_warm_too(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    name = deploy()
    api = make_api(traced)
    api.route("$default", api.function(name))
    for count in (8, 4):
        spans = collected.trace(api.call().json(), count)
        assert f"GET execute-api/{name}/handler" in spans


def test_an_event_is_traced_over_its_wait_and_failures_are_errors(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    name, client = deploy(), traced.client("lambda")
    client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    root = "Root=1-5759e988-00000000000000000000e4e4"

    def bring(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = f"{root};Parent=53995c3f42cd8ad8;Sampled=1"

    client.meta.events.register("before-send.lambda.Invoke", bring)
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"fail": 1}')
    spans = collected.trace(root, 9)
    top = f"lambda.Invoke/{name}"
    assert {f"{top}/handler", f"{top}/init/import", "lambda.Invoke/queue"} <= set(spans)
    assert spans["lambda.Invoke"].parent_span_id.hex() == "53995c3f42cd8ad8"
    assert spans[top].kind == Span.SPAN_KIND_CONSUMER
    failed = spans[f"{top}/handler"]
    assert failed.status.code == 2 and attributes(failed)["error.type"] == "ValueError"
    queue, invocation = spans["lambda.Invoke/queue"], spans[top]
    assert queue.end_time_unix_nano == invocation.start_time_unix_nano


def test_a_message_takes_its_sender_s_trace_to_the_function_that_it_starts(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    name, sqs = deploy(), traced.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    traced.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    trace_id = "5759e98800000000000000000000a5a5"

    def bring(request: Any, **_: Any) -> None:
        request.headers["traceparent"] = f"00-{trace_id}-00f067aa0ba902b7-01"

    sqs.meta.events.register("before-send.sqs.SendMessage", bring)
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    spans = collected.trace(trace_id, 8)
    assert {"sqs.SendMessage", f"sqs.SendMessage/{name}/handler", f"sqs.SendMessage/{name}/init"} <= set(spans)
    assert spans["sqs.SendMessage"].parent_span_id.hex() == "00f067aa0ba902b7"


def test_whose_caller_and_function_want_no_trace_has_none(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    quiet, loud = deploy(TracingConfig={"Mode": "PassThrough"}), deploy()
    untraced = invoke(traced, quiet)
    assert "Sampled=0" in untraced
    with pytest.raises(ClientError):
        traced.client("lambda").invoke(FunctionName="nobody")
    # What comes after it has come: so what was before would have.
    collected.trace(invoke(traced, loud), 8)
    root = untraced.split(";")[0].removeprefix("Root=1-").replace("-", "")
    assert root not in {span.trace_id.hex() for span in collected.spans()}
    assert "nobody" not in str(collected.spans())


def test_what_a_function_says_of_its_trace_neither_breaks_nor_grows_what_is_sent(
    traced: LiveServer, deploy: Callable[..., str], collected: Collected
) -> None:
    caller, callee = deploy(), deploy()
    root = "Root=1-5759e988-00000000000000000000bad0"
    forged = [
        f"{root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage={'x' * 3000};" + "Sampled=0;" * 50,
        "Root=1-ffffffff-zzzz;Parent=;Sampled=1",
        f"{root};Parent=00000000000000000000000000000000000;Sampled=1;\x7f\xfe",
    ]
    for header in forged:
        invoke(traced, caller, forge=header, to=callee)
    spans = collected.trace(root, 8)
    assert all(len(span.SerializeToString()) < 1_000 for span in spans.values())
    # The server goes on, and so do its traces.
    assert "handler" in str(collected.trace(invoke(traced, callee), 4))


def test_what_was_sent_and_what_was_not_is_counted(traced: LiveServer, deploy: Callable[..., str]) -> None:

    invoke(traced, deploy())

    def sent() -> bool:
        with urllib.request.urlopen(f"{traced.endpoint}/_stoker/metrics", timeout=60) as answer:
            page = answer.read().decode()
        assert "stoker_traces_dropped_total 0.0" in page
        return "stoker_trace_spans_sent_total" in page and "stoker_trace_spans_sent_total 0.0" not in page

    eventually(sent, "spans are counted")
