"""A request in, an answer out, and the one error boundary between callers' faults and ours."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter

from stoker.front_door import token_bearers
from stoker.front_door.apis import Apis, Endpoint, Service
from stoker.front_door.audit import Audit
from stoker.front_door.body import Body, ClientDisconnectedError
from stoker.front_door.bucket_visitors import BucketVisitors
from stoker.front_door.function_urls import FunctionUrls, url_call
from stoker.front_door.gateway import Gateway, at_connections, connections_path
from stoker.front_door.gateway_sockets import Receive, Send
from stoker.front_door.limits import DEFAULT_BYTES, body_limit
from stoker.front_door.off_loop import in_thread_if_large
from stoker.front_door.own_paths import PREFIX, Handler, OwnPaths, json_response
from stoker.front_door.seclusion import seclude
from stoker.front_door.shortage import shortage
from stoker.invocations.request_id import RequestIds
from stoker.model.errors import ServiceError
from stoker.model.principal import Principal
from stoker.tracing.tracer import Tracer
from stoker.wire.api import Operation, ServiceApi
from stoker.wire.errors import AuthenticationError, InternalFailure, UnrecognizedClientException
from stoker.wire.message import Call, Request, Response, Result
from stoker.wire.operations import Method, result_of
from stoker.wire.packed import unpack
from stoker.wire.protocol import REQUEST_ID_HEADER
from stoker.wire.s3_paths import path_style
from stoker.wire.sigv4 import Claim, Verifier

log = logging.getLogger(__name__)


async def _for_ever() -> None:
    await asyncio.Event().wait()


def _uncounted(_service: str, _status: int, _seconds: float) -> None: ...


class FrontDoor:
    """Everything that comes in over HTTP.

    `authorise` raises AccessDeniedException for a call that its principal may not make. `pages` are handlers for what
    is under /_stoker/, by the first part of the path that follows. `count` is told each answer's service and status,
    and how many seconds it took until it was there: of one that is streamed, until it began. `tracer` is there where
    traces are.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        verifier: Verifier,
        authorise: Callable[[Call], Awaitable[None]],
        account: str,
        version: str,
        pages: Mapping[str, Handler] | None = None,
        urls: FunctionUrls | None = None,
        gateway: Gateway | None = None,
        audit: Audit | None = None,
        visitors: BucketVisitors | None = None,
        count: Callable[[str, int, float], None] = _uncounted,
        tracer: Tracer | None = None,
    ) -> None:
        self.apis = Apis(services)
        self._own_paths = OwnPaths(version, pages or {})
        self._urls = urls
        self._gateway = gateway
        self._audit = audit
        self._visitors = visitors
        self._count = count
        self._tracer = tracer
        self._verifier = verifier
        self._authorise = authorise
        self._account = account
        self._request_ids = RequestIds()

    def __repr__(self) -> str:
        return f"<FrontDoor {self.apis!r}>"

    async def ask(self, request: Request) -> Response:
        """The answer to a request of a part of Stoker's, which is there with its body."""
        return await self.answer(request, Body(request.body, _for_ever))

    async def answer(self, request: Request, body: Body, *, from_sandbox: bool = False) -> Response:
        """The answer to a request. `from_sandbox`: role sessions only, and nothing of the operator's.

        Raises ClientDisconnectedError where the client went away before it had sent its body.
        """
        began = perf_counter()
        if (tracer := self._tracer) is not None:
            span = tracer.receive(request.trace_id, request.headers.get("traceparent"))
            request = request.within(span)
        gateway = self._gateway
        api = None if gateway is None else gateway.serves(request)
        if self._urls is not None and (call := url_call(request)) is not None:
            service = "function-url"
            response = await self._urls.answer(call, request, body, from_sandbox=from_sandbox)
        elif gateway is not None and api is not None and not at_connections(api):
            service = "execute-api"
            response = await gateway.answer(api, request, body, from_sandbox=from_sandbox)
        elif api is None and request.path.startswith(PREFIX):
            service = "stoker"
            response = await self._answer_own(request, body, from_sandbox=from_sandbox)
        else:
            service, response = await self._answer_call(request, body, from_sandbox=from_sandbox)
            seclude(request, response)
            if self._visitors is not None and "origin" in request.headers:
                self._visitors.allow_origin(request, response)
        self._count(service, response.status, perf_counter() - began)
        if tracer is not None and service != "stoker":
            tracer.answered(span, service, request.method, response.status)
        return body.end(request, response)

    async def connect(self, request: Request, receive: Receive, send: Send, *, from_sandbox: bool = False) -> None:
        """A client that wants to speak WebSocket, as ASGI has it."""
        if self._gateway is not None:
            await self._gateway.connect(request, receive, send, from_sandbox=from_sandbox)
        else:
            await send({"type": "websocket.close"})

    async def _answer_own(self, request: Request, body: Body, *, from_sandbox: bool) -> Response:
        if from_sandbox:
            return json_response(404, {"message": "There is nothing here."})
        try:
            whole = await body.read(body_limit("stoker", ""))
            return await self._own_paths.answer(request.with_body(whole))
        except ServiceError as error:
            return json_response(error.status, {"message": error.message})
        except ClientDisconnectedError:
            raise
        except Exception:
            # The boundary: whatever is not the caller's fault is ours, told here once and to nobody outside.
            log.exception("%s %s failed", request.method, request.path)
            return json_response(500, {"message": InternalFailure().message})

    async def _answer_call(self, request: Request, body: Body, *, from_sandbox: bool) -> tuple[str, Response]:
        """The answer and whose it is: where no service got to answer, the one's that the request seems to be for."""
        request_id = self._request_ids.new()
        try:
            return await self._call(request, body, request_id, from_sandbox=from_sandbox)
        except ServiceError as error:
            if self._audit is not None and isinstance(error, AuthenticationError):
                await self._audit.note_stranger(request, request_id, error)
            api = await self._guess(request)
            response = (
                api.fail(error, request_id, request.path) if api is not None else _plain_failure(error, request_id)
            )
        except ClientDisconnectedError:
            raise
        except Exception as error:
            # The boundary: whatever is not the caller's fault is ours, told here once, and outside only if it helps.
            log.exception("request %s (%s %s) failed", request_id, request.method, request.path)
            api, reason = await self._guess(request), shortage(error)
            if api is None:
                response = _plain_failure(InternalFailure(reason), request_id)
            else:
                response = api.fail_internally(request_id, reason)
        return api.name if api is not None else "unknown", response

    async def _call(self, request: Request, body: Body, request_id: str, *, from_sandbox: bool) -> tuple[str, Response]:
        if self._visitors is not None and not from_sandbox and self._visitors.takes(request):
            endpoint = await self.apis.load("s3")
            return "s3", await self._visitors.answer(endpoint, request, body, request_id)
        if not from_sandbox and token_bearers.comes_with_form(request):
            return await self._call_by_token(request, body, request_id)
        claim = self._verifier.claim(request)
        if from_sandbox and not claim.principal.is_session:
            raise UnrecognizedClientException()
        endpoint = await self.apis.find(request, claim.scope.service)
        operation, request = await self._receive(endpoint.api, request, claim, body)
        return await self._answer_verified(
            endpoint, operation, request, body, request_id, principal=claim.principal, region=claim.scope.region
        )

    async def _call_by_token(self, request: Request, body: Body, request_id: str) -> tuple[str, Response]:
        """Of all operations those two that nobody signs."""
        endpoint = await self.apis.find(request, token_bearers.SERVICE)
        request = request.with_body(await body.read(body_limit(endpoint.api.name, "")))
        operation = token_bearers.operation_of(endpoint.api, request)
        principal = token_bearers.bearer(self._account)
        return await self._answer_verified(
            endpoint, operation, request, body, request_id, principal=principal, region=token_bearers.REGION
        )

    async def _answer_verified(
        self,
        endpoint: Endpoint,
        operation: Operation,
        request: Request,
        body: Body,
        request_id: str,
        *,
        principal: Principal,
        region: str,
    ) -> tuple[str, Response]:
        method = endpoint.method(operation)
        if request.span is not None:
            request.span.operation = operation.name
        call = Call(
            service=endpoint.api.name,
            operation=operation.name,
            params=await in_thread_if_large(request.body, lambda: operation.parse(request)),
            region=region,
            account=self._account,
            principal=principal,
            request_id=request_id,
            source_ip=request.source_ip,
            is_secure=request.is_secure,
            trace_id=request.trace_id,
            until_gone=body.until_gone,
        )
        result = await self._perform(call, method, operation, request)
        if result.is_large:
            response = await asyncio.to_thread(operation.serialise, result, request_id)
        else:
            response = operation.serialise(result, request_id)
        return endpoint.api.name, response

    async def _perform(self, call: Call, method: Method, operation: Operation, request: Request) -> Result:
        """What a call gives, if it may be made. A change is written down in the audit log before it is answered."""
        audit = self._audit
        try:
            await self._authorise(call)
        except ServiceError as error:
            if audit is not None:
                await audit.note(call, request, operation.shown(call.params), error)
            raise
        if audit is None or not audit.keeps(call.service, call.operation):
            return result_of(await method(call))
        failure: ServiceError | None = InternalFailure()
        try:
            result = result_of(await method(call))
            failure = None
            return result
        except ServiceError as error:
            failure = error
            raise
        finally:
            await audit.note(call, request, operation.shown(call.params), failure)

    async def _receive(
        self, api: ServiceApi, request: Request, claim: Claim, incoming: Body
    ) -> tuple[Operation, Request]:
        """The operation, and the request with its body: read within the operation's limit, and verified.

        Of an operation that reads its body itself, only the head is verified here.
        """
        asked = _asked(api, request)
        operation = None if api.operation_in_body else api.operation(asked)
        if operation is not None and operation.streams_input:
            return operation, asked.with_stream(incoming.stream(request, self._verifier.verify_head(request, claim)))
        limit = body_limit(api.name, operation.name if operation is not None else "")
        body = await incoming.read(limit)
        whole = request.with_body(body)
        verified = await in_thread_if_large(body, lambda: self._verifier.verify(whole, claim))
        if verified is not body or asked is not request:
            whole = asked.with_body(verified)
        if api.takes_packed and request.headers.get("content-encoding") == "gzip":
            whole = whole.with_body(await asyncio.to_thread(unpack, whole.body, DEFAULT_BYTES))
        return operation or api.operation(whole), whole

    async def _guess(self, request: Request) -> ServiceApi | None:
        """Whose protocol an error is told in."""
        if self._visitors is not None and self._visitors.takes(request):
            return (await self.apis.load("s3")).api
        return await self.apis.guess(request)


def _asked(api: ServiceApi, request: Request) -> Request:
    """The request with the path that its operation is known by."""
    if api.name == "s3":
        return path_style(request)
    if api.name == "apigatewaymanagementapi":
        # It is called below the API's own address.
        return request.at(connections_path(request.path))
    return request


def _plain_failure(error: ServiceError, request_id: str) -> Response:
    """For requests that don't show which API they are for: both JSON protocols find the error's name in this."""
    response = json_response(error.status, {"__type": error.code, "message": error.message})
    response.headers.extend([(REQUEST_ID_HEADER, request_id), ("x-amzn-ErrorType", error.code)])
    return response
