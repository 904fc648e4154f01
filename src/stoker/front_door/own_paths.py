"""What is Stoker's own on the port: everything under /_stoker/, since no bucket can be called that."""

import json
from collections.abc import Awaitable, Callable, Mapping

from stoker.wire.message import Request, Response

PREFIX = "/_stoker/"
Handler = Callable[[Request], Awaitable[Response]]


class OwnPaths:
    """The table of pages under /_stoker/, by the first part of the path that follows."""

    def __init__(self, version: str, pages: Mapping[str, Handler]) -> None:
        self._version = version
        self._pages: Mapping[str, Handler] = {"health": self._health, **pages}

    async def answer(self, request: Request) -> Response:
        handler = self._pages.get(request.path.removeprefix(PREFIX).partition("/")[0])
        if handler is None:
            return json_response(404, {"message": "There is nothing here."})
        return await handler(request)

    async def _health(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return json_response(405, {"message": "Only GET and HEAD."})
        return json_response(200, {"status": "ready", "version": self._version})


def json_response(status: int, document: Mapping[str, object]) -> Response:
    body = json.dumps(document).encode()
    headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
    return Response(status=status, headers=headers, body=body)
