"""One client's connection: requests in, answers out, one at a time, and the bounds that a hostile client meets.

HTTP is read by httptools' parser and by nothing else, so that nobody reads it in another way.
"""

import asyncio
import logging
from typing import cast

import httptools

from stoker.front_door.answering import CLOSE, STATUS_LINES, head
from stoker.front_door.body import Body, ClientDisconnectedError, ComingBody
from stoker.front_door.express import BEGIN
from stoker.front_door.incoming import IncomingHead
from stoker.front_door.listening import ListenerState
from stoker.front_door.off_loop import LARGE_BYTES
from stoker.front_door.patience import Patience
from stoker.front_door.sending import Sender, failure
from stoker.wire.message import Request, Response

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 20.0
KEEP_ALIVE_S = 75.0
BODY_TIMEOUT_S = 300.0
"""For the whole body: 70 MB at 2 Mbit/s."""
# Of a body that is read while it comes, before its reader wants it.
_AHEAD_BYTES = 64 * 1024


class HeadTooLargeError(Exception):
    """A request's line and headers are longer than is read."""


class PipelinedError(Exception):
    """A request came before the one ahead of it was answered. No client of AWS does that; a flood does."""


class Connection(asyncio.Protocol):
    """A request is `incoming` until all of it is here, and `unanswered` from when it is served until its answer is out.
    Small ones are served once they are whole; others, and those that wait for leave to send their body, once their head
    is here. `overdue` is asked once a second for every connection, so that an ordinary request pays for no timer.
    """

    def __init__(self, state: ListenerState) -> None:
        self._state, self.spawn = state, state.spawn
        self._incoming = self._is_ready = self._waits = self.unanswered = self._answered = self._is_paused = False
        self._keeps = True
        # What has come of a body that is waited for as a whole, or whoever reads it while it comes.
        self._body = b""
        self._coming: ComingBody | None = None
        self._body_bytes = 0
        # Since the last byte that was of use to anybody: of a head, or of what ought to be none.
        self._raw_bytes = 0
        self._gone: asyncio.Event | None = None
        self._patience = Patience()

    def __repr__(self) -> str:
        return f"<Connection {self.transport.get_extra_info('peername')}>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.transport: asyncio.Transport = cast(asyncio.Transport, transport)
        self._sender, self._head = Sender(self.transport), IncomingHead(transport)
        # A call less for each line of a head.
        self.on_url, self.on_header = self._head.on_url, self._head.on_header
        self._parser = httptools.HttpRequestParser(self)
        self._state.connections.add(self)
        if len(self._state.connections) > self._state.bounds.connections:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_turn()
        self._state.connections.discard(self)
        self._forget_body()
        self._sender.lose()
        if self._gone is not None:
            self._gone.set()

    def pause_writing(self) -> None:
        self._sender.pause()

    def resume_writing(self) -> None:
        self._sender.resume()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(400)
        if self._raw_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        if self._is_ready and not self.transport.is_closing():
            self._is_ready, self.unanswered = False, True
            express = self._state.express
            if express is None or not express.turns.is_busy or not self._head.url.startswith(BEGIN):
                self._serve()
            else:
                self._waits = True
                express.turns.wait(self._take_turn)

    def _take_turn(self) -> None:
        """What waits begins: in its turn, or earlier, where something else happens here."""
        if self._waits:
            self._waits = False
            self._serve()

    def on_message_begin(self) -> None:
        if self._is_ready or self.unanswered:
            self.transport.abort()
            raise PipelinedError
        self._incoming, self._answered = True, False
        self._patience.step()
        self._head.clear()

    def on_headers_complete(self) -> None:
        parser, found = self._parser, self._head
        if self._raw_bytes > MAX_HEAD_BYTES and found.size > MAX_HEAD_BYTES:
            self._refuse(431)
            raise HeadTooLargeError(found.size)
        found.complete(parser.get_method(), parser.get_http_version(), upgrades=parser.should_upgrade())
        self._keeps = found.is_current and parser.should_keep_alive()
        self._raw_bytes = 0
        self._patience.step()
        if not found.is_socket and (found.expects or found.length is None or found.length >= LARGE_BYTES):
            self._coming = ComingBody(
                found.length, wants=self._want_body, takes=self._note_taken, until_gone=self.until_gone
            )
            self._is_ready = True

    def on_body(self, data: bytes) -> None:
        self._raw_bytes = 0
        if self._answered:
            # What was refused is still read, and thrown away.
            return
        self._body_bytes += len(data)
        self._state.body_bytes += len(data)
        if self._state.body_bytes > self._state.bounds.body_bytes:
            self.transport.abort()
        if self._coming is None:
            self._body += data
        else:
            self._coming.feed(data)
            if self._coming.held_bytes > _AHEAD_BYTES and not self._is_paused:
                self._is_paused = True
                self.transport.pause_reading()

    def on_message_complete(self) -> None:
        self._raw_bytes, self._incoming = 0, False
        self._patience.step()
        if self._coming is not None:
            self._coming.finish()
        elif not self._answered and not self._head.is_socket:
            self._is_ready = True

    def _serve(self) -> None:
        state, coming, express = self._state, self._coming, self._state.express
        request = self._head.request(self._body)
        if state.proxies is not None:
            request = state.proxies.behind(request)
        if express is not None and coming is None and not self._sender.is_full and express.take(request, self):
            state.await_answer(self)
            return
        state.serve(self._answer(request, coming or Body(self._body, self.until_gone)), self)

    async def _answer(self, request: Request, body: Body) -> None:
        state = self._state
        try:
            response = await state.answer(request, body)
        except ClientDisconnectedError:
            return
        except Exception:
            # The boundary: whatever nobody expected is told here once, and not outside.
            log.exception("%s %s failed", request.method, request.path)
            response = failure()
        try:
            closes = await self._sender.send(
                response, request.method, date_line=state.date_line, keeps=self._keeps, chunks=self._head.is_current
            )
            self._end(closes=closes or not self._keeps)
        finally:
            if not isinstance(response.body, bytes):
                await response.close()

    def answer(self, status: int, fields: bytes, body: bytes) -> None:
        """See `express.Client`."""
        if not self.unanswered:
            log.error("a second answer is not sent: its client would take it for that to its next request")
            return
        line, ending = (STATUS_LINES[status] + self._state.date_line).encode(), b"" if self._keeps else CLOSE.encode()
        self._sender.write(b"".join((line, fields, ending, b"\r\n", body)))
        self._end(closes=not self._keeps)

    def _end(self, *, closes: bool) -> None:
        """An answer is out."""
        self._forget_body()
        self.unanswered, self._answered = False, True
        self._patience.step()
        if closes:
            self.transport.close()
        else:
            self._resume_reading()
            self._state.await_request()

    def _forget_body(self) -> None:
        self._state.body_bytes -= self._body_bytes
        self._body_bytes, self._body = 0, b""
        if self._coming is not None:
            self._coming.lose()
            self._coming = None

    def _refuse(self, status: int) -> None:
        """Answer what is no request, or cut it off where the answer would be taken for another's."""
        if self.transport.is_closing():
            return
        if self._sender.is_streaming or (self.unanswered and not self._incoming):
            self.transport.abort()
        else:
            refusal, date_line = Response(status=status, headers=[]), self._state.date_line
            self._sender.write(head(refusal, "GET", date_line=date_line, keeps=False, chunks=False).data)
            self.transport.close()

    def _upgrade(self, rest: bytes) -> None:
        """WebSockets are uvicorn's from here on. Other protocols are not understood, and the wish not heard."""
        if not self._head.is_socket:
            # It is read once more without the wish, since the parser took its body for the other protocol's.
            self._parser, self._is_ready, self._coming = httptools.HttpRequestParser(self), False, None
            self.data_received(self._head.written(without="upgrade") + rest)
        elif rest:
            # It is in a protocol that nobody has agreed to yet.
            self.transport.abort()
        else:
            self._state.connections.discard(self)
            self._state.serve_socket(self.transport, self._head.written())

    def _want_body(self) -> None:
        if self._head.expects:
            self._head.expects = False
            self._sender.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._resume_reading()

    def _resume_reading(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    def _note_taken(self, size: int) -> None:
        """A part of a streamed body has left the memory; its sender is in time again."""
        self._body_bytes -= size
        self._state.body_bytes -= size
        self._patience.step()

    async def until_gone(self) -> None:
        """Returns once the client is gone."""
        self._gone = self._gone or asyncio.Event()
        await self._gone.wait()

    def shutdown(self) -> None:
        """End: at once, or with the answer that is waited for."""
        self._take_turn()
        if self.unanswered:
            self._keeps = False
        else:
            self.transport.close()

    @property
    def receiving(self) -> bool:
        """Whether a request has begun to be served whose body is not here as a whole."""
        return self._incoming and self._head.is_complete and not self._answered

    def overdue(self, now: float) -> bool:
        """Whether what the connection waits for should have been here by `now` (loop time)."""
        return self._patience.is_over(self._allowed_s, now)

    @property
    def _allowed_s(self) -> float | None:
        """How long the client may take with what is its turn; None where it is not."""
        if self._incoming:
            return BODY_TIMEOUT_S if self._head.is_complete else HEAD_TIMEOUT_S
        if self.unanswered:
            return None
        return KEEP_ALIVE_S if self._answered else HEAD_TIMEOUT_S
