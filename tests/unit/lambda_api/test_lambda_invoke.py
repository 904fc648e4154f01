"""Invoke between the wire and the invoker."""

import json
from base64 import b64decode, b64encode

import pytest

from fakes.control_plane import ControlPlane
from stoker.model.errors import (
    InvalidRequestContentException,
    RequestEntityTooLargeException,
    ResourceNotFoundException,
)


def test_an_event_goes_in_and_the_result_comes_out(plane: ControlPlane) -> None:
    answer = plane.result("Invoke", FunctionName="f", Payload=b'{"a": 1}', Qualifier="live")
    assert answer.members == {"Payload": b'{"a": 1}', "ExecutedVersion": "$LATEST"}
    assert answer.headers == {"x-amzn-RequestId": "r-1"}
    (request,) = plane.invoker.requests
    assert (request.region, request.function, request.qualifier) == ("us-east-1", "f", "live")
    assert not request.log_tail


@pytest.mark.parametrize("params", [{}, {"Payload": b""}])
def test_no_payload_is_an_empty_event(plane: ControlPlane, params: dict[str, bytes]) -> None:
    assert plane.call("Invoke", FunctionName="f", **params)["Payload"] == b"{}"


def test_a_functions_error_and_its_log_are_told(plane: ControlPlane) -> None:
    plane.invoker.result = {"function_error": "Unhandled", "log_tail": b"last words", "executed_version": "3"}
    answer = plane.call("Invoke", FunctionName="f", LogType="Tail")
    assert (answer["FunctionError"], answer["ExecutedVersion"]) == ("Unhandled", "3")
    assert b64decode(answer["LogResult"]) == b"last words"
    assert plane.invoker.requests[0].log_tail


def test_a_dry_run_looks_and_does_not_invoke(plane: ControlPlane) -> None:
    plane.create()
    assert plane.result("Invoke", FunctionName="f", InvocationType="DryRun").status == 204
    with pytest.raises(ResourceNotFoundException):
        plane.call("Invoke", FunctionName="g", InvocationType="DryRun")
    assert plane.invoker.requests == []


def test_the_client_context_reaches_the_function_decoded(plane: ControlPlane) -> None:
    context = json.dumps({"custom": {"key": "ü"}})
    plane.call("Invoke", FunctionName="f", ClientContext=b64encode(context.encode()).decode())
    assert plane.invoker.requests[0].client_context == context


DEEP = b64encode(b'{"a":' + b"[" * 2500).decode()


@pytest.mark.parametrize(
    "context", ["not base64!", b64encode(b"[]").decode(), b64encode(b"{").decode(), "A" * 3584, DEEP]
)
def test_a_client_context_that_is_none_is_refused(plane: ControlPlane, context: str) -> None:
    with pytest.raises(InvalidRequestContentException):
        plane.call("Invoke", FunctionName="f", ClientContext=context)


@pytest.mark.parametrize(
    "payload",
    [b"{", b"hello", b"{'a': 1}", b'{"a": 1} x', b"NaN", b"[-Infinity]", b'"\xff"', b"[" * 100_000, b"01", b'"\x01"'],
    ids=lambda payload: repr(payload[:10]),
)
def test_an_event_that_is_not_json_is_refused(plane: ControlPlane, payload: bytes) -> None:
    with pytest.raises(InvalidRequestContentException) as refused:
        plane.call("Invoke", FunctionName="f", Payload=payload)
    assert refused.value.message.startswith("Could not parse request body into json: ")
    assert plane.invoker.requests == []


@pytest.mark.parametrize("payload", [b'"\\ud800"', b" null ", b"1e999", b'"\xc3\xbc"', b"12345678901234567890123"])
def test_an_event_that_is_json_arrives_as_it_was_sent(plane: ControlPlane, payload: bytes) -> None:
    assert plane.call("Invoke", FunctionName="f", Payload=payload)["Payload"] == payload


def test_an_event_may_have_6_mb(plane: ControlPlane) -> None:
    largest = b'"' + b"x" * (6_291_456 - 2) + b'"'
    plane.call("Invoke", FunctionName="f", Payload=largest)
    with pytest.raises(RequestEntityTooLargeException) as refused:
        plane.call("Invoke", FunctionName="f", Payload=largest + b" ")
    assert refused.value.message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
