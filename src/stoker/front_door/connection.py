"""One client's connection: uvicorn's, and the bounds that a hostile client meets."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from stoker.front_door.exchange import TAKEN
from stoker.front_door.express import BEGIN, BEGIN_CALL, Express, read
from stoker.front_door.joining import JoiningTransport

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 20.0
KEEP_ALIVE_S = 75
BODY_TIMEOUT_S = 300.0
"""For the whole body: 70 MB at 2 Mbit/s."""


class HeadTooLargeError(Exception):
    """A request's line and headers are longer than is read."""


class PipelinedError(Exception):
    """A request came before the one ahead of it was answered. No client of AWS does that; a flood does."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What all connections of one listener may take of the server together.

    `body_bytes` counts bodies from their first byte to the answer: they are in memory before a signature can be
    checked. Of a body that is read while it comes, it counts what has not been read.
    """

    connections: int
    body_bytes: int


class ListenerState(ServerState):
    """What the connections of one listener share."""

    def __init__(self, bounds: Bounds, express: Express | None = None) -> None:
        super().__init__()
        self.bounds = bounds
        self.body_bytes = 0
        self.express = express
        self.date_line = b""


class Connection(HttpToolsProtocol):
    """Refuses what takes too much: heads, bodies, and requests before their turn. Can tell whether its client has been
    sending for too long.

    `overdue` is asked once a second for every connection, so that an ordinary request pays for no timer.
    """

    server_state: ListenerState

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._body_bytes = 0
        self._unfinished_head_bytes = 0
        self._waiting_for: object = None
        self._waiting_since = 0.0
        # Whether a request that went the short way waits for its answer, and what stands for the last that had one.
        self._express = False
        self._answered: object = None
        self._closes = False
        # A plain Invoke that came without its body, and what stands for the wait for that.
        self._begun = b""
        self._beginning: object = None
        self._gone: asyncio.Event | None = None
        # What came of a plain Invoke that waits for its turn.
        self._held = b""

    def __repr__(self) -> str:
        return f"<Connection {self.client}>"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._joining = JoiningTransport(transport, self.loop)
        super().connection_made(self._joining)
        if len(self.connections) > self.server_state.bounds.connections:
            self.transport.abort()

    def answer(self, status: int, fields: bytes, body: bytes) -> None:
        """See `express.Client`. What came the short way leaves it in one piece, and with one system call."""
        self._express = False
        self._forget_body()
        self._answered = object()
        ending = b"connection: close\r\n\r\n" if self._closes else b"\r\n"
        self._joining.send(b"".join((STATUS_LINE[status], self.server_state.date_line, fields, ending, body)))
        if self._closes:
            self.transport.close()

    async def until_gone(self) -> None:
        """See `express.Client`."""
        self._gone = self._gone or asyncio.Event()
        await self._gone.wait()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """See `express.Client`. Whoever ends the server waits for it as for any other request."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def shutdown(self) -> None:
        self._take_turn()
        if self._express:
            self._closes = True
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._take_turn()
        self._forget_body()
        if self._gone is not None:
            self._gone.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._held:
            self._take_turn()
        express, is_new = self.server_state.express, not self._express and not self._begun
        if express is not None and express.turns.is_busy and is_new and data.startswith(BEGIN) and self._between():
            self._held = data
            express.turns.wait(self._take_turn)
        else:
            self._receive(data)

    def _take_turn(self) -> None:
        """What waits begins: in its turn, or earlier, where something else happens here."""
        data, self._held = self._held, b""
        if data:
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        if self._express:
            # See PipelinedError.
            self.transport.abort()
            return
        express, begun = self.server_state.express, self._begun
        if begun:
            data, self._begun = begun + data, b""
            self._forget_body()
        at_begin = data.startswith((BEGIN, BEGIN_CALL)) and self._between()
        if express is not None and at_begin and self._takes(express, data, may_lack=not begun):
            return
        self._unfinished_head_bytes += len(data)
        super().data_received(data)
        if not self._in_head():
            self._unfinished_head_bytes = 0
        elif self._unfinished_head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse_head()

    def _between(self) -> bool:
        """Whether nothing has come of a request that is not answered, and nobody waits for room to write to."""
        if self.flow.write_paused:
            return False
        if self.scope is None:
            return not self._unfinished_head_bytes
        cycle = self.cycle
        return cycle is not None and self.scope is cycle.scope and cycle.response_complete and not cycle.more_body

    def _takes(self, express: Express, data: bytes, *, may_lack: bool) -> bool:
        """Whether a request goes the short way, or might once its body is here: that is waited for once."""
        state, size, client = self.server_state, len(data), self.client
        plain = read(data, client[0] if client else "")
        if plain is None or not (plain.is_whole or may_lack) or state.body_bytes + size > state.bounds.body_bytes:
            return False
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._answered = None
        self._body_bytes = size
        state.body_bytes += size
        if not plain.is_whole:
            self._begun, self._beginning = data, object()
            return True
        self._express = True
        if not express.take(plain, self):
            self._express = False
            self._forget_body()
            return False
        return True

    def _in_head(self) -> bool:
        """Whether a request has begun whose headers are not complete. The scope is new with each request's begin."""
        return self.cycle is None or self.scope is not self.cycle.scope

    def on_headers_complete(self) -> None:
        if self._unfinished_head_bytes > MAX_HEAD_BYTES:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > MAX_HEAD_BYTES:
                self._refuse_head()
                raise HeadTooLargeError(size)
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            raise PipelinedError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        state = self.server_state
        if not self.cycle.response_complete:
            self._body_bytes += len(body)
            state.body_bytes += len(body)
            if state.body_bytes > state.bounds.body_bytes:
                self.transport.abort()
        super().on_body(body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._answered = None
        self.scope["extensions"] = {TAKEN: self._note_taken}  # type: ignore[dict-item]

    def _note_taken(self, size: int) -> None:
        """A part of a streamed body has left the memory; its sender is in time again."""
        size = min(size, self._body_bytes)
        self._body_bytes -= size
        self.server_state.body_bytes -= size
        self._waiting_for = None

    def on_response_complete(self) -> None:
        self._forget_body()
        self._joining.flush()
        super().on_response_complete()

    def _forget_body(self) -> None:
        self.server_state.body_bytes -= self._body_bytes
        self._body_bytes = 0

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _refuse_head(self) -> None:
        self.transport.write(STATUS_LINE[431] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    @property
    def receiving(self) -> bool:
        """Whether a request has begun to be served whose body is not here as a whole."""
        in_body = self.cycle is not None and not self.cycle.response_complete and self.cycle.more_body
        return in_body or bool(self._begun)

    def overdue(self, now: float) -> bool:
        """Whether the head or body that the connection waits for should have been here by `now` (loop time)."""
        waiting_for, allowed_s = self._wait()
        if waiting_for is None or waiting_for is not self._waiting_for:
            self._waiting_for, self._waiting_since = waiting_for, now
            return False
        return now - self._waiting_since > allowed_s

    def _wait(self) -> tuple[object, float]:
        """What the connection waits for its client to begin or complete: a request, a head, a body or nothing."""
        if self._express:
            return None, 0.0
        if self._begun:
            return self._beginning, BODY_TIMEOUT_S
        if self._answered is not None:
            return self._answered, KEEP_ALIVE_S
        if self._in_head():
            return self.scope or self, HEAD_TIMEOUT_S
        if self.cycle.more_body:
            # Also after its answer: what was refused for its length is still read, and thrown away.
            return self.cycle, BODY_TIMEOUT_S
        return None, 0.0
