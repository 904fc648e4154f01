"""Requests to an ASGI application in this process, without a socket between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Application = Callable[[Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
# What a stream holds for a reader who is slower than its writer.
_MOST_WAITING = 64


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A request. `path` and `query` are percent-encoded; `client` is the address that it is made for."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    client: str = ""
    scheme: str = "http"


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream:
    """An answer that comes in pieces. Whoever opened it closes it."""

    def __init__(self, application: Application, request: Outgoing) -> None:
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue(_MOST_WAITING)
        self._sent = False
        self._task = asyncio.create_task(self._run(application, request), name=f"console: {request.path}")

    def __repr__(self) -> str:
        return f"<Stream {'over' if self._task.done() else 'open'}>"

    async def head(self) -> tuple[int, Mapping[str, str]]:
        """Status and headers; raises what the application raised, or ConnectionError when it said nothing."""
        message = await self._messages.get()
        if message is None:
            await self._task
            raise ConnectionError("no answer")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in message["headers"]}
        return message["status"], headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while (message := await self._messages.get()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    async def close(self) -> None:
        """Let the application know that nobody listens any more; idempotent."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self, application: Application, request: Outgoing) -> None:
        async def receive() -> Message:
            if not self._sent:
                self._sent = True
                return {"type": "http.request", "body": request.body, "more_body": False}
            # Never disconnected but by `close`.
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

        try:
            await application(_scope(request), receive, self._messages.put)
        finally:
            if not self._messages.full():
                self._messages.put_nowait(None)


async def ask(application: Application, request: Outgoing) -> Incoming:
    """The whole answer."""
    stream = Stream(application, request)
    try:
        status, headers = await stream.head()
        body = b"".join([piece async for piece in stream.pieces()])
    finally:
        await stream.close()
    return Incoming(status=status, headers=headers, body=body)


def _scope(request: Outgoing) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": (request.client, 0),
        "extensions": {},
    }
