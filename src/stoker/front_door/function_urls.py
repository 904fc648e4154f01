"""Function URLs: HTTP requests that go to a function as events, and its results as HTTP answers."""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stoker.front_door.body import Body, ClientDisconnectedError
from stoker.front_door.http_answers import SANDBOX, event_headers, to_response
from stoker.front_door.limits import INVOKE_BYTES, BodyLimit
from stoker.front_door.off_loop import in_thread_if_large
from stoker.front_door.shortage import shortage
from stoker.front_door.streamed_answer import streamed_answer
from stoker.front_door.url_authorisation import UrlAuthoriser
from stoker.functions.url_addresses import PATH
from stoker.functions.urls import RESPONSE_STREAM, GuardedUrl
from stoker.invocations import trace
from stoker.invocations.request_id import RequestIds
from stoker.invocations.streaming import StreamedInvocation
from stoker.model.clock import Clock
from stoker.model.cors import answer_headers, is_preflight, preflight_headers
from stoker.model.errors import AccessDeniedException, ResourceNotFoundException, ServiceError
from stoker.model.http_event import (
    JSON_TYPE,
    Circumstances,
    HttpAnswer,
    HttpRequest,
    MalformedAnswerError,
    read_answer,
    to_event,
)
from stoker.model.invocation import InvocationResult, InvokeRequest
from stoker.wire.errors import InternalFailure, InvalidSignatureException, MissingAuthenticationTokenException
from stoker.wire.message import Request, Response
from stoker.wire.sigv4 import Claim, Verifier

log = logging.getLogger(__name__)

_HOST = re.compile(r"([a-z0-9]{1,63})\.lambda-url\.([a-z0-9-]{1,63})\.", re.IGNORECASE)
_LIMIT = BodyLimit(most=INVOKE_BYTES, action="InvokeFunction")


@dataclass(frozen=True, kw_only=True, slots=True)
class UrlCall:
    """A request for a function URL. `path` is what follows the URL; `region` is None where the address has none."""

    url_id: str
    region: str | None
    path: str


def url_call(request: Request) -> UrlCall | None:
    """The URL that a request is for, by its host or by its path; None for any other request."""
    if request.path.startswith(PATH):
        url_id, slash, rest = request.path.removeprefix(PATH).partition("/")
        return UrlCall(url_id=url_id, region=None, path=slash + rest or "/")
    if ".lambda-url." not in request.host or (found := _HOST.match(request.host)) is None:
        return None
    return UrlCall(url_id=found[1].lower(), region=found[2].lower(), path=request.path)


class FindsUrls(Protocol):
    """What this needs of `functions.urls.Urls`."""

    def cached(self, url_id: str) -> GuardedUrl | None: ...

    async def load(self, url_id: str) -> GuardedUrl | None: ...


class CanInvoke(Protocol):
    """What this needs of `invocations.Invoker`."""

    async def invoke(self, request: InvokeRequest) -> InvocationResult: ...

    async def stream(self, request: InvokeRequest) -> StreamedInvocation: ...


class FunctionUrls:
    """Answers calls of function URLs; the error boundary of their own, since no model says how to word it."""

    def __init__(
        self, *, urls: FindsUrls, invoker: CanInvoke, verifier: Verifier, authoriser: UrlAuthoriser, clock: Clock
    ) -> None:
        self._urls = urls
        self._invoker = invoker
        self._verifier = verifier
        self._authoriser = authoriser
        self._clock = clock
        self._request_ids = RequestIds()

    def __repr__(self) -> str:
        return f"<FunctionUrls {self._urls!r}>"

    async def answer(self, call: UrlCall, request: Request, body: Body, *, from_sandbox: bool) -> Response:
        """The answer to a request. `from_sandbox` ones may be signed by sessions only."""
        request_id = self._request_ids.new()
        # The client's trace goes on; what the function gets and the client is told has the same root.
        trace_id = trace.begin(request.trace_id, self._clock.time())
        named = [("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace_id)]
        if call.region is None:
            named.append(SANDBOX)
        try:
            guarded = await self._find(call)
        except Exception as error:
            return to_response(_failure(error, request_id), named)
        cors = guarded.url.cors
        if cors is not None and is_preflight(request.method, request.headers):
            return to_response(
                HttpAnswer(status=200, headers=preflight_headers(cors, request.headers), body=b""), named
            )
        try:
            event = await self._event(call, guarded, request, body, request_id, trace_id, from_sandbox=from_sandbox)
            answer = await self._invoke(guarded, event, request_id, trace_id)
        except ClientDisconnectedError:
            raise
        except Exception as error:
            answer = _failure(error, request_id)
        shared = [] if cors is None else answer_headers(cors, request.headers)
        return to_response(answer, [*named, *shared])

    async def _find(self, call: UrlCall) -> GuardedUrl:
        guarded = self._urls.cached(call.url_id) or await self._urls.load(call.url_id)
        if guarded is None or call.region not in (None, guarded.url.function.region):
            raise ResourceNotFoundException("There is no function URL with this address.")
        return guarded

    async def _event(
        self,
        call: UrlCall,
        guarded: GuardedUrl,
        request: Request,
        incoming: Body,
        request_id: str,
        trace_id: str,
        *,
        from_sandbox: bool,
    ) -> bytes:
        """The event of a request that may be made, read whole and verified."""
        claim = self._admit(guarded, request, from_sandbox=from_sandbox)
        body = await incoming.read(_LIMIT)
        whole = request.with_body(body)
        if claim is not None:
            whole = request.with_body(await in_thread_if_large(body, lambda: self._verifier.verify(whole, claim)))
        sent = HttpRequest(
            method=whole.method,
            path=call.path,
            query=whole.query,
            headers=event_headers(whole, trace_id),
            body=whole.body,
            source_ip=whole.source_ip,
        )
        about = Circumstances(
            request_id=request_id,
            api_id=guarded.url.id,
            domain=whole.host.rpartition(":")[0] or whole.host,
            at=self._clock.time(),
            caller=claim.principal if claim is not None else None,
        )
        return await in_thread_if_large(body, lambda: to_event(sent, about))

    def _admit(self, guarded: GuardedUrl, request: Request, *, from_sandbox: bool) -> Claim | None:
        """Who signed, None where nobody had to; raises what keeps the request out, before its body is read."""
        url = guarded.url
        if url.auth_type == "NONE":
            _check(self._authoriser.missing(guarded, None, request))
            return None
        try:
            claim = self._verifier.claim(request)
        except MissingAuthenticationTokenException:
            raise AccessDeniedException(FORBIDDEN) from None
        if claim.scope.service != "lambda":
            raise InvalidSignatureException("Credential should be scoped to correct service: 'lambda'.")
        if claim.scope.region != url.function.region:
            raise InvalidSignatureException(
                f"Credential should be scoped to a valid region, not '{claim.scope.region}'."
            )
        if from_sandbox and not claim.principal.is_session:
            raise AccessDeniedException(FORBIDDEN)
        _check(self._authoriser.missing(guarded, claim.principal, request))
        return claim

    async def _invoke(self, guarded: GuardedUrl, event: bytes, request_id: str, trace_id: str) -> HttpAnswer:
        function = guarded.url.function
        asked = InvokeRequest(
            region=function.region,
            function=function.name,
            qualifier=guarded.url.qualifier,
            payload=event,
            trace_id=trace_id,
            request_id=request_id,
        )
        if guarded.url.invoke_mode == RESPONSE_STREAM:
            return await streamed_answer(await self._invoker.stream(asked)) or _BAD_GATEWAY
        result = await self._invoker.invoke(asked)
        if result.function_error is not None:
            return _BAD_GATEWAY
        return await in_thread_if_large(result.payload, lambda: read_answer(result.payload))


# Not told what is missing: lambda:InvokeFunctionUrl, lambda:InvokeFunction, or a signature.
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
# AWS's body is these words, though its type says JSON.
_BAD_GATEWAY = HttpAnswer(status=502, headers=[("Content-Type", JSON_TYPE)], body=b"Internal Server Error")


def _check(missing: Sequence[str]) -> None:
    if missing:
        raise AccessDeniedException(FORBIDDEN)


def _failure(error: Exception, request_id: str) -> HttpAnswer:
    """The boundary: a caller's fault in its words, a function's as AWS hides it, and ours told here and not outside."""
    if isinstance(error, MalformedAnswerError):
        log.info("function URL request %s: no HTTP answer can be made of the result: %s", request_id, error)
        return _BAD_GATEWAY
    if not isinstance(error, ServiceError):
        log.error("function URL request %s failed", request_id, exc_info=error)
        error = InternalFailure(shortage(error))
    body = json.dumps({**error.members, "Message": error.message}, separators=(",", ":")).encode()
    return HttpAnswer(
        status=error.status, headers=[("Content-Type", JSON_TYPE), ("x-amzn-ErrorType", error.code)], body=body
    )
