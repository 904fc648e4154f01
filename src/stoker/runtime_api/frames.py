"""The Runtime API over a plain stream socket, for our own bootstraps: the host's side of `bootstrap.frames`.

The other end is code we don't trust: sizes are bounded before anything is stored, and whatever is not a frame in its
turn closes the channel, which ends the process at its next read.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from json import JSONDecoder
from json.encoder import encode_basestring_ascii as _quoted
from typing import cast

from stoker.bootstrap.frames import (
    CHUNK,
    ERROR,
    EVENT,
    HEADER,
    IMPORT,
    INIT_ERROR,
    MAX_META_BYTES,
    NEXT,
    RESPONSE,
    START,
    STREAM,
    STREAM_END,
    WAKE,
    WAKES,
    encode,
)
from stoker.model.invocation import ResponseSink
from stoker.runtime_api.response_stream import MAX_RESPONSE_BYTES
from stoker.runtime_api.session import Answer, Delivery, Phase, Refusal, RuntimeListener, Session

PROCESSORS = len(os.sched_getaffinity(0))
_DECODER = JSONDecoder()
_UNDERSTANDS_WAKE = encode(NEXT, WAKES)[HEADER.size :]
_WAKE = encode(WAKE)


class FrameChannel(asyncio.Protocol):
    """One environment's channel. Reads frames, asks the session, tells the listener."""

    def __init__(self, session: Session, listener: RuntimeListener) -> None:
        self._session = session
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._wanted = HEADER.size
        self._spoke = False
        self._understands_wake = False
        self._lost = False
        self._sink: ResponseSink | None = None
        # The meta of a plain answer to the event that was sent last, as our bootstraps write it, and its request id.
        self._plain_meta, self._plain_id = b"", ""
        # Called when the function's own init begins, where the runtime says so; once.
        self.on_import: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<FrameChannel {'open' if self._transport else 'closed'} {self._session!r}>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._session.withdraw(self)
        self._lose()

    def data_received(self, data: bytes) -> None:
        self._spoke = True
        if not self._buffer and self._is_plain_answer(data):
            return
        if self._buffer or len(data) < HEADER.size:
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        at = self._frames(data)
        if at < len(data):
            self._buffer += data[at:] if at else data

    def _is_plain_answer(self, data: bytes) -> bool:
        """Act on what is, to the byte, our bootstraps' answer to the event that was sent last, and nothing more."""
        meta = self._plain_meta
        start = HEADER.size + len(meta)
        body = data[start:]
        if not data.startswith(HEADER.pack(len(meta), len(body), RESPONSE) + meta):
            return False
        answer = self._session.respond_and_ask(self._plain_id, body, self)
        if answer is None:
            return False
        self._listener.answered(answer)
        return True

    def _frames(self, data: bytes) -> int:
        """Act on every whole frame; returns where the first that is not whole begins."""
        at = 0
        while len(data) - at >= HEADER.size:
            head, length, kind = HEADER.unpack_from(data, at)
            if head > MAX_META_BYTES or length > MAX_RESPONSE_BYTES:
                self._refuse_size(kind, length)
                return len(data)
            self._wanted = HEADER.size + head + length
            if len(data) - at < self._wanted:
                return at
            meta_end = at + HEADER.size + head
            if not self._frame(kind, data[at + HEADER.size : meta_end], data[meta_end : meta_end + length]):
                self._break_off()
                return len(data)
            at += self._wanted
        self._wanted = HEADER.size
        return at

    def _frame(self, kind: int, head: bytes, body: bytes) -> bool:
        """Act on one frame; False: it was out of turn or no frame at all."""
        if kind == NEXT:
            # Where there is one processor, the process would keep it from whoever sends the EVENT.
            self._understands_wake = PROCESSORS > 1 and head == _UNDERSTANDS_WAKE
            return self._ask(apart=True)
        if kind == IMPORT:
            return self._importing()
        if kind == RESPONSE and head == self._plain_meta:
            return self._answered(self._session.respond(self._plain_id, body))
        members = _members(head)
        if members is None:
            return False
        request_id, error_type = members
        if kind == RESPONSE:
            return self._answered(self._session.respond(request_id, body))
        if kind == ERROR:
            return self._answered(self._session.fail(request_id, error_type, body))
        if kind == STREAM:
            return self._stream(self._session.stream(request_id, error_type))
        if kind == CHUNK:
            return self._chunk(body)
        if kind == STREAM_END:
            return self._finish_stream(self._session.finish_stream(request_id, error_type or None, body))
        return kind == INIT_ERROR and self._init_failed(self._session.fail_init(error_type, body))

    def _importing(self) -> bool:
        tell, self.on_import = self.on_import, None
        if tell is not None:
            tell()
        return self._session.phase is Phase.STARTING

    def _stream(self, sink: ResponseSink | Refusal) -> bool:
        if isinstance(sink, Refusal):
            return False
        self._sink = sink
        return True

    def _chunk(self, body: bytes) -> bool:
        """Pass a piece on. While it cannot be taken nothing is read, and the process's writes wait in its socket."""
        sink = self._sink
        if sink is None or self._session.phase is not Phase.STREAMING:
            return False
        if not sink.feed(body):
            self._sink = None
            return self._answered(self._session.overflow(None))
        if sink.full and self._transport is not None:
            self._transport.pause_reading()
            sink.when_room(self._read_on)
        return True

    def _finish_stream(self, answer: Answer | Refusal) -> bool:
        """The handler may still be busy: the process asks apart."""
        self._sink = None
        if isinstance(answer, Refusal):
            return False
        self._listener.answered(answer)
        return True

    def _read_on(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def _answered(self, answer: Answer | Refusal) -> bool:
        if isinstance(answer, Refusal):
            if answer.answer is not None:
                self._listener.answered(answer.answer)
            return False
        # The process has asked for the next event in the same write; it has to be in its turn before the listener
        # knows, for that may have another invocation at once.
        asked = self._ask()
        self._listener.answered(answer)
        return asked

    def _ask(self, *, apart: bool = False) -> bool:
        first = self._session.phase is Phase.STARTING
        held = self._session.next(self)
        if isinstance(held, Refusal):
            return False
        if held is not None:
            self.send_event(held)
        if first:
            self._listener.ready()
        elif apart:
            self._listener.asked()
        return True

    def _init_failed(self, answer: Answer | Refusal) -> bool:
        if isinstance(answer, Refusal):
            return False
        self._listener.init_failed(answer)
        return True

    def _refuse_size(self, kind: int, length: int) -> None:
        """An answer over the limit fails the invocation, as over HTTP; its bytes are not worth reading."""
        if kind in (RESPONSE, ERROR) and length > MAX_RESPONSE_BYTES:
            self._answered(self._session.overflow(None))
        self._break_off()

    def _break_off(self) -> None:
        """Close on a process that keeps to nothing. Told at once, before anybody can give it another invocation."""
        self.close()
        self._lose()

    def _lose(self) -> None:
        # A bootstrap of the function's own never speaks here: exec closed its end, and it will come by HTTP.
        if self._spoke and not self._lost:
            self._lost = True
            self._listener.lost()

    def send_event(self, delivery: Delivery) -> None:
        """Write an EVENT; the session has said that the process waits for it."""
        request_id = delivery.invocation.request_id
        quoted = _quoted(request_id)
        self._plain_meta, self._plain_id = b'{"id": %b}' % quoted.encode(), request_id
        if self._transport is not None:
            self._transport.write(_event_frame(delivery, quoted))

    def wake(self) -> None:
        """Have a process that waits look out for an EVENT, if it can and nothing is on its way to it."""
        transport = self._transport
        if self._understands_wake and transport is not None and not transport.get_write_buffer_size():
            # It may read nothing any more, or be gone: whoever has an EVENT for it will find out.
            with contextlib.suppress(OSError):
                # Not by the transport: it sends at the end of the loop's turn, which is when the EVENT will be sent.
                os.write(transport.get_extra_info("socket").fileno(), _WAKE)

    def start(self) -> None:
        """Tell the worker, which has started external extensions, that the runtime may begin."""
        if self._transport is not None:
            self._transport.write(encode(START))

    def close(self) -> None:
        """Close the socket, without waiting for what is not yet written; idempotent."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()


def _members(head: bytes) -> tuple[str, str] | None:
    """The request id and the error type of a meta object, each empty if it is not there; None: it is no such object."""
    try:
        meta = _DECODER.decode(head.decode())
    except (ValueError, RecursionError):
        return None
    if type(meta) is not dict:
        return None
    request_id, error_type = meta.get("id", ""), meta.get("type", "")
    if type(request_id) is not str or type(error_type) is not str:
        return None
    return request_id, error_type


def _event_frame(delivery: Delivery, quoted_id: str) -> bytes:
    """An EVENT. Its meta is put together by hand: `json.dumps` makes an encoder for each call, which is 3 µs more."""
    invocation = delivery.invocation
    meta = f'{{"id":{quoted_id},"deadline_ms":{delivery.deadline_ms},"arn":{_quoted(invocation.invoked_arn)}'
    if invocation.trace_id is not None:
        meta += f',"trace_id":{_quoted(invocation.trace_id)}'
    if invocation.client_context is not None:
        meta += f',"client_context":{_quoted(invocation.client_context)}'
    if invocation.cognito_identity is not None:
        meta += f',"cognito_identity":{_quoted(invocation.cognito_identity)}'
    head = f"{meta}}}".encode()
    return HEADER.pack(len(head), len(invocation.payload), EVENT) + head + invocation.payload
