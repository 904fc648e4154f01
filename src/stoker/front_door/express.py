"""The short way of the commonest requests: a signed Invoke, and an event for a function that is known.

It begins with a request that came in one piece, or two (head and body, as SDKs send them), and ends with the event in
the function's socket, or among those that the next commit has: no task, no future, no turn of the event loop between
them, nor between the function's answer and the caller's. Where no environment is idle it ends with the invoker, in a
task of its own. The steps are those of `app.py`, and they are taken only where
each is known at once to end well. Else `take` returns False before anything has happened, and the ordinary way, walked
from its beginning, finds out what there is to be said.

Signed calls of the queues' and tables' JSON APIs go a part of it: to the application without an HTTP server's objects
between them, and back in one piece.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from time import perf_counter
from typing import Any, Protocol

from msgspec import Struct

from stoker.front_door.off_loop import LARGE_BYTES
from stoker.front_door.shortage import shortage
from stoker.front_door.turns import Turns
from stoker.invocations.request_id import RequestIds
from stoker.model.errors import ServiceError
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.services.lambda_.invoke import NO_PAYLOAD, check_payload
from stoker.wire.api import ServiceApi
from stoker.wire.message import Call, Request, Response
from stoker.wire.sigv4 import Verifier

log = logging.getLogger(__name__)

BEGIN = b"POST /2015-03-31/functions/"
BEGIN_CALL = b"POST / HTTP/1.1\r\n"
# How the header begins that names their operation, and what they are signed for. None of them answers with a stream.
_CALLED = {"AmazonSQS": "/sqs/aws4_request,", "DynamoDB_20120810": "/dynamodb/aws4_request,"}
_REQUEST_LINE = re.compile(rb"POST (/2015-03-31/functions/([A-Za-z0-9_-]{1,64})/invocations) HTTP/1\.1\r\n")
# Headers that leave an Invoke what it is, as clients write them. A request with any other goes the ordinary way: what
# frames a message in another manner, what changes how it runs, what only browsers send.
_HEADERS = {
    spelling: name
    for name in (
        "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "connection",
        "content-length", "content-type", "host", "user-agent", "x-amz-content-sha256", "x-amz-date",
        "x-amz-invocation-type", "x-amz-security-token", "x-amz-target", "x-amz-user-agent", "x-amzn-query-mode",
        "x-amzn-trace-id",
    )
    for spelling in (name, name.title(), name.title().replace("Sha", "SHA"))
}  # fmt: skip
_INVOCATION_TYPES = ("RequestResponse", "Event")
_LENGTH_DIGITS = len(str(LARGE_BYTES))
_QUEUED = "content-type: application/octet-stream\r\ncontent-length: 0\r\n"
# Hosts that belong to somebody's function or API, whatever is asked of them.
_OTHERS = (".lambda-url.", ".execute-api.")


class Plain(Struct, frozen=True, kw_only=True):
    """A plain Invoke, or a call where there is no `function`. One that is not whole lacks some or all of its body."""

    function: str | None
    request: Request
    is_whole: bool

    @property
    def is_event(self) -> bool:
        """Whether it is to be queued, and not waited for."""
        return self.request.headers.get("x-amz-invocation-type") == "Event"


class Reply(Protocol):
    """Whoever gets an answer. See `environments.job.Reply`."""

    def done(self) -> bool: ...

    def set_result(self, result: InvocationResult, /) -> object: ...

    def set_exception(self, error: Exception, /) -> object: ...


class Client(Protocol):
    """Whose request it is: a connection, which may be gone by the time of the answer."""

    async def until_gone(self) -> None:
        """Returns once it is gone."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` run, which ends with an answer."""

    def answer(self, status: int, fields: bytes, body: bytes) -> None:
        """Send an answer; `fields` are its lines but for the date."""


class BeginsInvocations(Protocol):
    """What this needs of `invocations.Invoker`."""

    def begin(self, request: InvokeRequest, reply: Reply) -> bool: ...

    async def invoke(self, request: InvokeRequest) -> InvocationResult: ...


class QueuesEvents(Protocol):
    """What this needs of `invocations.AsyncQueue`."""

    def begin(self, request: InvokeRequest, reply: "ToQueuer") -> bool: ...


class AnswersCalls(Protocol):
    """What this needs of `FrontDoor`."""

    def is_call(self, request: Request) -> bool: ...

    async def answer_whole(self, request: Request, until_gone: Callable[[], Awaitable[None]]) -> Response: ...


class Express:
    """Takes requests from connections. `is_open` says whether a call is known to be allowed."""

    def __init__(
        self,
        *,
        api: ServiceApi,
        account: str,
        verifier: Verifier,
        is_open: Callable[[Call], bool],
        invoker: BeginsInvocations,
        events: QueuesEvents,
        calls: AnswersCalls,
        count: Callable[[str, int, float], None],
    ) -> None:
        self._api = api
        self._account = account
        self._verifier = verifier
        self._is_open = is_open
        self._invoker = invoker
        self._events = events
        self._calls = calls
        self._count = count
        self._request_ids = RequestIds()
        self.turns = Turns()

    def __repr__(self) -> str:
        return f"<Express {self._api!r}>"

    def take(self, plain: Plain, client: Client) -> bool:
        """Whether the request is on its way to a function. Its answer may come before this returns."""
        if plain.function is None:
            return self._take_call(plain.request, client)
        request, name, began = plain.request, plain.function, perf_counter()
        try:
            claim = self._verifier.claim(request)
            if claim.scope.service != "lambda":
                return False
            payload = self._verifier.verify(request, claim) or NO_PAYLOAD
            check_payload(payload)
        except ServiceError:
            return False
        region, trace_id = claim.scope.region, request.headers.get("x-amzn-trace-id")
        call = Call(
            service="lambda",
            operation="Invoke",
            params={"FunctionName": name},
            region=region,
            account=self._account,
            principal=claim.principal,
            request_id="",
            source_ip=request.source_ip,
        )
        if not self._is_open(call):
            return False
        asked = InvokeRequest(region=region, function=name, qualifier=None, payload=payload, trace_id=trace_id)
        if plain.is_event:
            return self._events.begin(asked, ToQueuer(self, client, began))
        reply = _ToClient(self, client, began)
        self.turns.running += 1
        if not self._invoker.begin(asked, reply):
            client.spawn(self._invoke(asked, reply))
        return True

    async def _invoke(self, request: InvokeRequest, reply: Reply) -> None:
        try:
            result = await self._invoker.invoke(request)
        except Exception as error:  # The boundary of this task: whoever waits for the invocation gets the error.
            reply.set_exception(error)
        else:
            reply.set_result(result)

    def _take_call(self, request: Request, client: Client) -> bool:
        if not self._calls.is_call(request):
            return False
        client.spawn(self._answer_call(request, client))
        return True

    async def _answer_call(self, request: Request, client: Client) -> None:
        response = await self._calls.answer_whole(request, client.until_gone)
        assert isinstance(response.body, bytes)
        client.answer(response.status, _fields(response), response.body)

    def tell(self, client: Client, result: InvocationResult, began: float) -> None:
        """Answer with a function's result, as the model of Invoke has it."""
        error = "" if result.function_error is None else f"x-amz-function-error: {result.function_error}\r\n"
        fields = (
            f"x-amz-executed-version: {result.executed_version}\r\n{error}content-type: application/octet-stream\r\n"
            f"content-length: {len(result.payload)}\r\nx-amzn-requestid: {result.request_id}\r\n"
        )
        self._count("lambda", 200, perf_counter() - began)
        client.answer(200, fields.encode("latin-1"), result.payload)

    def tell_queued(self, client: Client, request_id: str, began: float) -> None:
        """Answer that an event is on the disk, as the model of Invoke has it."""
        fields = f"{_QUEUED}x-amzn-requestid: {request_id}\r\n"
        self._count("lambda", 202, perf_counter() - began)
        client.answer(202, fields.encode("ascii"), b"")

    def fail(self, client: Client, error: BaseException, began: float) -> None:
        """Answer with what kept an invocation from its end."""
        request_id = self._request_ids.new()
        if isinstance(error, ServiceError):
            response = self._api.fail(error, request_id)
        else:
            # The boundary: whatever is not the caller's fault is ours, told here once, and outside only if it helps.
            log.error("request %s (Invoke) failed", request_id, exc_info=error)
            response = self._api.fail_internally(request_id, shortage(error))
        self._count("lambda", response.status, perf_counter() - began)
        assert isinstance(response.body, bytes)
        client.answer(response.status, _fields(response), response.body)


class _ToClient:
    """The reply of an invocation that goes straight to its client."""

    __slots__ = ("_began", "_client", "_express")

    def __init__(self, express: Express, client: Client, began: float) -> None:
        self._express = express
        self._client = client
        self._began = began

    def done(self) -> bool:
        return False

    def set_result(self, result: InvocationResult, /) -> None:
        self._express.turns.running -= 1
        self._express.tell(self._client, result, self._began)

    def set_exception(self, error: Exception, /) -> None:
        self._express.turns.running -= 1
        self._express.fail(self._client, error, self._began)


class ToQueuer:
    """The reply of an event that is being queued."""

    __slots__ = ("_began", "_client", "_express")

    def __init__(self, express: Express, client: Client, began: float) -> None:
        self._express = express
        self._client = client
        self._began = began

    def set_result(self, request_id: str, /) -> None:
        self._express.tell_queued(self._client, request_id, self._began)

    def set_exception(self, error: BaseException, /) -> None:
        self._express.fail(self._client, error, self._began)


def read(data: bytes, source_ip: str) -> Plain | None:
    """The request that `data` is, or begins with all of its head; None if it is neither a plain Invoke nor a call."""
    line, end = _REQUEST_LINE.match(data), data.find(b"\r\n\r\n")
    if (line is None and not data.startswith(BEGIN_CALL)) or len(data) >= LARGE_BYTES:
        return None
    head = data[len(BEGIN_CALL) if line is None else line.end() : end].decode("latin-1")
    lines = head.split("\r\n")
    if end < 0 or head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1:
        return None
    headers: dict[str, str] = {}
    for each in lines:
        spelling, _, value = each.partition(":")
        name = _HEADERS.get(spelling)
        if name is None or name in headers:
            return None
        headers[name] = value.strip(" \t")
    host, length, body = headers.get("host", ""), headers.get("content-length", ""), data[end + 4 :]
    if not length.isdecimal() or len(length) > _LENGTH_DIGITS or int(length) < len(body):
        return None
    if headers.get("connection", "keep-alive") != "keep-alive":
        return None
    if headers.get("x-amz-invocation-type", "RequestResponse") not in _INVOCATION_TYPES:
        return None
    if _OTHERS[0] in host or _OTHERS[1] in host or headers.get("user-agent", "").startswith("Mozilla/"):
        return None
    if line is None and not _is_called(headers):
        return None
    path = "/" if line is None else line[1].decode("ascii")
    request = Request(method="POST", host=host, path=path, query="", headers=headers, body=body, source_ip=source_ip)
    function = None if line is None else line[2].decode("ascii")
    return Plain(function=function, request=request, is_whole=int(length) == len(body))


def _is_called(headers: Mapping[str, str]) -> bool:
    signed_for = _CALLED.get(headers.get("x-amz-target", "").partition(".")[0])
    return signed_for is not None and signed_for in headers.get("authorization", "")


def _fields(response: Response) -> bytes:
    return "".join(f"{name.lower()}: {value}\r\n" for name, value in response.headers).encode("latin-1")
