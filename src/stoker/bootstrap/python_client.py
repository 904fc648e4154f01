"""awslambdaric's runtime client over our channel: every behaviour that a function can see stays the official one.

The official transport costs an HTTP exchange for each half of an invocation; here a response and the wish for the next
event are one write, and nobody waits for a 202.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import socket
import sys
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
from json.encoder import encode_basestring_ascii as _quoted

from awslambdaric.lambda_runtime_client import InvocationRequest
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller, to_json

from stoker.bootstrap.frames import ERROR, EVENT, HEADER, IMPORT, INIT_ERROR, NEXT, RESPONSE, WAKE, WAKES, encode

RECEIVE_BYTES = 64 * 1024
# So often at most the channel is looked at before the process sleeps again: some 50 us. Counted, since a function may
# have set the clock aside.
LOOKS = 50

_let_others = os.sched_yield
_PLAIN = frozenset({str, int, float, bool, type(None)})

# One JSON value of a text, and where it ends: what `json.loads` comes to in the end.
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class ChannelClosedError(Exception):
    """The platform has gone; there is nobody to work for."""


class Marshaller(LambdaMarshaller):  # type: ignore[misc]
    """The official one, but events are read by the standard library, and plain results written by it.

    simplejson is compiled for Stoker's own interpreter only and pure Python for all others. What the standard
    library refuses goes to the official one, whose words a caller expects, and so does every result that it would write
    in another way: named tuples, decimals, types of the function's own.
    """

    def __init__(self) -> None:
        super().__init__()
        text = _quoted if self.jsonEncoder.ensure_ascii else encode_basestring
        self._write = c_make_encoder(None, _refuse, text, None, ": ", ", ", False, False, True)

    def unmarshal_request(self, request: bytes, content_type: str = "application/json") -> object:
        try:
            # What is not UTF-8, or anything but one value, fails here or leaves a rest.
            text = request.decode()
            event, end = _scan(text, 0)
            if end == len(text):
                return event
        except (ValueError, StopIteration):
            pass
        try:
            return json.loads(request)
        except ValueError:
            return super().unmarshal_request(request, content_type)

    def marshal_response(self, response: object) -> tuple[str | bytes, str]:
        try:
            if _is_plain(response):
                return "".join(self._write(response, 0)), "application/json"
        except (ValueError, RuntimeError):
            # RuntimeError: nested too deeply, in itself, or changed by another thread meanwhile.
            pass
        return super().marshal_response(response)  # type: ignore[no-any-return]


def _refuse(value: object) -> object:
    raise ValueError


def _is_plain(value: object) -> bool:
    """Whether it is made of nothing but JSON's own types, so that every encoder writes the same."""
    kind = type(value)
    if kind is dict:
        if not _PLAIN.issuperset(map(type, value)):  # type: ignore[call-overload]
            return False
        inner = value.values()  # type: ignore[attr-defined]
    elif kind is list:
        inner = value
    else:
        return kind in _PLAIN
    return _PLAIN.issuperset(map(type, inner)) or all(map(_is_plain, inner))


class ChannelClient:
    """What `awslambdaric.bootstrap.run` asks of a runtime client, on a connected stream socket."""

    def __init__(self, channel: socket.socket) -> None:
        # Not earlier: it looks at AWS_EXECUTION_ENV, which the zygote has not.
        self.marshaller = Marshaller()
        self._channel = channel
        # A plain receive is woken as well when the platform reads what was sent: for nothing, once an invocation.
        events = select.poll()
        events.register(channel, select.POLLIN)
        self._wait = events.poll
        self._asked = False

    def importing(self) -> None:
        """The function's own init begins."""
        self._channel.sendall(encode(IMPORT))

    def wait_next_invocation(self) -> InvocationRequest:
        if not self._asked:
            self._channel.sendall(encode(NEXT, WAKES))
        self._asked = False
        meta, body = self._receive()
        return InvocationRequest(
            invoke_id=meta["id"],
            x_amzn_trace_id=meta.get("trace_id"),
            invoked_function_arn=meta["arn"],
            deadline_time_in_ms=meta["deadline_ms"],
            client_context=meta.get("client_context"),
            cognito_identity=meta.get("cognito_identity"),
            tenant_id=None,
            content_type="application/json",
            event_body=body,
            invocation_id=None,
        )

    def post_invocation_result(
        self, invoke_id: str, result: str | bytes, content_type: str = "application/json", invocation_id: None = None
    ) -> None:
        # By hand: `json.dumps` makes an encoder for each call.
        head = b'{"id": %b}' % _quoted(invoke_id).encode()
        body = result.encode() if isinstance(result, str) else result
        self._channel.sendall(HEADER.pack(len(head), len(body), RESPONSE) + head + body)
        self._asked = True

    def post_invocation_error(
        self, invoke_id: str, error: str, xray_fault: str | None = None, invocation_id: None = None
    ) -> None:
        meta: dict[str, object] = {"id": invoke_id, "type": json.loads(error).get("errorType", "")}
        self._channel.sendall(encode(ERROR, meta, error.encode()))
        self._asked = True

    def post_init_error(self, error: dict[str, object], error_type_override: str | None = None) -> None:
        error_type = error_type_override or error["errorType"]
        self._channel.sendall(encode(INIT_ERROR, {"type": error_type}, to_json(error).encode()))

    def _receive(self) -> tuple[dict, bytes]:  # type: ignore[type-arg]
        """The next EVENT; the platform sends nothing else but a WAKE before it."""
        self._wait()
        # As a rule an event comes in one piece, and nothing comes after it.
        received = self._channel.recv(RECEIVE_BYTES)
        while True:
            if len(received) < HEADER.size:
                received = self._fill(received, HEADER.size)
            head, length, kind = HEADER.unpack_from(received)
            if kind != WAKE:
                break
            received = received[HEADER.size :] or self._look_out()
        if kind != EVENT:
            raise ChannelClosedError("frame of unknown kind %d" % kind)
        start = HEADER.size + head
        if len(received) < start + length:
            received = self._fill(received, start + length)
        meta, _ = _scan(received[HEADER.size : start].decode(), 0)
        return meta, received[start:]

    def _look_out(self) -> bytes:
        """What comes next; it is looked for without sleeping at first."""
        for _ in range(LOOKS):
            if self._wait(0):
                break
            # Whoever is to send it may want this very processor.
            _let_others()
        else:
            self._wait()
        return self._channel.recv(RECEIVE_BYTES)

    def _fill(self, received: bytes, size: int) -> bytes:
        """So many bytes at least, of which these are here."""
        pieces = bytearray(received)
        while len(pieces) < size:
            data = self._channel.recv(max(RECEIVE_BYTES, size - len(pieces)))
            if not data:
                raise ChannelClosedError("the channel was closed")
            pieces += data
        return bytes(pieces)


def run(handler: str, client: ChannelClient) -> None:
    """Import the handler and serve it until the channel closes or the function exits."""
    bootstrap = sys.modules["awslambdaric.bootstrap"]
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON" or "AWS_LAMBDA_LOG_LEVEL" in os.environ:
        # It reads both at import, which was in the zygote.
        bootstrap = importlib.reload(bootstrap)
    client.importing()
    try:
        bootstrap.run(handler, client)
    except ChannelClosedError:
        os._exit(0)
