"""The official runtime client over our channel, played from the platform's end."""

import enum
import json
import socket
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from hypothesis import given
from hypothesis import strategies as st

from stoker.bootstrap import frames
from stoker.bootstrap.python_client import LOOKS, ChannelClient, ChannelClosedError, Marshaller

EVENT_META = {"id": "r-1", "deadline_ms": 1_700_000_000_000, "arn": "arn:f", "client_context": '{"a": 1}'}


@pytest.fixture
def channel() -> Iterator[socket.socket]:
    """The platform's end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(60)
        theirs.settimeout(60)
        PEERS[ours] = theirs
        yield ours
    PEERS.clear()


PEERS: dict[socket.socket, socket.socket] = {}


def client_of(channel: socket.socket) -> ChannelClient:
    return ChannelClient(PEERS[channel])


def said(channel: socket.socket) -> tuple[int, Any, bytes]:
    data = channel.recv(65536)
    head, length, kind = frames.HEADER.unpack_from(data)
    body = data[frames.HEADER.size + head :]
    assert len(body) == length
    return kind, json.loads(data[frames.HEADER.size : frames.HEADER.size + head] or "null"), body


def test_the_first_wish_is_a_message_and_later_ones_come_with_the_answer(channel: socket.socket) -> None:
    client = client_of(channel)
    channel.sendall(frames.encode(frames.EVENT, EVENT_META, b'{"x": 1}'))
    event = client.wait_next_invocation()
    assert said(channel)[0] == frames.NEXT
    client.post_invocation_result(event.invoke_id, '{"ok": true}')
    assert said(channel) == (frames.RESPONSE, {"id": "r-1"}, b'{"ok": true}')
    channel.sendall(frames.encode(frames.EVENT, {**EVENT_META, "id": "r-2"}, b"2"))
    assert client.wait_next_invocation().invoke_id == "r-2"
    channel.setblocking(False)
    with pytest.raises(BlockingIOError):
        channel.recv(1)


def test_an_event_brings_what_the_context_shows(channel: socket.socket) -> None:
    channel.sendall(frames.encode(frames.EVENT, {**EVENT_META, "trace_id": "Root=1"}, b"{}"))
    event = client_of(channel).wait_next_invocation()
    assert (event.invoked_function_arn, event.deadline_time_in_ms) == ("arn:f", 1_700_000_000_000)
    assert (event.x_amzn_trace_id, event.client_context, event.cognito_identity) == ("Root=1", '{"a": 1}', None)


def test_an_error_names_its_type(channel: socket.socket) -> None:
    client_of(channel).post_invocation_error("r-1", '{"errorType": "KeyError", "errorMessage": "x"}')
    kind, meta, _ = said(channel)
    assert (kind, meta) == (frames.ERROR, {"id": "r-1", "type": "KeyError"})


def test_a_platform_that_is_gone_ends_the_wait(channel: socket.socket) -> None:
    client = client_of(channel)
    channel.shutdown(socket.SHUT_WR)
    with pytest.raises(ChannelClosedError):
        client.wait_next_invocation()


@pytest.mark.parametrize(("runtime", "sent"), [("python3.12", '"ä"'), ("python3.11", '"\\u00e4"')])
def test_text_is_escaped_as_that_runtime_does(
    channel: socket.socket, monkeypatch: pytest.MonkeyPatch, runtime: str, sent: str
) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_{runtime}")
    assert client_of(channel).marshaller.marshal_response("ä") == (sent, "application/json")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[]))
RESULTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner), max_leaves=20)


@pytest.mark.parametrize("runtime", ["python3.12", "python3.11"])
@given(result=RESULTS)
def test_results_are_written_as_the_official_client_does(runtime: str, result: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_{runtime}")
        assert Marshaller().marshal_response(result) == LambdaMarshaller().marshal_response(result)


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.IntEnum):
    RED = 1


class Word(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "its own"


@pytest.mark.parametrize(
    "value",
    [Point(1, 2), (1, 2), Colour.RED, Word("word"), Decimal("1.10"), Decimal("NaN"), OrderedDict(a=1), b"bytes"],
    ids=repr,
)
def test_what_only_the_official_client_knows_to_write_is_left_to_it(value: Any) -> None:
    ours, official = Marshaller(), LambdaMarshaller()
    for result in (value, [value], {"a": [{"b": value}]}):
        assert ours.marshal_response(result) == official.marshal_response(result)


def test_what_cannot_be_written_is_told_in_the_official_words() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for result, words in ((endless, "Circular reference detected"), ({"a": object()}, "not JSON serializable")):
        with pytest.raises(FaultException, match=f"Unable to marshal response: .*{words}"):
            Marshaller().marshal_response(result)


@pytest.mark.parametrize("wakes", [1, 3])
def test_one_that_was_woken_finds_its_event(channel: socket.socket, wakes: int) -> None:
    channel.sendall(encode_wakes(wakes) + frames.encode(frames.EVENT, EVENT_META, b"1"))
    assert client_of(channel).wait_next_invocation().event_body == b"1"
    assert said(channel)[:2] == (frames.NEXT, {"wakes": True})


def test_one_that_was_woken_too_early_waits_for_its_event(channel: socket.socket) -> None:
    client = client_of(channel)
    looks: list[int | None] = []

    def wait(timeout: int | None = None) -> list[int]:
        looks.append(timeout)
        if looks.count(None) == 2:
            channel.sendall(encode_wakes(1) + frames.encode(frames.EVENT, EVENT_META, b"1"))
        return [] if timeout == 0 else [1]

    client._wait = wait  # type: ignore[assignment]
    channel.sendall(encode_wakes(1))
    assert client.wait_next_invocation().event_body == b"1"
    assert looks == [None, *[0] * LOOKS, None]


def encode_wakes(count: int) -> bytes:
    return frames.encode(frames.WAKE) * count


class Dripping(socket.socket):
    """Gives no more than three bytes at a time."""

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        return super().recv(min(size, 3), flags)


def test_an_event_may_come_in_pieces(channel: socket.socket) -> None:
    channel.sendall(encode_wakes(1) + frames.encode(frames.EVENT, EVENT_META, b'{"x": 1}'))
    with Dripping(fileno=PEERS[channel].dup().detach()) as slow:
        assert ChannelClient(slow).wait_next_invocation().event_body == b'{"x": 1}'


def test_an_event_that_is_no_json_is_told_in_the_official_words(channel: socket.socket) -> None:
    with pytest.raises(FaultException, match="Unable to unmarshal input: "):
        client_of(channel).marshaller.unmarshal_request(b"{nonsense")
