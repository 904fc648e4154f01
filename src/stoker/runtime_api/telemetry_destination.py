"""How batches of telemetry get to an extension's listener inside the sandbox: over HTTP or TCP.

What listens there is code we don't trust: nothing of its answers is kept but the status, and their size is bounded.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, cast

import httptools

from stoker.runtime_api.telemetry import Destination, Subscription

MAX_ANSWER_BYTES = 64 << 10
# sandbox.localdomain, as the sandbox's /etc/hosts has it.
ADDRESS = "127.0.0.1"

SocketInside = Callable[[], Awaitable[socket.socket]]


class DeliveryError(OSError):
    """The listener did not take a batch: it closed the connection, or answered with an error."""


class Courier(Protocol):
    """Takes batches to one destination."""

    async def send(self, events: Sequence[bytes]) -> None:
        """Bring these events, JSON objects, and wait until they are taken. Raises OSError."""

    def close(self) -> None: ...


class HttpCourier:
    """A request for each batch: a JSON array."""

    def __init__(self, subscription: Subscription, socket_inside: SocketInside) -> None:
        self._subscription = subscription
        self._socket_inside = socket_inside

    async def send(self, events: Sequence[bytes]) -> None:
        body = b"[" + b",".join(events) + b"]"
        destination = self._subscription.destination
        head = (
            f"{destination.method} {destination.path} HTTP/1.1\r\n"
            f"Host: {self._subscription.host}:{destination.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        exchange = _Exchange(head.encode() + body)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            lambda: exchange, sock=await _connected(destination, self._socket_inside)
        )
        try:
            status = await exchange.status
        finally:
            transport.abort()
        if not 200 <= status < 300:
            raise DeliveryError(f"the listener answered {status}")

    def close(self) -> None:
        """There is nothing between batches."""


class TcpCourier:
    """One connection; each event is a line."""

    def __init__(self, subscription: Subscription, socket_inside: SocketInside) -> None:
        self._destination = subscription.destination
        self._socket_inside = socket_inside
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, events: Sequence[bytes]) -> None:
        if self._writer is None or self._writer.is_closing():
            sock = await _connected(self._destination, self._socket_inside)
            _, self._writer = await asyncio.open_connection(sock=sock, limit=MAX_ANSWER_BYTES)
        self._writer.write(b"\n".join(events) + b"\n")
        await self._writer.drain()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


def courier(subscription: Subscription, socket_inside: SocketInside) -> Courier:
    kind = HttpCourier if subscription.destination.protocol == "HTTP" else TcpCourier
    return kind(subscription, socket_inside)


async def _connected(destination: Destination, socket_inside: SocketInside) -> socket.socket:
    sock = await socket_inside()
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (ADDRESS, destination.port))
    except BaseException:
        sock.close()
        raise
    return sock


class _Exchange(asyncio.Protocol):
    """One request; `status` is done with the answer's, once that is whole, or with a DeliveryError."""

    def __init__(self, request: bytes) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._request = request
        self._parser = httptools.HttpResponseParser(self)
        self._received_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._received_bytes > MAX_ANSWER_BYTES:
            self._fail("the listener's answer is too long")
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("the listener does not speak HTTP")

    def on_message_complete(self) -> None:
        self._done(self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        # An answer without a length ends with its connection.
        status = self._parser.get_status_code() if self._received_bytes and exc is None else 0
        if status:
            self._done(status)
        else:
            self._fail("the listener closed the connection")

    def _done(self, status: int) -> None:
        if not self.status.done():
            self.status.set_result(status)

    def _fail(self, why: str) -> None:
        if not self.status.done():
            self.status.set_exception(DeliveryError(why))
