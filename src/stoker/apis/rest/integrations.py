"""What methods lead to: functions, other HTTP servers, or nothing at all."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from stoker.apis.functions import FunctionAnswer, FunctionCall, Functions, function_arn
from stoker.apis.request import MAX_BODY_BYTES
from stoker.apis.rest.aws_services import Services, service_call
from stoker.apis.rest.exchange import Exchange
from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.headers import cleaned
from stoker.apis.rest.mapping import (
    IntegrationAnswer,
    IntegrationRequest,
    client_answer,
    configuration_error,
    integration_request,
    target_path,
    target_url,
    with_variables,
)
from stoker.apis.rest.media_types import media_type
from stoker.apis.rest.proxy_answer import malformed, proxy_answer
from stoker.deliveries.outbound import (
    ForbiddenAddressError,
    Outbound,
    OutboundAnswer,
    OutboundRequest,
    UnreachableError,
)
from stoker.model.errors import RequestTooLargeException, ServiceError
from stoker.model.http_event import JSON_TYPE, HttpAnswer

T = TypeVar("T")

log = logging.getLogger(__name__)

_LARGE_BYTES = 256 * 1024
# Of the connection to a client, or told by Stoker to the server that it calls.
_NOT_FORWARDED = frozenset({"host", "content-length", "x-forwarded-for", "accept-encoding"})
_NOT_RETURNED = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "date", "server"})
_LATER = "Event"


class Integrations:
    """Calls what a method leads to. `Outbound` looks at addresses before it calls them."""

    def __init__(self, *, functions: Functions, services: Services, outbound: Outbound) -> None:
        self._functions = functions
        self._services = services
        self._outbound = outbound

    def __repr__(self) -> str:
        return f"<Integrations {self._outbound!r}>"

    async def call(self, exchange: Exchange) -> HttpAnswer:
        """The answer for the client; raises GatewayFault."""
        kind = exchange.method.integration.kind
        if kind == "AWS_PROXY":
            return await self._proxy_to_function(exchange)
        request = await asyncio.to_thread(integration_request, exchange)
        if kind == "HTTP_PROXY":
            return await self._proxy_to_server(exchange, request)
        if kind == "MOCK":
            answer = _mocked(request)
        elif kind == "AWS" and function_arn(_function_uri(exchange)) is not None:
            answer = await self._call_function(exchange, request)
        elif kind == "AWS":
            answer = await self._call_service(exchange, request)
        else:
            answer = await self._call_server(exchange, request)
        return await asyncio.to_thread(client_answer, exchange, request, answer)

    async def _proxy_to_function(self, exchange: Exchange) -> HttpAnswer:
        large = len(exchange.body) > _LARGE_BYTES
        event = await asyncio.to_thread(exchange.proxy_event) if large else exchange.proxy_event()
        answer = await self._invoke(exchange, event)
        if answer.failed:
            raise malformed()
        make = partial(
            proxy_answer,
            answer.payload,
            binary_types=exchange.blueprint.binary_types,
            accept=exchange.header("accept"),
        )
        return await asyncio.to_thread(make) if len(answer.payload) > _LARGE_BYTES else make()

    async def _call_function(self, exchange: Exchange, request: IntegrationRequest) -> IntegrationAnswer:
        """The request's body is the event; an error's message selects the response."""
        kinds = [value for name, value in request.headers if name.lower() == "x-amz-invocation-type"]
        payload = request.body or b"{}"
        if kinds == [_LATER]:
            await _limited(exchange, self._functions.invoke_later(self._function_call(exchange, payload)))
            return IntegrationAnswer(body=b"", headers=[], selected_by="", content_type=JSON_TYPE)
        answer = await self._invoke(exchange, payload)
        selected_by = _error_message(answer.payload) if answer.failed else ""
        return IntegrationAnswer(body=answer.payload, headers=[], selected_by=selected_by, content_type=JSON_TYPE)

    async def _invoke(self, exchange: Exchange, payload: bytes) -> FunctionAnswer:
        return await _limited(exchange, self._functions.invoke(self._function_call(exchange, payload)))

    def _function_call(self, exchange: Exchange, payload: bytes) -> FunctionCall:
        integration = exchange.method.integration
        arn = function_arn(_function_uri(exchange))
        if arn is None:
            raise configuration_error()
        return FunctionCall(
            arn=arn,
            payload=payload,
            source_arn=exchange.source_arn,
            region=exchange.blueprint.region,
            role_arn=integration.credentials,
            trace_id=exchange.request.trace_id,
        )

    async def _proxy_to_server(self, exchange: Exchange, request: IntegrationRequest) -> HttpAnswer:
        """All that the client sent, and what the mappings add; all that comes back."""
        sent = [(name, value) for name, value in exchange.request.fields if name not in _NOT_FORWARDED]
        mapped = {name.lower() for name, _ in request.headers}
        headers = [*((name, value) for name, value in sent if name not in mapped), *request.headers]
        own = {name for name, _ in request.query}
        query = [(name, value) for name, values in exchange.multi_query.items() for value in values if name not in own]
        asked = replace(request, body=exchange.body, headers=headers, query=[*query, *request.query])
        answer = await self._send(exchange, asked)
        kept = [(name, cleaned(value)) for name, value in answer.headers if name.lower() not in _NOT_RETURNED]
        return HttpAnswer(status=answer.status, headers=kept, body=answer.body)

    async def _call_server(self, exchange: Exchange, request: IntegrationRequest) -> IntegrationAnswer:
        named = {name.lower() for name, _ in request.headers}
        further = [("Content-Type", request.content_type)] if request.body and "content-type" not in named else []
        answer = await self._send(exchange, replace(request, headers=[*request.headers, *further]))
        return _told(answer)

    async def _call_service(self, exchange: Exchange, request: IntegrationRequest) -> IntegrationAnswer:
        """An AWS API's action, as the integration's role; its answer's status selects the response."""
        integration = exchange.method.integration
        call = service_call(
            target_path(exchange, request),
            method=integration.http_method,
            query=request.query,
            headers=request.headers,
            content_type=request.content_type,
            body=request.body,
            role_arn=integration.credentials or "",
            source_ip=exchange.request.http.source_ip,
        )
        if call is None:
            raise configuration_error()
        return _told(_whole(await _limited(exchange, self._services.call(call))))

    async def _send(self, exchange: Exchange, request: IntegrationRequest) -> OutboundAnswer:
        integration = exchange.method.integration
        http_method = integration.http_method if integration.http_method != "ANY" else exchange.http_method
        call = self._outbound.call(
            OutboundRequest(
                method=http_method,
                url=target_url(exchange, request),
                headers=request.headers,
                body=request.body,
                timeout_s=integration.timeout_s,
                max_answer_bytes=MAX_BODY_BYTES,
            )
        )
        try:
            answer = await asyncio.wait_for(call, integration.timeout_s)
        except TimeoutError:
            raise _too_late() from None
        except (UnreachableError, ForbiddenAddressError) as error:
            log.info("REST API %s: %s", exchange.blueprint.api_id, error)
            raise GatewayFault("INTEGRATION_FAILURE", "Internal server error", "InternalServerErrorException") from None
        return _whole(answer)


async def _limited(exchange: Exchange, call: Awaitable[T]) -> T:
    """What a call gives within the integration's time; raises GatewayFault."""
    try:
        return await asyncio.wait_for(call, exchange.method.integration.timeout_s)
    except TimeoutError:
        raise _too_late() from None
    except ServiceError as error:
        if isinstance(error, RequestTooLargeException):
            raise GatewayFault("REQUEST_TOO_LARGE", "Request Too Long", "RequestTooLongException") from None
        # The operator finds the reason here; AWS tells clients nothing.
        log.info("REST API %s: %s was not called: %s", exchange.blueprint.api_id, exchange.method_arn, error)
        raise configuration_error() from None


def _mocked(request: IntegrationRequest) -> IntegrationAnswer:
    """A mock's template says a status and no more: `{"statusCode": 200}`."""
    try:
        asked = json.loads(request.body or b"{}")
        status = int(asked["statusCode"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise configuration_error() from None
    return IntegrationAnswer(body=b"", headers=[], selected_by=str(status), content_type=JSON_TYPE)


def _whole(answer: OutboundAnswer) -> OutboundAnswer:
    """An answer of which nothing is missing; raises GatewayFault."""
    if not answer.complete:
        raise GatewayFault("INTEGRATION_FAILURE", "Internal server error", "InternalServerErrorException")
    return answer


def _told(answer: OutboundAnswer) -> IntegrationAnswer:
    return IntegrationAnswer(
        body=answer.body,
        headers=answer.headers,
        selected_by=str(answer.status),
        content_type=media_type(_header(answer.headers, "content-type") or "application/json"),
    )


def _function_uri(exchange: Exchange) -> str:
    return with_variables(exchange.method.integration.uri, exchange.blueprint.variables)


def _error_message(payload: bytes) -> str:
    try:
        return str(json.loads(payload).get("errorMessage") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""


def _header(headers: Sequence[tuple[str, str]], wanted: str) -> str | None:
    return next((value for name, value in headers if name.lower() == wanted), None)


def _too_late() -> GatewayFault:
    return GatewayFault("INTEGRATION_TIMEOUT", "Endpoint request timed out", "InternalServerErrorException")
