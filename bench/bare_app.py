"""The bare reference: an ASGI application that calls the handler and nothing else."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from functions import hello

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One request, one call. A GET is the question whether it is up."""
    if scope["type"] != "http":
        return
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    handler: Callable[[Any, None], Any] = hello.handler
    answer = json.dumps(handler(json.loads(body or b"{}"), None)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
