"""An extension in a fake sandbox: what one says over HTTP, said by a test."""

import asyncio
import json
from typing import Any

from fakes.sandbox import FakeSandbox

EXTENSION = "/2020-01-01/extension"


class FakeExtension:
    """Speaks to the Runtime API of one sandbox."""

    def __init__(self, sandbox: FakeSandbox, name: str = "shipper") -> None:
        self.name = name
        self._port = sandbox.port
        self._identifier = ""

    async def register(self, *events: str) -> "FakeExtension":
        headers, _ = await self._ask("POST", f"{EXTENSION}/register", {"events": events}, Name=self.name)
        self._identifier = headers["lambda-extension-identifier"]
        return self

    def next(self) -> "asyncio.Task[Any]":
        """Asks for the next event; the task's result is that."""
        asked = self._ask("GET", f"{EXTENSION}/event/next", None, Identifier=self._identifier)
        return asyncio.ensure_future(self._event(asked))

    async def subscribe(self, port: int, *types: str) -> None:
        destination = {"protocol": "TCP", "port": port}
        request = {"schemaVersion": "2022-12-13", "types": types, "destination": destination}
        await self._ask("PUT", "/2022-07-01/telemetry", request, Identifier=self._identifier)

    async def _event(self, asked: Any) -> Any:
        return (await asked)[1]

    async def _ask(self, method: str, path: str, body: object, **headers: str) -> tuple[dict[str, str], Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}"]
        lines += [f"Lambda-Extension-{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await reader.readline()
        answered = {}
        while line := (await reader.readline()).strip():
            name, _, value = line.decode().partition(": ")
            answered[name.lower()] = value
        told = json.loads(await reader.readexactly(int(answered["content-length"])))
        writer.close()
        return answered, told
