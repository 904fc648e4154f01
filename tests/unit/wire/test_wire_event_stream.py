"""Event streams, read back by botocore."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from stoker.model.errors import ServiceError
from stoker.wire.api import ServiceApi
from stoker.wire.event_stream import encode_message
from stoker.wire.message import Response, Result


class SessionTimeoutException(ServiceError):  # noqa: N818
    """The session is over."""

    code = "SessionTimeoutException"
    status = 400


async def events(*given: Mapping[str, Any] | Exception) -> AsyncIterator[Mapping[str, Any]]:
    for event in given:
        if isinstance(event, Exception):
            raise event
        yield event


def answer(service: str, operation: str, members: Mapping[str, Any]) -> Response:
    api = ServiceApi.load(service, Loader())
    return api._compile(operation).serialise(Result(members=members), "the-id")


def decoded(response: Response) -> list[tuple[dict[str, Any], bytes]]:
    async def collect() -> bytes:
        assert not isinstance(response.body, bytes)
        return b"".join([piece async for piece in response.body])

    buffer = EventStreamBuffer()
    buffer.add_data(asyncio.run(collect()))
    return [(message.headers, message.payload) for message in buffer]


def test_a_live_tail_starts_with_its_initial_response() -> None:
    update = {"sessionUpdate": {"sessionResults": [{"message": "hi", "timestamp": 1}]}}
    response = answer("logs", "StartLiveTail", {"responseStream": events({"sessionStart": {"requestId": "r"}}, update)})
    assert ("content-type", "application/vnd.amazon.eventstream") in response.headers
    messages = decoded(response)
    assert [headers[":event-type"] for headers, _ in messages] == ["initial-response", "sessionStart", "sessionUpdate"]
    assert messages[2][1] == b'{"sessionResults":[{"message":"hi","timestamp":1}]}'


def test_a_streamed_invocation_sends_bytes_as_they_are() -> None:
    stream = events({"PayloadChunk": {"Payload": b"\x00abc"}}, {"InvokeComplete": {"ErrorCode": None}})
    response = answer("lambda", "InvokeWithResponseStream", {"StatusCode": 200, "EventStream": stream})
    chunk, complete = decoded(response)
    assert chunk == (
        {":message-type": "event", ":event-type": "PayloadChunk", ":content-type": "application/octet-stream"},
        b"\x00abc",
    )
    assert (complete[0][":event-type"], complete[1]) == ("InvokeComplete", b"{}")


def test_a_modelled_error_in_the_stream_is_an_exception_message() -> None:
    stream = events({"sessionStart": {}}, SessionTimeoutException())
    headers, payload = decoded(answer("logs", "StartLiveTail", {"responseStream": stream}))[-1]
    assert (headers[":message-type"], headers[":exception-type"]) == ("exception", "SessionTimeoutException")
    assert payload == b'{"message":"The session is over."}'


def test_a_fault_of_ours_in_the_stream_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    stream = events({"sessionStart": {}}, RuntimeError("secret path"))
    headers, payload = decoded(answer("logs", "StartLiveTail", {"responseStream": stream}))[-1]
    assert (headers[":message-type"], headers[":error-code"], payload) == ("error", "InternalFailure", b"")
    assert "secret path" not in str(headers)
    assert "secret path" in caplog.text


HEADERS = st.dictionaries(
    st.text(alphabet="abc-:", min_size=1, max_size=20),
    st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.text(max_size=50)
    | st.binary(max_size=50)
    | st.uuids(version=4)
    | st.just(datetime(2026, 1, 31, tzinfo=UTC)),
)


@given(headers=HEADERS, payload=st.binary(max_size=200))
def test_botocore_reads_whatever_is_encoded(headers: dict[str, Any], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode_message(headers, payload))
    (message,) = buffer
    plain = {name: value.bytes if isinstance(value, UUID) else value for name, value in headers.items()}
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    expected = {name: int(moment.timestamp() * 1000) if value == moment else value for name, value in plain.items()}
    assert (message.headers, message.payload) == (expected, payload)
