"""A front door with small services behind it, and ways to call it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from stoker.front_door.answering import head
from stoker.front_door.app import FrontDoor
from stoker.front_door.authorisation import Authoriser
from stoker.front_door.body import ClientDisconnectedError, ComingBody
from stoker.identity.authority import Authority
from stoker.identity.directory import Directory
from stoker.model.access import AccessTable
from stoker.model.clock import SystemClock
from stoker.model.errors import ResourceNotFoundException
from stoker.services.lambda_.access import ACCESS
from stoker.wire.credentials import Credentials
from stoker.wire.message import Call, Request, Result
from stoker.wire.operations import operations_of
from stoker.wire.sigv4 import Verifier

HOST = "127.0.0.1:4566"
DATE = "date: Fri, 02 Jan 1970 00:00:00 GMT\r\n"
INVOKE = "/2015-03-31/functions/hello/invocations"


class FakeLambda:
    """Answers an invocation with its own payload; remembers its calls."""

    name = "lambda"
    access = ACCESS

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.operations = dict(operations_of(self))

    async def invoke(self, call: Call) -> Result:
        self.calls.append(call)
        members = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": call.params.get("Payload", b"null")}
        return Result(members=members, headers={"date": "Thu, 01 Jan 1970 00:00:00 GMT"})

    async def get_function(self, call: Call) -> Mapping[str, Any]:
        raise ResourceNotFoundException(f"Function not found: {call.params['FunctionName']}")

    async def list_functions(self, call: Call) -> Mapping[str, Any]:
        raise RuntimeError("secret inside")

    async def create_function(self, call: Call) -> Mapping[str, Any]:
        return {"FunctionName": call.params["FunctionName"], "CodeSize": len(call.params["Code"]["ZipFile"])}


class FakeLogs:
    """A live tail that goes on until somebody stops it."""

    name = "logs"

    def __init__(self) -> None:
        self.tailing = asyncio.Event()
        self.ended = asyncio.Event()
        self.operations = dict(operations_of(self))

    async def start_live_tail(self, call: Call) -> Mapping[str, Any]:
        return {"responseStream": self._events()}

    async def _events(self) -> AsyncIterator[Mapping[str, Any]]:
        try:
            yield {"sessionStart": {"requestId": "r"}}
            self.tailing.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class FakeQueues:
    """Says what it was called with; a receive that waits ends when its client goes away."""

    name = "sqs"
    access: ClassVar[AccessTable] = {"ListQueues": None, "ReceiveMessage": None}

    def __init__(self) -> None:
        self.waiting, self.left = asyncio.Event(), asyncio.Event()
        self.operations = dict(operations_of(self))

    async def list_queues(self, call: Call) -> Mapping[str, Any]:
        return {"QueueUrls": [call.params.get("QueueNamePrefix", ""), call.source_ip, call.region]}

    async def receive_message(self, call: Call) -> Mapping[str, Any]:
        assert call.until_gone is not None
        self.waiting.set()
        await call.until_gone()
        self.left.set()
        return {}


class FakeSts:
    """Knows who calls."""

    name = "sts"
    access: ClassVar[AccessTable] = {"GetCallerIdentity": None}

    def __init__(self) -> None:
        self.operations = dict(operations_of(self))

    async def get_caller_identity(self, call: Call) -> Mapping[str, Any]:
        return {"UserId": call.principal.user_id, "Account": call.account, "Arn": call.principal.arn}


@dataclass(kw_only=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)


class House:
    """A front door, its services and its keys."""

    def __init__(self) -> None:
        self.functions, self.logs = FakeLambda(), FakeLogs()
        self.keys = Credentials(
            account="000000000000", access_key="AKIAEXAMPLE", secret_key="secret", platform_key=b"p" * 32
        )
        self.queues = FakeQueues()
        services = [self.functions, self.logs, self.queues, FakeSts()]
        authority = Authority(Directory("000000000000", {}), account="000000000000", clock=SystemClock())
        self.door = FrontDoor(
            services,
            verifier=Verifier(self.keys, SystemClock()),
            authorise=Authoriser(authority, services).check,
            account="000000000000",
            version="9.9",
        )

    def sign(self, method: str, path: str, body: bytes, headers: Mapping[str, str], **keys: str) -> dict[str, str]:
        """The headers of a signed request: by the root key, or by the session of `mint`."""
        aws = AWSRequest(method=method, url=f"http://{HOST}{path}", data=body, headers=dict(headers))
        signer = BotoCredentials(
            keys.get("access_key", self.keys.access_key), keys.get("secret", "secret"), keys.get("token")
        )
        SigV4Auth(signer, keys.get("service", "lambda"), keys.get("region", "us-east-1")).add_auth(aws)
        return {**dict(aws.headers.items()), "Host": HOST, "Content-Length": str(len(body))}

    def session(self) -> dict[str, str]:
        minted = self.keys.mint("arn:aws:iam::000000000000:role/worker", "hello", 900, now=SystemClock().time())
        return {"access_key": minted.access_key, "secret": minted.secret_key, "token": minted.session_token}

    async def call(
        self,
        method: str = "POST",
        path: str = INVOKE,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
        from_sandbox: bool = False,
        **keys: str,
    ) -> Answer:
        sent = self.sign(method, path, body, headers or {}, **keys) if signed else {**(headers or {}), "Host": HOST}
        return await self.exchange(method, path, sent, [body], from_sandbox=from_sandbox)

    async def exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        pieces: list[bytes],
        *,
        ends: bool = True,
        from_sandbox: bool = False,
    ) -> Answer:
        """What comes of a request whose body comes in pieces, each when it is wanted; none if it never `ends`."""

        def feed() -> None:
            if pieces:
                body.feed(pieces.pop(0))
            if not pieces:
                (body.finish if ends else body.lose)()

        parts = urlsplit(path)
        named = {name.lower(): value for name, value in headers.items()}
        stated = named.get("content-length")
        body = ComingBody(
            None if stated is None else int(stated),
            wants=feed,
            takes=lambda size: None,
            until_gone=asyncio.Event().wait,
        )
        request = Request(
            method=method,
            host=named["host"],
            path=parts.path,
            query=parts.query,
            headers=named,
            fields=list(named.items()),
            source_ip="192.0.2.1",
        )
        try:
            response = await self.door.answer(request, body, from_sandbox=from_sandbox)
        except ClientDisconnectedError:
            return Answer()
        first = head(response, method, date_line=DATE, keeps=True, chunks=True)
        line, *fields = first.data.decode().rstrip().split("\r\n")
        assert isinstance(response.body, bytes)
        return Answer(
            status=int(line.split()[1]),
            headers=[(name, value) for name, _, value in (field.partition(": ") for field in fields)],
            body=response.body if first.has_body else b"",
        )
