"""Answers on their way out of a connection: whole or while they come, and no faster than the client reads."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from stoker.front_door.answering import LAST_CHUNK, BrokenOffError, Head, MalformedResponseError, chunk, head
from stoker.wire.message import Response

log = logging.getLogger(__name__)


def failure() -> Response:
    """What a client is told of a fault that nobody expected."""
    return Response(status=500, headers=[("connection", "close")], body=b"Internal Server Error")


class Sender:
    """Writes to `transport`, one answer after the other."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._writable: asyncio.Event | None = None
        # Who streams, and stops when nobody is there any more.
        self._streaming: asyncio.Task[Any] | None = None

    def __repr__(self) -> str:
        return f"<Sender {'full' if self.is_full else 'ready'}>"

    @property
    def is_full(self) -> bool:
        """Whether the client has not read enough of what was sent before."""
        return self._writable is not None

    @property
    def is_streaming(self) -> bool:
        return self._streaming is not None

    def pause(self) -> None:
        self._writable = self._writable or asyncio.Event()

    def resume(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def lose(self) -> None:
        """The client has gone."""
        self.resume()
        if self._streaming is not None:
            self._streaming.cancel()

    def write(self, data: bytes) -> None:
        # The client may have gone since: uvloop takes a write then for a fault of ours.
        if not self._transport.is_closing():
            self._transport.write(data)

    async def send(self, response: Response, method: str, *, date_line: str, keeps: bool, chunks: bool) -> bool:
        """Returns whether the connection has to end with the answer; `keeps` and `chunks` as in `answering.head`."""
        while self._writable is not None:
            await self._writable.wait()
        if self._transport.is_closing():
            return True
        try:
            first = head(response, method, date_line=date_line, keeps=keeps, chunks=chunks)
        except Exception:
            log.exception("an answer that nobody could read")
            await response.close()
            response = failure()
            first = head(response, method, date_line=date_line, keeps=keeps, chunks=chunks)
        if not first.has_body:
            self.write(first.data)
        elif isinstance(response.body, bytes):
            self.write(first.data + response.body)
        else:
            return await self._stream(first, response.body)
        return first.closes

    async def _stream(self, first: Head, body: AsyncIterator[bytes]) -> bool:
        """Where a length is stated, the answer ends with its last byte: the client may go on at once."""
        self._streaming, left = asyncio.current_task(), first.length
        try:
            self.write(first.data)
            async for piece in body:
                left = None if left is None else _less(left, piece)
                self.write(chunk(piece) if first.is_chunked else piece)
                if left == 0:
                    break
                while self._writable is not None:
                    await self._writable.wait()
            if left:
                raise MalformedResponseError(f"{left} bytes less than it stated")
        except BrokenOffError:
            return True
        except Exception:
            # Half an answer is out: all that is left is to say it here and to break the connection off.
            log.exception("a streamed answer broke")
            return True
        finally:
            self._streaming = None
        if first.is_chunked:
            self.write(LAST_CHUNK)
        return first.closes


def _less(left: int, piece: bytes) -> int:
    if len(piece) > left:
        raise MalformedResponseError(f"{len(piece) - left} bytes more than it stated")
    return left - len(piece)
