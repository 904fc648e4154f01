"""The host's end of the channel, with a test at the process's end."""

import asyncio
import json
import socket

import pytest

from fakes.listener import RecordingListener
from fakes.loop import on_loop, until
from stoker.bootstrap.frames import ERROR, EVENT, HEADER, INIT_ERROR, NEXT, RESPONSE, WAKE, WAKES, encode
from stoker.model.invocation import Invocation
from stoker.runtime_api import frames
from stoker.runtime_api.frames import FrameChannel
from stoker.runtime_api.session import Answer, Delivery, Session

EVENT_1 = Delivery(
    invocation=Invocation(request_id="r-1", payload=b'{"n": 1}', invoked_arn="arn:f", trace_id="Root=1"),
    deadline_ms=1_700_000_000_000,
)


class Bench:
    """A channel whose other end is `peer`, a blocking socket."""

    async def open(self) -> "Bench":
        ours, self.peer = socket.socketpair()
        ours.setblocking(False)
        self.peer.settimeout(60)
        self.session, self.listener = Session(), RecordingListener()
        self.channel = FrameChannel(self.session, self.listener)
        await asyncio.get_running_loop().create_connection(lambda: self.channel, sock=ours)
        return self

    def deliver(self) -> None:
        asker = self.session.offer(EVENT_1)
        assert asker is not None
        asker.send_event(EVENT_1)

    async def heard(self, *words: str) -> None:
        await until(lambda: self.listener.words == list(words))

    async def running(self) -> "Bench":
        self.peer.send(encode(NEXT))
        await self.heard("ready")
        self.deliver()
        return self


@on_loop
async def test_an_event_arrives_with_everything_a_context_needs() -> None:
    bench = await (await Bench().open()).running()
    data = await asyncio.to_thread(bench.peer.recv, 65536)
    head, length, kind = HEADER.unpack_from(data)
    assert kind == EVENT
    assert data[HEADER.size + head :] == b'{"n": 1}'
    assert length == 8
    assert json.loads(data[HEADER.size : HEADER.size + head]) == {
        "id": "r-1",
        "deadline_ms": 1_700_000_000_000,
        "arn": "arn:f",
        "trace_id": "Root=1",
    }


@on_loop
async def test_a_response_also_asks_for_the_next_event() -> None:
    bench = await (await Bench().open()).running()
    bench.peer.send(encode(RESPONSE, {"id": "r-1"}, b'"ok"'))
    await bench.heard("ready", "answered")
    assert bench.listener.answers[0].payload == b'"ok"'
    assert repr(bench.session) == "<Session ready>"


@on_loop
async def test_whoever_hears_of_an_answer_can_hand_in_the_next_event_at_once() -> None:
    class Eager(RecordingListener):
        def answered(self, answer: Answer) -> None:
            super().answered(answer)
            bench.deliver()

    bench = await (await Bench().open()).running()
    bench.channel._listener = Eager()
    bench.peer.send(encode(RESPONSE, {"id": "r-1"}, b"1"))
    await until(lambda: bench.channel._listener.answers)
    assert repr(bench.session) == "<Session running r-1>"


@on_loop
async def test_frames_may_arrive_byte_by_byte() -> None:
    bench = await Bench().open()
    for byte in encode(NEXT):
        bench.channel.data_received(bytes((byte,)))
    assert bench.listener.words == ["ready"]
    bench.deliver()
    for byte in encode(ERROR, {"id": "r-1", "type": "KeyError"}, b"{}"):
        bench.channel.data_received(bytes((byte,)))
    assert bench.listener.answers[0].error_type == "KeyError"


@on_loop
async def test_a_large_response_arrives_whole() -> None:
    bench = await (await Bench().open()).running()
    body = b"x" * 6_291_556
    await asyncio.to_thread(bench.peer.sendall, encode(RESPONSE, {"id": "r-1"}, body))
    await bench.heard("ready", "answered")
    assert bench.listener.answers[0].payload == body


@on_loop
async def test_a_response_over_the_limit_fails_without_being_read() -> None:
    bench = await (await Bench().open()).running()
    bench.peer.send(HEADER.pack(2, 4_000_000_000, RESPONSE) + b"{}")
    await bench.heard("ready", "answered", "lost")
    assert bench.listener.answers[0].error_type == "Function.ResponseSizeTooLarge"


@on_loop
async def test_an_init_error_is_told_as_it_was_sent() -> None:
    bench = await Bench().open()
    bench.peer.send(encode(INIT_ERROR, {"type": "Runtime.ImportModuleError"}, b'{"errorMessage": "no"}'))
    await bench.heard("init failed")
    assert bench.listener.answers[0].payload == b'{"errorMessage": "no"}'


GARBAGE = {
    "text": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown kind": HEADER.pack(2, 0, 77) + b"{}",
    "an event from the process": encode(EVENT, {"id": "r-1"}),
    "giant meta": HEADER.pack(1 << 30, 0, RESPONSE),
    "meta that is no JSON": HEADER.pack(3, 0, RESPONSE) + b"{{{",
    "meta that is no text": HEADER.pack(2, 0, RESPONSE) + b"\xff\xfe",
    "meta that is no object": HEADER.pack(2, 0, RESPONSE) + b"[]",
    "meta nested deep": HEADER.pack(200_000, 0, RESPONSE) + b"[" * 200_000,
    "an id that is no text": encode(RESPONSE, {"id": 7}),
    "no id": encode(RESPONSE, {"type": "x"}),
    "another's id": encode(RESPONSE, {"id": "r-2"}),
    "next before the answer": encode(NEXT),
    "an init error after the init": encode(INIT_ERROR, {"type": "x"}),
}


@pytest.mark.parametrize("case", GARBAGE)
def test_what_is_no_frame_in_its_turn_closes_the_channel_and_answers_nothing(case: str) -> None:
    @on_loop
    async def scenario() -> None:
        bench = await (await Bench().open()).running()
        await asyncio.to_thread(bench.peer.sendall, GARBAGE[case])
        await bench.heard("ready", "lost")

    scenario()


@on_loop
async def test_a_second_answer_closes_the_channel_after_the_first_was_heard() -> None:
    bench = await (await Bench().open()).running()
    bench.peer.send(encode(RESPONSE, {"id": "r-1"}, b"1") + encode(RESPONSE, {"id": "r-1"}, b"2"))
    await bench.heard("ready", "answered", "lost")
    assert bench.listener.answers[0].payload == b"1"


@on_loop
async def test_an_answer_that_is_sent_again_closes_the_channel() -> None:
    bench = await (await Bench().open()).running()
    answer = encode(RESPONSE, {"id": "r-1"}, b"1")
    bench.channel.data_received(answer)
    bench.channel.data_received(answer)
    assert (bench.listener.words, len(bench.listener.answers)) == (["ready", "answered", "lost"], 1)


@on_loop
async def test_a_process_that_closes_its_end_is_lost() -> None:
    bench = await (await Bench().open()).running()
    bench.peer.close()
    await bench.heard("ready", "lost")


@on_loop
async def test_a_channel_closed_unused_says_nothing_since_the_process_speaks_http() -> None:
    bench = await Bench().open()
    bench.peer.close()
    await until(lambda: "closed" in repr(bench.channel))
    assert bench.listener.words == []


@on_loop
async def test_a_process_is_woken_if_it_can_be_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "PROCESSORS", 2)
    for meta, sent in ((WAKES, encode(WAKE)), (None, b""), ({"wakes": 1}, b"")):
        bench = await Bench().open()
        bench.peer.send(encode(NEXT, meta))
        await bench.heard("ready")
        bench.peer.setblocking(False)
        bench.channel.wake()
        received = bench.peer.recv(65536) if sent else b""
        assert received == sent
        bench.deliver()
        await until(lambda bench=bench: bench.channel._transport.get_write_buffer_size() == 0)
        bench.peer.setblocking(True)
        assert HEADER.unpack_from(bench.peer.recv(65536))[2] == EVENT


@on_loop
async def test_on_a_single_processor_nobody_is_woken_to_look_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "PROCESSORS", 1)
    bench = await Bench().open()
    bench.peer.send(encode(NEXT, WAKES))
    await bench.heard("ready")
    bench.channel.wake()
    bench.peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        bench.peer.recv(1)


@on_loop
async def test_who_is_woken_and_never_reads_costs_nobody_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "PROCESSORS", 2)
    bench = await Bench().open()
    bench.peer.send(encode(NEXT, WAKES))
    await bench.heard("ready")
    # Each takes a buffer of its own in the kernel, so that the socket is full long before.
    for _ in range(10_000):
        bench.channel.wake()
    bench.deliver()
    await until(lambda: bench.channel._transport is None or bench.channel._transport.get_write_buffer_size() > 0)
    # Nothing comes between the parts of what is on its way.
    bench.channel.wake()
    bench.peer.close()
    await bench.heard("ready", "lost")
    bench.channel.wake()
