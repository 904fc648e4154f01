"""Where the result of an event goes: the record, and the event or delivery that takes it there. Pure.

Source: "Invocation record" in the AWS Lambda Developer Guide.
"""

import json
from datetime import UTC, datetime

import msgspec

from stoker.deliveries.delivery import Delivery
from stoker.functions.event_invoke_config import EventInvokeConfig, destination_function
from stoker.invocations import trace
from stoker.invocations.async_event import AsyncEvent
from stoker.invocations.retries import SUCCESS, Over
from stoker.model.arn import function_arn
from stoker.model.function import LATEST
from stoker.model.invocation import InvocationResult

CALLER = "lambda.amazonaws.com"
# What a topic or a bus takes. A record that is longer goes there without its payloads, as on AWS.
MOST_BYTES = {"sns": 262_144, "events": 262_144}
# What an event has besides the record.
_ENVELOPE_BYTES = 4_096

_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


def delivery(
    event: AsyncEvent, over: Over, config: EventInvokeConfig, *, account: str, request_id: str, now: float
) -> AsyncEvent | None:
    """The event for the destination's function; None where the config wants none. `request_id` is for that event.

    It goes on with the chain that the event was part of, so that functions that are each other's destinations are
    found out as a loop.
    """
    arn = config.on_success if over.condition == SUCCESS else config.on_failure
    target = None if arn is None else destination_function(arn)
    if target is None:
        return None
    function, qualifier = target
    source_arn = function_arn(event.region, account, event.function)
    return AsyncEvent(
        request_id=request_id,
        region=function.region,
        function=function.name,
        qualifier=qualifier,
        payload=record(event, over, account=account, now=now),
        client_context=None,
        trace_id=trace.step(event.trace_id, source_arn).header,
        accepted_at=now,
        due_at=now,
    )


def calls_function(config: EventInvokeConfig) -> bool:
    """Whether a destination is a function, on success or on failure."""
    return any(
        arn is not None and destination_function(arn) is not None for arn in (config.on_success, config.on_failure)
    )


def outgoing(event: AsyncEvent, over: Over, config: EventInvokeConfig, *, account: str, now: float) -> Delivery | None:
    """The record on its way to a destination that is no function; None where the config wants none."""
    arn = config.on_success if over.condition == SUCCESS else config.on_failure
    if arn is None or destination_function(arn) is not None:
        return None
    source_arn = function_arn(event.region, account, event.function)
    body = record(event, over, account=account, now=now)
    service = arn.split(":", 3)[2]
    if service in MOST_BYTES and len(body) > MOST_BYTES[service] - _ENVELOPE_BYTES:
        body = record(event, over, account=account, now=now, with_payloads=False)
    return Delivery(
        target=arn,
        body=_bus_event(event, over, arn, body, account) if service == "events" else body,
        caller=CALLER,
        source_arn=source_arn,
        region=event.region,
        account=account,
        trace_id=trace.step(event.trace_id, source_arn).header,
    )


def _bus_event(event: AsyncEvent, over: Over, bus_arn: str, body: bytes, account: str) -> bytes:
    """The record as the detail of an event; what else an event has, its bus adds."""
    about = {
        "source": "lambda",
        "detail-type": f"Lambda Function Invocation Result - {'Success' if over.condition == SUCCESS else 'Failure'}",
        "resources": [bus_arn, function_arn(event.region, account, event.function, event.qualifier or LATEST)],
    }
    return b'%s,"detail":%s}' % (_encode(about)[:-1], body)


def record(event: AsyncEvent, over: Over, *, account: str, now: float, with_payloads: bool = True) -> bytes:
    """What a destination is told. A run that never was has no response."""
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    context = {
        "requestId": event.request_id,
        "functionArn": function_arn(event.region, account, event.function, event.qualifier or LATEST),
        "condition": over.condition,
        "approximateInvokeCount": over.attempts,
    }
    # Payloads are JSON already: they go in as they are, which spares them a rounding of their numbers.
    parts = {
        "version": b'"1.0"',
        "timestamp": _encode(moment),
        "requestContext": _encode(context),
    }
    if with_payloads:
        parts["requestPayload"] = event.payload
    if over.result is not None:
        parts["responseContext"] = _encode(_response_context(over.result))
        if with_payloads:
            parts["responsePayload"] = _embedded(over.result.payload)
    return b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), value) for name, value in parts.items())


def _response_context(result: InvocationResult) -> dict[str, object]:
    context: dict[str, object] = {"statusCode": 200, "executedVersion": result.executed_version}
    if result.function_error is not None:
        context["functionError"] = result.function_error
    return context


def _embedded(payload: bytes) -> bytes:
    """A function's answer as a JSON value: custom runtimes may answer anything, which then goes in as text."""
    try:
        _check_syntax(payload)
        payload.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _encode(payload.decode(errors="replace"))
    return payload


def _encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
