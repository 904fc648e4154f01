"""The short way of the commonest requests: a signed Invoke, and an event for a function that is known.

It begins with a request that is here as a whole, and ends with the event in the function's socket, or among those that
the next commit has: no task, no future, no turn of the event loop between them, nor between the function's answer and
the caller's. Where no environment is idle it ends with the invoker, in a task of its own. The steps are those of
`app.py`, and they are taken only where each is known at once to end well. Else `take` returns False before anything has
happened, and the ordinary way, walked from its beginning, finds out what there is to be said.
"""

import logging
import re
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any, Protocol

from stoker.front_door.shortage import shortage
from stoker.front_door.turns import Turns
from stoker.invocations.request_id import RequestIds
from stoker.model.errors import ServiceError
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.services.lambda_.invoke import NO_PAYLOAD, check_payload
from stoker.tracing.spans import RequestTrace
from stoker.tracing.tracer import Tracer
from stoker.wire.api import ServiceApi
from stoker.wire.message import Call, Request, Response
from stoker.wire.sigv4 import Verifier

log = logging.getLogger(__name__)

BEGIN = b"/2015-03-31/functions/"
_PATH = re.compile(r"/2015-03-31/functions/([A-Za-z0-9_-]{1,64})/invocations")
# Headers that leave an Invoke what it is. A request with any other goes the ordinary way: what changes how it runs,
# what only browsers send.
_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "connection",
        "content-length", "content-type", "host", "traceparent", "tracestate", "user-agent", "x-amz-content-sha256",
        "x-amz-date", "x-amz-invocation-type", "x-amz-security-token", "x-amz-user-agent", "x-amzn-trace-id",
    }
)  # fmt: skip
_INVOCATION_TYPES = ("RequestResponse", "Event")
_QUEUED = "content-type: application/octet-stream\r\ncontent-length: 0\r\n"
# Hosts that belong to somebody's function or API, whatever is asked of them.
_OTHERS = (".lambda-url.", ".execute-api.")


class Reply(Protocol):
    """Whoever gets an answer. See `environments.job.Reply`."""

    def done(self) -> bool: ...

    def set_result(self, result: InvocationResult, /) -> object: ...

    def set_exception(self, error: Exception, /) -> object: ...


class Client(Protocol):
    """Whose request it is: a connection, which may be gone by the time of the answer."""

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
        count: Callable[[str, int, float], None],
        tracer: Tracer | None = None,
    ) -> None:
        self._api = api
        self._account = account
        self._verifier = verifier
        self._is_open = is_open
        self._invoker = invoker
        self._events = events
        self._count = count
        self._tracer = tracer
        self.turns = Turns()
        self._request_ids = RequestIds()

    def __repr__(self) -> str:
        return f"<Express {self._api!r}>"

    def take(self, request: Request, client: Client) -> bool:
        """Whether a request is on its way to a function. Its answer may come before this returns."""
        name = _function_of(request)
        if name is None:
            return False
        began = perf_counter()
        try:
            claim = self._verifier.claim(request)
            if claim.scope.service != "lambda":
                return False
            payload = self._verifier.verify(request, claim) or NO_PAYLOAD
            check_payload(payload)
        except ServiceError:
            return False
        region = claim.scope.region
        call = Call(
            service="lambda",
            operation="Invoke",
            params={"FunctionName": name},
            region=region,
            account=self._account,
            principal=claim.principal,
            request_id="",
            source_ip=request.source_ip,
            is_secure=request.is_secure,
        )
        if not self._is_open(call):
            return False
        trace_id, span = request.trace_id, None
        if self._tracer is not None:
            span = self._tracer.receive(trace_id, request.headers.get("traceparent"))
            span.operation, trace_id = "Invoke", span.header
        asked = InvokeRequest(region=region, function=name, qualifier=None, payload=payload, trace_id=trace_id)
        if request.headers.get("x-amz-invocation-type") == "Event":
            return self._events.begin(asked, ToQueuer(self, client, began, span))
        reply = _ToClient(self, client, began, span)
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

    def tell(self, client: Client, result: InvocationResult, began: float, span: RequestTrace | None) -> None:
        """Answer with a function's result, as the model of Invoke has it."""
        error = "" if result.function_error is None else f"x-amz-function-error: {result.function_error}\r\n"
        fields = (
            f"x-amz-executed-version: {result.executed_version}\r\n{error}content-type: application/octet-stream\r\n"
            f"content-length: {len(result.payload)}\r\nx-amzn-requestid: {result.request_id}\r\n"
        )
        self._note(200, began, span)
        client.answer(200, fields.encode("latin-1"), result.payload)

    def tell_queued(self, client: Client, request_id: str, began: float, span: RequestTrace | None) -> None:
        """Answer that an event is on the disk, as the model of Invoke has it."""
        fields = f"{_QUEUED}x-amzn-requestid: {request_id}\r\n"
        self._note(202, began, span)
        client.answer(202, fields.encode("ascii"), b"")

    def fail(self, client: Client, error: BaseException, began: float, span: RequestTrace | None) -> None:
        """Answer with what kept an invocation from its end."""
        request_id = self._request_ids.new()
        if isinstance(error, ServiceError):
            response = self._api.fail(error, request_id)
        else:
            # The boundary: whatever is not the caller's fault is ours, told here once, and outside only if it helps.
            log.error("request %s (Invoke) failed", request_id, exc_info=error)
            response = self._api.fail_internally(request_id, shortage(error))
        self._note(response.status, began, span)
        assert isinstance(response.body, bytes)
        client.answer(response.status, _fields(response), response.body)

    def _note(self, status: int, began: float, span: RequestTrace | None) -> None:
        self._count("lambda", status, perf_counter() - began)
        if self._tracer is not None and span is not None:
            self._tracer.answered(span, "lambda", "POST", status)


class _ToClient:
    """The reply of an invocation that goes straight to its client."""

    __slots__ = ("_began", "_client", "_express", "_is_told", "_span")

    def __init__(self, express: Express, client: Client, began: float, span: RequestTrace | None) -> None:
        self._express = express
        self._client = client
        self._began = began
        self._span = span
        self._is_told = False

    def done(self) -> bool:
        """An invocation with extensions has two ends: the client hears of the runtime's."""
        return self._is_told

    def set_result(self, result: InvocationResult, /) -> None:
        self._is_told = True
        try:
            self._express.tell(self._client, result, self._began, self._span)
        finally:
            self._express.turns.running -= 1

    def set_exception(self, error: Exception, /) -> None:
        self._is_told = True
        try:
            self._express.fail(self._client, error, self._began, self._span)
        finally:
            self._express.turns.running -= 1


class ToQueuer:
    """The reply of an event that is being queued."""

    __slots__ = ("_began", "_client", "_express", "_span")

    def __init__(self, express: Express, client: Client, began: float, span: RequestTrace | None) -> None:
        self._express = express
        self._client = client
        self._began = began
        self._span = span

    def set_result(self, request_id: str, /) -> None:
        self._express.tell_queued(self._client, request_id, self._began, self._span)

    def set_exception(self, error: BaseException, /) -> None:
        self._express.fail(self._client, error, self._began, self._span)


def _function_of(request: Request) -> str | None:
    """The function that a plain Invoke names; None for every other request."""
    found = _PATH.fullmatch(request.path)
    headers = request.headers
    if found is None or request.method != "POST" or request.query or not _HEADERS.issuperset(headers):
        return None
    if headers.get("x-amz-invocation-type", "RequestResponse") not in _INVOCATION_TYPES:
        return None
    if _OTHERS[0] in request.host or _OTHERS[1] in request.host or headers.get("user-agent", "").startswith("Mozilla/"):
        return None
    return found[1]


def _fields(response: Response) -> bytes:
    return "".join(f"{name.lower()}: {value}\r\n" for name, value in response.headers).encode("latin-1")
