"""What a destination is told."""

import json
from typing import Any

import pytest

from fakes.async_queue import ACCOUNT, an_event
from stoker.functions.event_invoke_config import EventInvokeConfig
from stoker.invocations.async_event import AsyncEvent
from stoker.invocations.destinations import delivery, record
from stoker.invocations.retries import Over
from stoker.model.invocation import InvocationResult

HELLO = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:hello"
OTHER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:other"


def over(condition: str = "Success", payload: bytes = b'"hi"', error: str | None = None) -> Over:
    result = InvocationResult(request_id="r-1", payload=payload, executed_version="7", function_error=error)
    return Over(condition=condition, attempts=3, result=result)


def told(end: Over, event: AsyncEvent | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(record(event or an_event(), end, account=ACCOUNT, now=1_700_000_000.0626))
    return document


def test_a_success_is_told_with_event_and_answer() -> None:
    assert told(over(), an_event(qualifier="live")) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.062Z",
        "requestContext": {
            "requestId": "r-1",
            "functionArn": f"{HELLO}:live",
            "condition": "Success",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "7"},
        "responsePayload": "hi",
    }


def test_a_failure_names_the_functions_error_and_an_unqualified_function_is_latest() -> None:
    document = told(over("RetriesExhausted", b'{"errorType":"E"}', "Unhandled"))
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["requestContext"]["functionArn"] == f"{HELLO}:$LATEST"
    assert document["responsePayload"] == {"errorType": "E"}


def test_an_event_that_never_ran_has_no_response() -> None:
    document = told(Over(condition="EventAgeExceeded", attempts=0))
    assert document.keys() == {"version", "timestamp", "requestContext", "requestPayload"}


@pytest.mark.parametrize("payload", [b"", b"<html>", b"\xff", b"{"])
def test_an_answer_that_is_no_json_goes_in_as_text(payload: bytes) -> None:
    assert told(over(payload=payload))["responsePayload"] == payload.decode(errors="replace")


def test_numbers_are_told_as_they_were_sent() -> None:
    text = record(an_event(payload=b"1.0000000000000000001"), over(), account=ACCOUNT, now=0.0)
    assert b'"requestPayload":1.0000000000000000001,' in text


def delivered(end: Over, **config: str) -> AsyncEvent | None:
    return delivery(an_event(), end, EventInvokeConfig(**config), account=ACCOUNT, request_id="r-2", now=5.0)  # type: ignore[arg-type]


def test_each_end_has_a_destination_of_its_own() -> None:
    success, failure = delivered(over(), on_success=OTHER), delivered(over("RetriesExhausted"), on_failure=f"{OTHER}:1")
    assert success is not None and failure is not None
    assert (success.function, success.qualifier, success.request_id) == ("other", None, "r-2")
    assert (failure.function, failure.qualifier, failure.due_at) == ("other", "1", 5.0)
    assert delivered(over(), on_failure=OTHER) is None
    assert delivered(over("EventAgeExceeded"), on_success=OTHER) is None


def test_a_delivery_goes_on_with_the_chain() -> None:
    event = delivered(over(), on_success=OTHER)
    assert event is not None
    assert event.trace_id.startswith("Root=1;Lineage=") and event.trace_id.endswith(":0")
