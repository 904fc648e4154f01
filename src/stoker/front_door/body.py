"""A request's body: whole, or while it comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from stoker.front_door.limits import BodyLimit
from stoker.wire.chunked import LENGTH_HEADER
from stoker.wire.message import Request, Response
from stoker.wire.payload import IncomingBody, Payload, nothing

# A streamed body is handed on in pieces of at least this: each costs its taker a turn in a thread.
PIECE_BYTES = 512 * 1024


class ClientDisconnectedError(Exception):
    """The client went away before it had sent its request."""


class Body:
    """The body of a request that came with it. `until_gone` returns once the client has gone away."""

    __slots__ = ("_whole", "is_begun", "until_gone")

    def __init__(self, whole: bytes, until_gone: Callable[[], Awaitable[None]]) -> None:
        self._whole = whole
        self.until_gone = until_gone
        self.is_begun = True

    async def read(self, limit: BodyLimit) -> bytes:
        """The whole body. Raises RequestEntityTooLargeException, before anything is read where the length is stated."""
        limit.check(len(self._whole))
        return self._whole

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
        yield self._whole


class ComingBody(Body):
    """A body of which whoever receives it tells: `feed` for each piece, then `finish`, or `lose` if no more will come.

    `wants` is called when somebody waits for a piece, `takes` with the size of what a reader of the stream holds no
    more. `stated` is the length that the client stated, None where it did not.
    """

    __slots__ = ("_arrived", "_complete", "_held", "_lost", "_stated", "_takes", "_wants", "held_bytes")

    def __init__(
        self,
        stated: int | None,
        *,
        wants: Callable[[], None],
        takes: Callable[[int], None],
        until_gone: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(b"", until_gone)
        self.is_begun = False
        self._stated = stated
        self._wants = wants
        self._takes = takes
        self._held: list[bytes] = []
        self._complete = False
        self._lost = False
        self._arrived = asyncio.Event()
        self.held_bytes = 0

    def feed(self, data: bytes) -> None:
        self._held.append(data)
        self.held_bytes += len(data)
        self._arrived.set()

    def finish(self) -> None:
        self._complete = True
        self._arrived.set()

    def lose(self) -> None:
        self._lost = True
        self._arrived.set()

    async def read(self, limit: BodyLimit) -> bytes:
        limit.check(self._stated or 0)
        pieces, size, more = [], 0, True
        while more:
            piece, more = await self._next()
            pieces.append(piece)
            size += len(piece)
            limit.check(size)
        return b"".join(pieces)

    async def _pieces(self) -> AsyncIterator[bytes]:
        held: list[bytes] = []
        size, more = 0, True
        while more:
            piece, more = await self._next()
            held.append(piece)
            size += len(piece)
            if size >= PIECE_BYTES or not more:
                yield b"".join(held)
                if not self._lost:
                    self._takes(size)
                held, size = [], 0

    async def _next(self) -> tuple[bytes, bool]:
        """What has come since, and whether more is to come. Raises ClientDisconnectedError."""
        self.is_begun = True
        if not self._held and not self._complete and not self._lost:
            self._arrived.clear()
            self._wants()
            await self._arrived.wait()
        if self._lost:
            raise ClientDisconnectedError
        piece, self._held, self.held_bytes = b"".join(self._held), [], 0
        return piece, not self._complete
