"""AWS's APIs as one user calls them: signed with their key, through the front door like everybody's calls."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from stoker.console.aws_models import EventReader, Models, Operation
from stoker.console.in_process import Application, Incoming, ask, headers_of
from stoker.wire.message import Request

# The service that Stoker's own pages are signed for.
OWN = "stoker"


@dataclass(frozen=True, kw_only=True)
class Door:
    """The way in: the application, and the address by which requests name it."""

    application: Application
    endpoint: str
    models: Models = field(default_factory=Models)


class Aws:
    """The APIs for one user in one region. `client` and `scheme` are those of their browser, which
    policies may ask about."""

    def __init__(
        self, door: Door, credentials: ReadOnlyCredentials, *, region: str, client: str, scheme: str = "http"
    ) -> None:
        self._door = door
        self._credentials = credentials
        self._client = client
        self._scheme = scheme
        self.region = region

    def __repr__(self) -> str:
        return f"<Aws in {self.region}>"

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """The result, as boto3 gives it. Raises ApiError."""
        known, request = await asyncio.to_thread(self._prepare, service, operation, params)
        answer = await ask(self._door.application, request)
        return await asyncio.to_thread(known.result, answer.status, answer.headers, answer.body)

    async def pages(
        self, service: str, operation: str, *, token: tuple[str, str], **params: Any
    ) -> list[dict[str, Any]]:
        """All pages. `token` is what the next one's is called in the result and in the parameters."""
        given, taken = token
        found = [await self.call(service, operation, **params)]
        while following := found[-1].get(given):
            found.append(await self.call(service, operation, **{**params, taken: following}))
        return found

    async def stream(self, service: str, operation: str, **params: Any) -> AsyncGenerator[dict[str, Any], None]:
        """The events of an operation that streams its answer, until it ends or the iterator is closed."""
        known, request = await asyncio.to_thread(self._prepare, service, operation, params)
        answer = await self._door.application(request)
        if isinstance(answer.body, bytes):
            known.result(answer.status, headers_of(answer), answer.body)
            return
        reader = EventReader(known)
        try:
            async for piece in answer.body:
                for event in reader.events(piece):
                    yield event
        finally:
            await answer.close()

    async def own_page(self, path: str, query: str = "") -> Incoming:
        """A page of Stoker's own that has to be signed."""
        request = AWSRequest(method="GET", url=f"{self._door.endpoint}{path}{'?' if query else ''}{query}")
        return await ask(self._door.application, await asyncio.to_thread(self._signed, request, OWN))

    async def fetch(self, url: str) -> Incoming:
        """What is at an address that an API gave out, which needs no signature."""
        parts = urlsplit(url)
        outgoing = Request(
            method="GET",
            host=parts.netloc,
            path=parts.path,
            query=parts.query,
            headers={"host": parts.netloc},
            source_ip=self._client,
        )
        return await ask(self._door.application, outgoing)

    def _prepare(self, service: str, operation: str, params: Mapping[str, Any]) -> tuple[Operation, Request]:
        known = self._door.models.operation(service, operation)
        request = known.request(params, self._door.endpoint)
        return known, self._signed(request, known.service.signing_name)

    def _signed(self, request: AWSRequest, signing_name: str) -> Request:
        signer = S3SigV4Auth if signing_name == "s3" else SigV4Auth
        signer(self._credentials, signing_name, self.region).add_auth(request)
        prepared = request.prepare()
        parts, content = urlsplit(prepared.url), _content(prepared.body)
        headers = {
            name.lower(): str(value, "latin-1") if isinstance(value, bytes) else str(value)
            for name, value in prepared.headers.items()
        }
        return Request(
            method=prepared.method,
            host=parts.netloc,
            path=parts.path or "/",
            query=parts.query,
            headers={**headers, "host": parts.netloc, "content-length": str(len(content))},
            body=content,
            source_ip=self._client,
            scheme=self._scheme,
        )


def _content(body: Any) -> bytes:
    """What botocore made of a body, whichever of its forms it took."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else _content(body.read())
