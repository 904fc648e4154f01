"""An answer that comes in pieces, on its way from the function's process to whoever reads it, with back-pressure.

Two ends of one queue of bytes: the transport feeds and stops reading its socket while the queue is `full`; the caller
iterates. So a slow client stops the function's writes, and what is held stays bounded whatever is streamed.
"""

import asyncio
from collections.abc import Callable

# LAMBDA.md, limits: the largest answer of a buffered invocation, and of a streamed one.
MAX_RESPONSE_BYTES = 6_291_556
MAX_STREAMED_BYTES = 200 << 20
# From so much on the process has to wait, until it is read. One read of its socket comes on top.
FULL_BYTES = 256 << 10


class CollectedResponse:
    """A streamed answer for a caller that wants it whole: AWS buffers it up to the limit of any other."""

    limit_bytes = MAX_RESPONSE_BYTES
    full = False

    def __init__(self) -> None:
        self._body = bytearray()

    def begin(self, content_type: str) -> None:
        """The process has begun to answer."""

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; False: they are too many."""
        self._body += data
        return len(self._body) <= self.limit_bytes

    def when_room(self, go_on: Callable[[], None]) -> None:
        """It is never full."""
        go_on()

    def collected(self) -> bytes:
        return bytes(self._body)


class ResponseStream:
    """A streamed answer for a caller that reads it as it comes: an async iterator of bytes.

    It ends at `end`, which whoever made it calls when the invocation is over; what went wrong is not said here.
    `streamed_bytes` counts all that the process sent.
    """

    limit_bytes = MAX_STREAMED_BYTES

    def __init__(self) -> None:
        self.content_type = ""
        self.begun = False
        self.streamed_bytes = 0
        self._held = bytearray()
        self._ended = False
        self._go_on: Callable[[], None] | None = None
        self._news: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "ended" if self._ended else "open"
        return f"<ResponseStream {state}, {self.streamed_bytes} bytes, {len(self._held)} held>"

    # The process's end

    @property
    def full(self) -> bool:
        """The process has to wait until there is room again."""
        return len(self._held) >= FULL_BYTES

    def begin(self, content_type: str) -> None:
        """The process has begun to answer."""
        self.begun = True
        self.content_type = content_type
        self._tell()

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; False: they are too many. After the end they are counted and thrown away."""
        self.streamed_bytes += len(data)
        if not self._ended:
            self._held += data
            self._tell()
        return self.streamed_bytes <= self.limit_bytes

    def when_room(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` once, as soon as there is room or nobody reads any more."""
        if self.full:
            self._go_on = go_on
        else:
            go_on()

    def collected(self) -> bytes:
        """Nothing is left to be handed over at the end."""
        return b""

    # The caller's end

    async def started(self) -> None:
        """Wait until the process begins to answer, or the end."""
        while not (self.begun or self._ended):
            await self._change()

    def end(self) -> None:
        """Nothing more comes; what is held can still be read."""
        self._ended = True
        self._tell()

    def abandon(self) -> None:
        """Nobody reads any more: the function runs on, as at AWS, and what it streams is thrown away."""
        self._held.clear()
        self.end()
        self._make_room()

    def __aiter__(self) -> "ResponseStream":
        return self

    async def __anext__(self) -> bytes:
        """All that is there by now."""
        while not self._held:
            if self._ended:
                raise StopAsyncIteration
            await self._change()
        piece = bytes(self._held)
        self._held.clear()
        self._make_room()
        return piece

    def _make_room(self) -> None:
        go_on, self._go_on = self._go_on, None
        if go_on is not None:
            go_on()

    async def _change(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
