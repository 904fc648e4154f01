"""Requests to the front door in this process, without a socket between."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from stoker.wire.message import Request, Response

Application = Callable[[Request], Awaitable[Response]]
"""Answers a request that is there with its body."""


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(application: Application, request: Request, *, most_bytes: int | None = None) -> Incoming:
    """The whole answer; of one with more than `most_bytes` more than those, but not all."""
    response = await application(request)
    body = bytearray()
    try:
        if request.method == "HEAD":
            pass
        elif isinstance(response.body, bytes):
            body += response.body
        else:
            async for piece in response.body:
                body += piece
                if most_bytes is not None and len(body) > most_bytes:
                    break
    finally:
        await response.close()
    return Incoming(status=response.status, headers=headers_of(response), body=bytes(body))


def headers_of(response: Response) -> Mapping[str, str]:
    """By their names in lower case."""
    return {name.lower(): value for name, value in response.headers}
