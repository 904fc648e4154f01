"""One request and its answer over ASGI: reading within limits, and sending until it is done or nobody listens."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from stoker.front_door.limits import BodyLimit
from stoker.wire.chunked import LENGTH_HEADER
from stoker.wire.message import Request, Response
from stoker.wire.payload import IncomingBody, Payload, nothing

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# A streamed body is handed on in pieces of at least this.
PIECE_BYTES = 512 * 1024
# The extension of a scope that is told how much of a streamed body is held no more.
TAKEN = "stoker.taken"

log = logging.getLogger(__name__)


class ClientDisconnectedError(Exception):
    """The client went away before it had sent its request."""


class BrokenOffError(Exception):
    """The rest of a streamed answer is not to be had, and whoever streamed it has said why: not here."""


def read_head(scope: Scope) -> Request:
    """The request without its body."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    client = scope.get("client")
    return Request(
        method=scope["method"],
        host=headers.get("host", ""),
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        source_ip=client[0] if client else "",
        scheme=scope.get("scheme", "http"),
    )


async def read_body(request: Request, receive: Receive, limit: BodyLimit) -> bytes:
    """The body. Raises RequestEntityTooLargeException, before anything is read where the length is stated."""
    length = request.headers.get("content-length")
    if length is None and "transfer-encoding" not in request.headers:
        return b""
    limit.check(int(length or 0))
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        limit.check(len(body))
        return body
    return await _read_on(message, receive, limit)


class Body:
    """A request's body that has not been read yet."""

    __slots__ = ("_receive", "_taken", "is_begun")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self.is_begun = False
        # Our connections want to hear what of a streamed body they need not count any more.
        self._taken: Callable[[int], None] = scope.get("extensions", {}).get(TAKEN, _nobody_counts)

    async def read(self, request: Request, limit: BodyLimit) -> bytes:
        """The whole body, as `read_body` does. Of one that is refused for its stated length nothing is read."""
        limit.check(int(request.headers.get("content-length") or 0))
        self.is_begun = True
        return await read_body(request, self._receive, limit)

    async def until_gone(self) -> None:
        """Returns once the client has gone away; for those that have read the body."""
        await _until_disconnected(self._receive)

    def end(self, request: Request, response: Response) -> Response:
        """The answer to a request of this body, which may not have been read.

        A client that waited for leave to send it does not send it after a final answer. What comes next on the
        connection would be taken for it: so the connection ends.
        """
        if not self.is_begun and request.headers.get("expect", "").lower() == "100-continue":
            response.headers.append(("connection", "close"))
        return response

    def stream(self, request: Request, payload: Payload) -> IncomingBody:
        """The body while it comes, for the one who reads it to the end or leaves it."""
        stated = request.headers.get(LENGTH_HEADER) or request.headers.get("content-length")
        empty = "content-length" not in request.headers and "transfer-encoding" not in request.headers
        length = 0 if empty else int(stated) if stated is not None and stated.isdecimal() else None
        announced = request.headers.get("x-amz-trailer", "").lower().replace(",", " ").split()
        return IncomingBody(nothing() if empty else self._pieces(), payload, length, announced)

    async def _pieces(self) -> AsyncIterator[bytes]:
        """Pieces of some hundred KB: each costs its taker a turn in a thread."""
        held: list[bytes] = []
        size, more = 0, True
        self.is_begun = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError
            piece: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            held.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES or not more:
                yield b"".join(held)
                self._taken(size)
                held, size = [], 0


class WholeBody(Body):
    """The body of a request that came with it."""

    __slots__ = ("_gone", "_whole")

    def __init__(self, body: bytes, until_gone: Callable[[], Awaitable[None]]) -> None:
        self._whole = body
        self._gone = until_gone
        self.is_begun = True

    async def read(self, request: Request, limit: BodyLimit) -> bytes:
        limit.check(len(self._whole))
        return self._whole

    async def until_gone(self) -> None:
        await self._gone()


def _nobody_counts(_size: int) -> None: ...


async def _read_on(message: Message, receive: Receive, limit: BodyLimit) -> bytes:
    pieces, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        limit.check(size)
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


async def send_response(response: Response, method: str, receive: Receive, send: Send) -> None:
    """Send an answer whole, or as it comes until the client goes away."""
    # The server sets the one Date of an answer: a second from anywhere is dropped.
    headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
        if name not in ("date", "Date")
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = response.body
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
    elif method == "HEAD":
        await _close(body)
        await send({"type": "http.response.body", "body": b""})
    else:
        stated = next((value for name, value in response.headers if name.lower() == "content-length"), None)
        await _stream(body, None if stated is None else int(stated), receive, send)


async def _close(body: AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()


async def _stream(body: AsyncIterator[bytes], length: int | None, receive: Receive, send: Send) -> None:
    pump = asyncio.ensure_future(_pump(body, length, send))
    gone = asyncio.ensure_future(_until_disconnected(receive))
    try:
        await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        pump.cancel()
        gone.cancel()
        await asyncio.wait({pump, gone})
        await _close(body)
    error = None if pump.cancelled() else pump.exception()
    if error is not None and not isinstance(error, BrokenOffError):
        # Half an answer is out: all that is left is to say it here and to break the connection off by returning.
        log.error("a streamed answer broke", exc_info=error)


async def _pump(body: AsyncIterator[bytes], length: int | None, send: Send) -> None:
    """Where a length is stated, the answer ends with its last byte: the client knows then, and may go on at once."""
    sent = 0
    async for piece in body:
        sent += len(piece)
        more = sent != length
        await send({"type": "http.response.body", "body": piece, "more_body": more})
        if not more:
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
