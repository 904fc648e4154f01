"""GetFunction's Code.Location: the zip as it was uploaded, for whoever has the link."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import parse_qsl

from stoker.front_door.own_paths import json_response
from stoker.wire.message import Request, Response

_CHUNK_BYTES = 256 * 1024


class Links(Protocol):
    """Tells a link of ours that still holds from any other."""

    def verify(self, digest: str, query: dict[str, str]) -> bool: ...


class Packages(Protocol):
    """Where the zips are."""

    def zip_path(self, digest: str) -> Path: ...


class CodeDownload:
    """The route /_stoker/code/<digest>."""

    def __init__(self, links: Links, packages: Packages) -> None:
        self._links = links
        self._packages = packages

    async def answer(self, request: Request) -> Response:
        digest = request.path.rpartition("/")[2]
        if not self._links.verify(digest, dict(parse_qsl(request.query))):
            return json_response(
                403, {"message": "The link is not valid, or no longer: ask GetFunction for a new one."}
            )
        try:
            file = await asyncio.to_thread(open, self._packages.zip_path(digest), "rb")
        except FileNotFoundError:
            return json_response(404, {"message": "The code is no longer there."})
        headers = [("content-type", "application/zip"), ("content-length", str(_size(file)))]
        return Response(status=200, headers=headers, body=_chunks(file))


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
