"""The official Runtime API over HTTP/1.1, on the socket that listens at 127.0.0.1:9001 inside an environment.

Parsed by httptools: it is what the front door parses with, and one invocation of a `provided` runtime is two exchanges,
each of which costs 1.5 µs with it and 66 µs with h11 (measured on the machine that the budgets are from). httptools
bounds nothing, so sizes are counted here: the process at the other end is code we don't trust.
"""

import asyncio
import json
import socket
from base64 import b64decode
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import unquote

import httptools

from stoker.model.invocation import ResponseSink
from stoker.runtime_api import extension_api
from stoker.runtime_api.extension_api import ExtensionApi
from stoker.runtime_api.response_stream import MAX_RESPONSE_BYTES
from stoker.runtime_api.routes import (
    ACCEPTED,
    CONTINUE,
    Operation,
    Route,
    event_reply,
    find_route,
    refusal_reply,
)
from stoker.runtime_api.session import Answer, Delivery, Phase, Refusal, RuntimeListener, Session

MAX_CONNECTIONS = 64
# Heads, trailers, and what is between two pieces of a body. awslambdaric sends an X-Ray cause of up to 1 MiB as a
# header of an error.
MAX_HEADER_BYTES = (1 << 20) + (64 << 10)
# All connections of one environment together: one answer at its largest, and room for a second that is refused.
MAX_BUFFERED_BYTES = 16 << 20
# A body that is refused is still read, or its sender would see a reset in place of the reason; but not for ever.
MAX_DISCARDED_BYTES = 64 << 20
# A body without an error type in its headers is looked into for one if it is no longer than this.
MAX_PARSED_ERROR_BYTES = 256 << 10

# What is parsed at a time, and how many pieces of a body in a turn of the loop: 256 KB can be 40,000 chunks of a byte.
SLICE_BYTES = 8 << 10
MAX_PIECES = 1024

_ERROR_TYPE = b"lambda-runtime-function-error-type"
_ERROR_BODY = b"lambda-runtime-function-error-body"
_CONTENT_TYPE = b"content-type"
_RESPONSE_MODE = b"lambda-runtime-function-response-mode"
_EXPECT = b"expect"
_KEPT_HEADERS = frozenset({_ERROR_TYPE, _RESPONSE_MODE, _EXPECT, _CONTENT_TYPE}) | extension_api.HEADERS
_KEPT_TRAILERS = frozenset({_ERROR_TYPE, _ERROR_BODY})
DEFAULT_STREAM_TYPE = "application/octet-stream"


class RuntimeApiServer:
    """Serves one environment's Runtime API until it is closed."""

    def __init__(self, session: Session, listener: RuntimeListener, extension_api: ExtensionApi) -> None:
        self.session = session
        self.listener = listener
        self.extension_api = extension_api
        self.buffered_bytes = 0
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    def __repr__(self) -> str:
        return f"<RuntimeApiServer {len(self._connections)} connections {self.session!r}>"

    async def open(self, listening: socket.socket) -> None:
        """Take over a bound socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=listening)

    def close(self) -> None:
        """Stop listening and drop every connection; idempotent."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()

    def admit(self, connection: "_Connection") -> bool:
        """Whether there is room for one more connection; it counts from then on until `forget`."""
        if len(self._connections) >= MAX_CONNECTIONS:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: "_Connection") -> None:
        self._connections.discard(connection)


@dataclass(slots=True)
class _Request:
    """One request as it is read. A streamed answer goes to `sink` piece by piece and not into `body`."""

    url: bytes = b""
    headers: dict[bytes, bytes] = field(default_factory=dict)
    trailers: dict[bytes, bytes] = field(default_factory=dict)
    sink: ResponseSink | None = None
    route: Route | Refusal | None = None
    body: bytearray = field(default_factory=bytearray)
    discarded_bytes: int = 0
    oversized: bool = False
    keep_alive: bool = True


class _PipelinedError(Exception):
    """A request came before the one ahead of it was answered."""


class _Connection(asyncio.Protocol):
    """One connection. httptools calls the `on_…` methods while it parses; whole requests are answered afterwards."""

    def __init__(self, server: RuntimeApiServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._request = _Request()
        self._whole: _Request | None = None
        self._header_bytes = 0
        self._pieces = 0
        self._rest = b""
        self._waiting = False
        self._pipelined = False
        self._keep_alive = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._server.admit(self):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.session.withdraw(self)
        self._server.extension_api.extensions.withdraw(self)
        self._break_stream(self._request)
        if self._whole is not None:
            self._break_stream(self._whole)
        self._release(self._request)
        self._server.forget(self)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def _take(self, data: bytes) -> None:
        """Parse what was read, as far as this turn of the loop may: nothing more is read until the rest is done."""
        self._pieces = 0
        for at in range(0, len(data), SLICE_BYTES):
            piece = data[at : at + SLICE_BYTES] if len(data) > SLICE_BYTES else data
            if not self._parse(piece):
                return
            sink = self._request.sink
            full = sink is not None and sink.full
            if full or self._pieces > MAX_PIECES:
                self._hold(data[at + SLICE_BYTES :], sink if full else None)
                return

    def _hold(self, rest: bytes, sink: ResponseSink | None) -> None:
        if self._transport is None:
            return
        self._transport.pause_reading()
        self._rest = rest
        if sink is not None:
            sink.when_room(self._go_on)
        else:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        rest, self._rest = self._rest, b""
        self._transport.resume_reading()
        self._take(rest)

    def _parse(self, data: bytes) -> bool:
        """Feed the parser and answer what is whole by then; False: the connection has come to its end."""
        self._header_bytes += len(data)
        if self._waiting or self._header_bytes > MAX_HEADER_BYTES:
            self.abort()
            return False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            if not self._pipelined:
                raise
            self.abort()
            return False
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._write(refusal_reply(Refusal(status=400, error_type="InvalidRequest", message="Not HTTP/1.1")))
            self._close()
            return False
        whole, self._whole = self._whole, None
        if whole is not None:
            self._serve(whole)
        return True

    def on_message_begin(self) -> None:
        # HTTP allows requests behind one that has no answer yet. No client of the Runtime API sends them; served one
        # after the other, a flood of them would keep the event loop from everybody else.
        if self._whole is not None:
            self._pipelined = True
            raise _PipelinedError

    def on_url(self, url: bytes) -> None:
        self._request.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name, request = name.lower(), self._request
        if request.route is not None:
            if name in _KEPT_TRAILERS:
                request.trailers[name] = value
        elif name in _KEPT_HEADERS:
            request.headers[name] = value

    def on_headers_complete(self) -> None:
        request = self._request
        request.route = self._route(request)
        self._header_bytes = 0
        if request.headers.get(_EXPECT, b"").lower() == b"100-continue":
            self._write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        request = self._request
        self._header_bytes = 0
        self._pieces += 1
        if request.sink is not None:
            if not request.sink.feed(body):
                self._overflow(request)
            return
        if isinstance(request.route, Refusal) or request.oversized:
            request.discarded_bytes += len(body)
            if request.discarded_bytes > MAX_DISCARDED_BYTES:
                self.abort()
            return
        request.body += body
        self._server.buffered_bytes += len(body)
        if len(request.body) > MAX_RESPONSE_BYTES:
            self._release(request)
            request.oversized = True
        elif self._server.buffered_bytes > MAX_BUFFERED_BYTES:
            self.abort()

    def on_message_complete(self) -> None:
        self._header_bytes = 0
        self._request.keep_alive = self._parser.should_keep_alive()
        self._whole = self._request
        self._request = _Request()

    def _route(self, request: _Request) -> Route | Refusal:
        """Where a request goes, as early as its headers tell: a body that cannot count is never stored."""
        path = unquote(request.url.partition(b"?")[0].decode("latin-1"))
        route = find_route(self._parser.get_method().decode("latin-1"), path)
        if isinstance(route, Route) and route.operation in (Operation.RESPONSE, Operation.ERROR):
            streams = request.headers.get(_RESPONSE_MODE, b"").lower() == b"streaming"
            if streams and route.operation is Operation.RESPONSE:
                return self._begin_stream(route, request)
            return self._server.session.refuses(route.request_id) or route
        return route

    def _begin_stream(self, route: Route, request: _Request) -> Route | Refusal:
        content_type = request.headers.get(_CONTENT_TYPE, b"").decode("latin-1") or DEFAULT_STREAM_TYPE
        sink = self._server.session.stream(route.request_id, content_type)
        if isinstance(sink, Refusal):
            return sink
        request.sink = sink
        return route

    def _overflow(self, request: _Request) -> None:
        """A stream is too long: its invocation ends here, and the rest is read only to be thrown away."""
        assert isinstance(request.route, Route)
        request.sink, request.route = None, self._server.session.overflow(request.route.request_id)
        if request.route.answer is not None:
            self._server.listener.answered(request.route.answer)
            request.route = replace(request.route, answer=None)

    def _break_stream(self, request: _Request) -> None:
        """The connection is gone before the end of what it streamed."""
        if request.sink is not None and isinstance(request.route, Route):
            answer = self._server.session.break_stream(request.route.request_id)
            if answer is not None:
                self._server.listener.answered(answer)

    def _serve(self, request: _Request) -> None:
        self._keep_alive = request.keep_alive
        route = request.route
        assert route is not None
        if isinstance(route, Route) and route.operation is Operation.NEXT:
            self._next()
            return
        if isinstance(route, Route) and route.for_extensions:
            self._serve_extension(route, request)
            return
        outcome = route if isinstance(route, Refusal) else _tell(self._server.session, route, request)
        self._release(request)
        answer = outcome.answer if isinstance(outcome, Refusal) else outcome
        if answer is not None:
            init = isinstance(route, Route) and route.operation is Operation.INIT_ERROR
            (self._server.listener.init_failed if init else self._server.listener.answered)(answer)
        self._reply(refusal_reply(outcome) if isinstance(outcome, Refusal) else ACCEPTED)

    def _serve_extension(self, route: Route, request: _Request) -> None:
        answer = self._server.extension_api.serve(route.operation, request.headers, bytes(request.body), self)
        self._release(request)
        if answer is None:
            self._waiting = True
        else:
            self._reply(answer)

    def _next(self) -> None:
        session = self._server.session
        first = session.phase is Phase.STARTING
        outcome = session.next(self)
        if isinstance(outcome, Refusal):
            self._reply(refusal_reply(outcome))
        elif outcome is None:
            self._waiting = True
        else:
            self.send_event(outcome)
        if first:
            self._server.listener.ready()
        else:
            self._server.listener.asked()

    def send_event(self, delivery: Delivery) -> None:
        """Answer the `next` that waits here."""
        self._waiting = False
        self._reply(event_reply(delivery))

    def send_extension_event(self, event: bytes) -> None:
        """Answer the extension's `next` that waits here."""
        self._waiting = False
        self._reply(extension_api.event_reply(event))

    def _release(self, request: _Request) -> None:
        self._server.buffered_bytes -= len(request.body)
        request.body.clear()

    def _reply(self, data: bytes) -> None:
        self._write(data)
        if not self._keep_alive:
            self._close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        """Close once what was written has gone out."""
        if self._transport is not None:
            self._transport.close()


def _tell(session: Session, route: Route, request: _Request) -> Answer | Refusal:
    """Put an answer to the session."""
    if request.oversized:
        return session.overflow(route.request_id)
    if request.sink is not None:
        error_type = request.trailers.get(_ERROR_TYPE, b"").decode("latin-1")
        error_body = _trailer_body(request.trailers.get(_ERROR_BODY, b""))
        return session.finish_stream(route.request_id, error_type or None, error_body)
    body = bytes(request.body)
    if route.operation is Operation.RESPONSE:
        return session.respond(route.request_id, body)
    error_type = request.headers.get(_ERROR_TYPE, b"").decode("latin-1") or _error_type_of(body)
    if route.operation is Operation.ERROR:
        return session.fail(route.request_id, error_type, body)
    return session.fail_init(error_type, body)


def _trailer_body(text: bytes) -> bytes:
    """The JSON of an error that comes in base64; what is not base64 is taken as it is."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return text


def _error_type_of(body: bytes) -> str:
    """AWS's own Python client names the type in the body only."""
    if len(body) > MAX_PARSED_ERROR_BYTES:
        return ""
    try:
        error = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error_type = error.get("errorType") if isinstance(error, dict) else None
    return error_type if isinstance(error_type, str) else ""
