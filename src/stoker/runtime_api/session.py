"""The Runtime API as a state machine, without I/O: what a function's process may say, and what follows from it.

Both transports (`server.py`, `frames.py`) put what they read into one `Session` and act on what it returns, so wrong
order, wrong request ids and second answers are decided once. States and refusals are those of AWS's own Runtime API:
403 `InvalidStateTransition`, 400 `InvalidRequestID`, 413 `RequestEntityTooLarge`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from stoker.model.invocation import Invocation, ResponseSink
from stoker.runtime_api.response_stream import MAX_RESPONSE_BYTES, CollectedResponse

# An error type ends up in REPORT lines and the ledger; what is no name there is not taken over from the process.
_ERROR_TYPE = re.compile(r"[A-Za-z_][\w.:$]{0,127}", re.ASCII)
UNKNOWN_ERROR_TYPE = "Runtime.Unknown"


class Phase(StrEnum):
    """Where a function's process stands in the protocol."""

    STARTING = "starting"  # has never asked for work
    READY = "ready"  # has asked and waits
    RUNNING = "running"  # has an invocation to answer
    STREAMING = "streaming"  # has begun to answer it, piece by piece
    ANSWERED = "answered"  # has answered and not yet asked again
    FAILED = "failed"  # has said that it cannot start


class Said(StrEnum):
    """What moves the protocol on; all but DELIVER and WITHDRAW are words of the process."""

    NEXT = "next"
    WITHDRAW = "withdraw"  # the connection that had asked went away
    DELIVER = "deliver"
    RESPONSE = "response"
    STREAM = "begin of a streamed response"
    STREAM_END = "end of a streamed response"
    ERROR = "error"
    INIT_ERROR = "init error"


# What is not in here is refused.
TRANSITIONS: Mapping[tuple[Phase, Said], Phase] = {
    (Phase.STARTING, Said.NEXT): Phase.READY,
    (Phase.STARTING, Said.INIT_ERROR): Phase.FAILED,
    (Phase.READY, Said.DELIVER): Phase.RUNNING,
    (Phase.READY, Said.WITHDRAW): Phase.ANSWERED,
    (Phase.RUNNING, Said.RESPONSE): Phase.ANSWERED,
    (Phase.RUNNING, Said.ERROR): Phase.ANSWERED,
    (Phase.RUNNING, Said.STREAM): Phase.STREAMING,
    (Phase.STREAMING, Said.STREAM_END): Phase.ANSWERED,
    # A crash in the middle of a stream is told as any other.
    (Phase.STREAMING, Said.ERROR): Phase.ANSWERED,
    (Phase.ANSWERED, Said.NEXT): Phase.READY,
}
# Where a result leaves the process that asks for the next invocation in the same breath.
_ANSWERED_AND_ASKED = TRANSITIONS[TRANSITIONS[Phase.RUNNING, Said.RESPONSE], Said.NEXT]


class Delivery(Struct, frozen=True, kw_only=True):
    """An invocation for the process; it has until `deadline_ms` since the epoch."""

    invocation: Invocation
    deadline_ms: int


class Asker(Protocol):
    """A connection that asked for the next invocation and gets it when there is one."""

    def send_event(self, delivery: Delivery) -> None: ...


class Answer(Struct, frozen=True, kw_only=True):
    """How an invocation, or an init, ended in the process's own words. `error_type` is None for a success."""

    payload: bytes
    error_type: str | None = None


class RuntimeListener(Protocol):
    """Who hears of the process: its environment. Called on the event loop, from inside a socket's callback."""

    def ready(self) -> None:
        """The process asked for work for the first time: its init is over."""

    def asked(self) -> None:
        """The process asked for work again, apart from its answer."""

    def answered(self, answer: Answer) -> None:
        """The current invocation has its answer."""

    def init_failed(self, answer: Answer) -> None:
        """The process said that it cannot start; it is about to exit."""

    def lost(self) -> None:
        """The process's channel is closed; whatever it was doing, it cannot answer any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """What the process gets for a request that is not in order: a status and `{"errorMessage", "errorType"}`."""

    status: int
    error_type: str
    message: str
    # Set when the refused message ends the invocation all the same.
    answer: Answer | None = None


def _too_large(limit_bytes: int) -> Refusal:
    payload = (
        b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum '
        b'allowed payload size (%d bytes)."}' % limit_bytes
    )
    return Refusal(
        status=413,
        error_type="RequestEntityTooLarge",
        message=f"Exceeded maximum allowed payload size ({limit_bytes} bytes).",
        answer=Answer(payload=payload, error_type="Function.ResponseSizeTooLarge"),
    )


TOO_LARGE = _too_large(MAX_RESPONSE_BYTES)
TRUNCATED = Answer(
    payload=b'{"errorType":"Runtime.TruncatedResponse","errorMessage":"The response was broken off before its end."}',
    error_type="Runtime.TruncatedResponse",
)
_WRONG_ID = Refusal(status=400, error_type="InvalidRequestID", message="Invalid request ID")


class Session:
    """One process's side of the Runtime API from its start to its end. Handles one invocation at a time."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self._asker: Asker | None = None
        self._current: str | None = None
        self._held: Delivery | None = None
        self._sink: ResponseSink | None = None

    def __repr__(self) -> str:
        return f"<Session {self.phase}{' ' + self._current if self._current else ''}>"

    def offer(self, delivery: Delivery) -> Asker | None:
        """Hand an invocation in; returns who is to be sent it now, or None: it is held until the process asks."""
        if self.phase is not Phase.READY:
            self._held = delivery
            return None
        asker, self._asker = self._asker, None
        self._deliver(delivery)
        return asker

    def next(self, asker: Asker) -> Delivery | Refusal | None:
        """The process asks for work; returns it, or None: `asker` waits, for as long as it takes."""
        moved = self._move(Said.NEXT)
        if moved is not None:
            return moved
        held = self._held
        if held is not None:
            self._held = None
            self._deliver(held)
            return held
        self._asker = asker
        return None

    def withdraw(self, asker: Asker) -> None:
        """The connection of a waiting `asker` is gone: nothing may be sent into it."""
        if self._asker is asker:
            self._asker = None
            self._move(Said.WITHDRAW)

    def respond(self, request_id: str, body: bytes) -> Answer | Refusal:
        """The handler's result: `body` is what the caller gets."""
        if len(body) > MAX_RESPONSE_BYTES:
            return self.overflow(request_id)
        return self._end(Said.RESPONSE, request_id) or Answer(payload=body)

    def respond_and_ask(self, request_id: str, body: bytes, asker: Asker) -> Answer | None:
        """`respond`, and `next` in the same message: the end of nearly every invocation.

        None: one of them is refused, or finds another invocation; nothing has changed.
        """
        in_order = self.phase is Phase.RUNNING and request_id == self._current and self._held is None
        if not in_order or len(body) > MAX_RESPONSE_BYTES:
            return None
        self.phase = _ANSWERED_AND_ASKED
        self._current = self._sink = None
        self._asker = asker
        return Answer(payload=body)

    def stream(self, request_id: str, content_type: str) -> ResponseSink | Refusal:
        """The handler's result begins to come in pieces: where they go. `finish_stream` or `break_stream` follows."""
        refused = self.refuses(request_id)
        if refused is not None:
            return refused
        self._move(Said.STREAM)
        if self._sink is None:
            self._sink = CollectedResponse()
        self._sink.begin(content_type)
        return self._sink

    def finish_stream(self, request_id: str, error_type: str | None, body: bytes) -> Answer | Refusal:
        """The streamed result is whole, or ended with an error: then `body` is its JSON."""
        sink = self._sink
        refused = self._end(Said.STREAM_END, request_id)
        if refused is not None or sink is None:
            return refused or _WRONG_ID
        if error_type is None:
            return Answer(payload=sink.collected())
        return Answer(payload=body, error_type=error_name(error_type))

    def break_stream(self, request_id: str) -> Answer | None:
        """The connection that streamed is gone; the invocation's end, unless that had come already."""
        return None if self._end(Said.STREAM_END, request_id) else TRUNCATED

    def fail(self, request_id: str, error_type: str, body: bytes) -> Answer | Refusal:
        """The handler's error: `body` is what the caller gets."""
        if len(body) > MAX_RESPONSE_BYTES:
            return self.overflow(request_id)
        return self._end(Said.ERROR, request_id) or Answer(payload=body, error_type=error_name(error_type))

    def fail_init(self, error_type: str, body: bytes) -> Answer | Refusal:
        """The process could not start; it is not going to ask for work."""
        return self._move(Said.INIT_ERROR) or Answer(payload=body, error_type=error_name(error_type))

    def overflow(self, request_id: str | None) -> Refusal:
        """An answer is over the limit: refused with 413, and yet the end of its invocation.

        `request_id` is None where the transport cannot know it yet and takes it to be the current one.
        """
        refusal = TOO_LARGE if self._sink is None else _too_large(self._sink.limit_bytes)
        return self._end(Said.ERROR, request_id or self._current or "") or refusal

    def refuses(self, request_id: str) -> Refusal | None:
        """What an answer to this request would be refused with, for transports that read its body only if it counts."""
        if self.phase is not Phase.RUNNING:
            return self._not_allowed(Said.RESPONSE)
        return None if request_id == self._current else _WRONG_ID

    def _deliver(self, delivery: Delivery) -> None:
        self._current = delivery.invocation.request_id
        self._sink = delivery.invocation.stream
        self._move(Said.DELIVER)

    def _end(self, said: Said, request_id: str) -> Refusal | None:
        if self._current is not None and request_id != self._current:
            return _WRONG_ID
        refused = self._move(said)
        if refused is None:
            self._current = self._sink = None
        return refused

    def _move(self, said: Said) -> Refusal | None:
        after = TRANSITIONS.get((self.phase, said))
        if after is None:
            return self._not_allowed(said)
        self.phase = after
        return None

    def _not_allowed(self, said: Said) -> Refusal:
        message = f"State transition from {self.phase} by {said} is not allowed"
        return Refusal(status=403, error_type="InvalidStateTransition", message=message)


def error_name(error_type: str) -> str:
    """An error type that can go into a REPORT line; what is no name becomes Runtime.Unknown."""
    return error_type if _ERROR_TYPE.fullmatch(error_type) else UNKNOWN_ERROR_TYPE
