"""WebSockets at the front door: from the ASGI server's messages to an API's host, and back."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected

from stoker.apis.request import ApiCall, ApiRequest, Socket, SocketHost
from stoker.model.http_event import HttpAnswer
from stoker.wire.message import Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = logging.getLogger(__name__)

SEND_TIMEOUT_S = 10.0
"""For a client to make room. What waits for it has been held in memory."""
_NO_CODE = 1005


def read_handshake(scope: Scope) -> Request:
    """The request that a WebSocket begins with."""
    fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    client = scope.get("client")
    return Request(
        method="GET",
        host=headers.get("host", ""),
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        fields=fields,
        source_ip=client[0] if client else "",
        scheme="https" if scope.get("scheme") == "wss" else "http",
    )


class GatewaySockets:
    """Asks each host whether an API is its own, and serves the connections that it lets in."""

    def __init__(self, hosts: Sequence[SocketHost]) -> None:
        self._hosts = hosts

    def __repr__(self) -> str:
        return f"<GatewaySockets {len(self._hosts)} hosts>"

    async def find(self, call: ApiCall) -> tuple[SocketHost, str] | None:
        """Whose API it is, and its region."""
        for host in self._hosts:
            region = await host.region_of(call.api_id)
            if region is not None and call.region in (None, region):
                return host, region
        return None

    async def serve(self, host: SocketHost, request: ApiRequest, receive: Receive, send: Send) -> None:
        """One connection, from the client's wish to the end. Its first ASGI message has been received."""
        opened = await host.open(request)
        if isinstance(opened, HttpAnswer):
            await refuse(opened, send)
            return
        wire = _Wire(send)
        code, reason = _NO_CODE, ""
        try:
            await send({"type": "websocket.accept", "subprotocol": opened.subprotocol, "headers": []})
            opened.attach(wire)
            code, reason = await _receive_all(opened, receive)
        finally:
            wire.gone = True
            await opened.closed(code, reason)
            await wire.finish()


async def refuse(answer: HttpAnswer, send: Send) -> None:
    """An HTTP answer instead of a WebSocket."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _receive_all(socket: Socket, receive: Receive) -> tuple[int, str]:
    """Hand on messages until there are no more; the code and reason with which it ended."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return message.get("code") or _NO_CODE, message.get("reason") or ""
        text: Any = message.get("text")
        await socket.receive(message.get("bytes", b"") if text is None else text)


class _Wire:
    """What `apis.request.SocketWire` says, over ASGI."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._closing: asyncio.Task[None] | None = None
        self.gone = False

    async def send(self, data: str | bytes) -> None:
        if self.gone or self._closing is not None:
            raise ConnectionError
        kind = "text" if isinstance(data, str) else "bytes"
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send({"type": "websocket.send", kind: data})
        except (ClientDisconnected, RuntimeError) as error:
            # The second is what the server raises where a goodbye has crossed this.
            raise ConnectionError from error

    def close(self, code: int, reason: str) -> None:
        if not self.gone and self._closing is None:
            self._closing = asyncio.ensure_future(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(ClientDisconnected, RuntimeError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def finish(self) -> None:
        if self._closing is not None:
            await self._closing
