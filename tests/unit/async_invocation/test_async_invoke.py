"""InvocationType=Event between the wire and the queue."""

import pytest

from fakes.control_plane import ControlPlane
from stoker.model.errors import InvalidRequestContentException, RequestEntityTooLargeException


def test_an_event_is_accepted_and_not_waited_for(plane: ControlPlane) -> None:
    answer = plane.result("Invoke", FunctionName="f:live", InvocationType="Event", Payload=b'{"a": 1}')
    assert (answer.status, answer.members) == (202, {"Payload": b""})
    assert answer.headers == {"x-amzn-RequestId": "e-1"}
    (request,) = plane.events.requests
    assert (request.function, request.qualifier, request.payload) == ("f", "live", b'{"a": 1}')
    assert plane.invoker.requests == []


def test_the_older_operation_does_the_same(plane: ControlPlane) -> None:
    assert plane.call("InvokeAsync", FunctionName="f", InvokeArgs=b"[1]") == {"Status": 202}
    assert plane.events.requests[0].payload == b"[1]"


@pytest.mark.parametrize(
    ("operation", "member"), [("Invoke", "Payload"), ("InvokeAsync", "InvokeArgs")], ids=lambda value: value
)
def test_an_event_may_have_1_mb_of_json(plane: ControlPlane, operation: str, member: str) -> None:
    params = {"FunctionName": "f"} | ({"InvocationType": "Event"} if operation == "Invoke" else {})
    largest = b'"' + b"x" * (1_048_576 - 2) + b'"'
    plane.result(operation, **params, **{member: largest})
    with pytest.raises(RequestEntityTooLargeException) as refused:
        plane.result(operation, **params, **{member: largest + b" "})
    assert refused.value.message == (
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    )
    with pytest.raises(InvalidRequestContentException):
        plane.result(operation, **params, **{member: b"{"})
    assert len(plane.events.requests) == 1
