"""Streamed answers from the process's words to the caller's reads, without and with a socket."""

import asyncio
import socket

import pytest

from fakes.listener import RecordingListener
from fakes.loop import on_loop, until
from stoker.bootstrap.frames import CHUNK, NEXT, RESPONSE, STREAM, STREAM_END, encode
from stoker.model.invocation import Invocation
from stoker.runtime_api import response_stream
from stoker.runtime_api.frames import FrameChannel
from stoker.runtime_api.response_stream import FULL_BYTES, ResponseStream
from stoker.runtime_api.session import TRUNCATED, Answer, Delivery, Phase, Refusal, Session


class Nobody:
    def send_event(self, delivery: Delivery) -> None: ...


def running(stream: ResponseStream | None = None) -> Session:
    session = Session()
    session.next(Nobody())
    invocation = Invocation(request_id="r-1", payload=b"{}", invoked_arn="arn:f", stream=stream)
    session.offer(Delivery(invocation=invocation, deadline_ms=1))
    return session


async def read(stream: ResponseStream) -> bytes:
    return b"".join([piece async for piece in stream])


@on_loop
async def test_what_is_streamed_is_read_and_nothing_of_it_is_in_the_answer() -> None:
    stream = ResponseStream()
    session = running(stream)
    sink = session.stream("r-1", "text/plain")
    assert sink is stream
    assert stream.feed(b"ab")
    assert stream.feed(b"cd")
    assert session.finish_stream("r-1", None, b"") == Answer(payload=b"")
    stream.end()
    assert (await read(stream), stream.content_type, stream.streamed_bytes) == (b"abcd", "text/plain", 4)


def test_a_caller_that_wants_it_whole_gets_it_whole() -> None:
    session = running()
    sink = session.stream("r-1", "text/plain")
    assert not isinstance(sink, Refusal)
    assert sink.feed(b"ab")
    assert sink.feed(b"cd")
    assert session.finish_stream("r-1", None, b"") == Answer(payload=b"abcd")


@pytest.mark.parametrize("length", [6_291_556, 6_291_557])
def test_what_is_collected_has_the_limit_of_any_answer(length: int) -> None:
    sink = running().stream("r-1", "text/plain")
    assert not isinstance(sink, Refusal)
    assert sink.feed(b"x" * length) is (length == 6_291_556)


def test_a_stream_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert response_stream.MAX_STREAMED_BYTES == 209_715_200
    monkeypatch.setattr(ResponseStream, "limit_bytes", 10)
    stream = ResponseStream()
    session = running(stream)
    session.stream("r-1", "text/plain")
    assert stream.feed(b"x" * 10)
    assert not stream.feed(b"x")
    refusal = session.overflow("r-1")
    assert refusal.answer is not None
    assert (refusal.status, refusal.answer.error_type) == (413, "Function.ResponseSizeTooLarge")
    assert b"(10 bytes)" in refusal.answer.payload


def test_while_it_streams_a_process_may_say_nothing_else_but_an_error() -> None:
    session = running(ResponseStream())
    session.stream("r-1", "text/plain")
    for refused in (session.stream("r-1", "x"), session.respond("r-1", b""), session.next(Nobody())):
        assert isinstance(refused, Refusal)
        assert refused.error_type == "InvalidStateTransition"
    assert isinstance(session.finish_stream("r-9", None, b""), Refusal)
    assert session.fail("r-1", "Crash", b"{}") == Answer(payload=b"{}", error_type="Crash")
    assert session.phase is Phase.ANSWERED


def test_a_connection_that_breaks_off_ends_its_own_invocation_and_no_other() -> None:
    session = running(ResponseStream())
    session.stream("r-1", "text/plain")
    assert session.break_stream("r-1") == TRUNCATED
    session.next(Nobody())
    session.offer(Delivery(invocation=Invocation(request_id="r-2", payload=b"", invoked_arn=""), deadline_ms=1))
    assert session.break_stream("r-1") is None
    assert session.respond("r-2", b"1") == Answer(payload=b"1")


@on_loop
async def test_a_full_stream_says_when_there_is_room_again() -> None:
    stream, told = ResponseStream(), []
    stream.feed(b"x" * FULL_BYTES)
    assert stream.full
    stream.when_room(lambda: told.append("room"))
    assert told == []
    await anext(stream)
    assert (told, stream.full) == (["room"], False)


@on_loop
async def test_a_reader_that_goes_away_lets_the_writer_go_on_and_holds_nothing() -> None:
    stream, told = ResponseStream(), []
    stream.feed(b"x" * FULL_BYTES)
    stream.when_room(lambda: told.append("room"))
    stream.abandon()
    stream.feed(b"x" * FULL_BYTES)
    assert (told, stream.full, stream.streamed_bytes) == (["room"], False, 2 * FULL_BYTES)
    assert await read(stream) == b""


class Channel:
    """A channel whose process runs `r-1`; `peer` is its end."""

    async def open(self, stream: ResponseStream | None) -> "Channel":
        ours, self.peer = socket.socketpair()
        for end in (ours, self.peer):
            end.setblocking(False)
        self.session, self.listener = Session(), RecordingListener()
        self.channel = FrameChannel(self.session, self.listener)
        await asyncio.get_running_loop().create_connection(lambda: self.channel, sock=ours)
        await self.say(encode(NEXT))
        await until(lambda: self.session.phase is Phase.READY)
        invocation = Invocation(request_id="r-1", payload=b"{}", invoked_arn="arn:f", stream=stream)
        self.session.offer(Delivery(invocation=invocation, deadline_ms=1))
        return self

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.peer, data)


BEGIN = encode(STREAM, {"id": "r-1", "type": "text/plain"})
PIECE = encode(CHUNK, {"id": "r-1"}, b"x" * 65536)
END = encode(STREAM_END, {"id": "r-1"})


@on_loop
async def test_frames_bring_pieces_an_end_and_then_the_wish_for_more() -> None:
    stream = ResponseStream()
    channel = await Channel().open(stream)
    await channel.say(BEGIN + encode(CHUNK, {"id": "r-1"}, b"ab") + END + encode(NEXT))
    await until(lambda: channel.session.phase is Phase.READY)
    stream.end()
    assert channel.listener.words == ["ready", "answered"]
    assert await read(stream) == b"ab"


@on_loop
async def test_a_process_whose_reader_is_slow_has_to_wait() -> None:
    stream = ResponseStream()
    channel = await Channel().open(stream)
    pushing = asyncio.ensure_future(channel.say(BEGIN + 200 * PIECE + END))
    await until(lambda: stream.full)
    # What a socket and one read hold comes on top; the rest waits in the process.
    for _ in range(50):
        await asyncio.sleep(0)
    assert not pushing.done()
    assert stream.streamed_bytes < 2_000_000
    pieces = asyncio.ensure_future(read(stream))
    await pushing
    await until(lambda: channel.listener.words == ["ready", "answered"])
    stream.end()
    assert len(await pieces) == 200 * 65536


@pytest.mark.parametrize(
    "nonsense", [PIECE, END, BEGIN + BEGIN, BEGIN + encode(RESPONSE, {"id": "r-1"}), BEGIN + END + PIECE]
)
def test_frames_out_of_turn_close_the_channel(nonsense: bytes) -> None:
    @on_loop
    async def scenario() -> None:
        channel = await Channel().open(ResponseStream())
        await channel.say(nonsense)
        await until(lambda: "lost" in channel.listener.words)

    scenario()
