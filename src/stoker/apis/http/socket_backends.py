"""What is behind a WebSocket API's route: a function, an HTTP endpoint, or nothing at all."""

import asyncio
import logging

from stoker.apis.access import route_arn
from stoker.apis.functions import FunctionCall, Functions
from stoker.apis.http.compiled import Integration
from stoker.apis.http.connections import MAX_MESSAGE_BYTES
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.refusal import internal_error, unavailable
from stoker.apis.http.socket_events import SocketMoment, SocketResult, read_socket_result, socket_event
from stoker.deliveries.outbound import ForbiddenAddressError, Outbound, OutboundRequest, UnreachableError
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError, TooManyRequestsException
from stoker.model.http_event import MalformedAnswerError

log = logging.getLogger(__name__)

_NOTHING = SocketResult(status=200, headers=[], body=b"")


class SocketBackends:
    """Calls integrations."""

    def __init__(self, *, functions: Functions, outbound: Outbound, clock: Clock, account: str) -> None:
        self._functions = functions
        self._outbound = outbound
        self._clock = clock
        self._account = account

    def __repr__(self) -> str:
        return f"<SocketBackends {self._functions!r}, {self._outbound!r}>"

    async def call(self, exchange: Exchange, integration: Integration, moment: SocketMoment) -> SocketResult:
        """Raises RefusedError where there is no result."""
        exchange.integration_began = self._clock.monotonic()
        try:
            async with asyncio.timeout(integration.timeout_s):
                if integration.kind == "AWS_PROXY":
                    return await self._call_function(exchange, integration, moment)
                if integration.kind == "HTTP_PROXY":
                    return await self._call_endpoint(exchange, integration, moment)
                return _NOTHING
        except TimeoutError:
            raise unavailable(f"no answer within {integration.timeout_s:g} s") from None
        finally:
            exchange.integration_ended = self._clock.monotonic()

    async def _call_function(self, exchange: Exchange, integration: Integration, moment: SocketMoment) -> SocketResult:
        if integration.function is None:
            raise internal_error(f"{integration.uri} is no function")
        request = exchange.request
        source = route_arn(request.region, self._account, request.call.api_id, exchange.stage.name, exchange.route_key)
        call = FunctionCall(
            arn=integration.function,
            payload=socket_event(exchange, moment),
            source_arn=source,
            region=request.region,
            role_arn=integration.role_arn,
            trace_id=request.trace_id,
        )
        try:
            result = await self._functions.invoke(call)
        except TooManyRequestsException as error:
            raise unavailable(error.message) from error
        except ServiceError as error:
            log.info("API %s: %s: %s", request.call.api_id, exchange.route_key, error.message)
            raise internal_error(error.message) from error
        exchange.integration_status = 200
        if result.failed:
            raise internal_error(f"the function failed: {result.payload[:512].decode(errors='replace')}")
        try:
            return read_socket_result(result.payload)
        except MalformedAnswerError as error:
            raise internal_error(f"the function's result cannot be read: {error}") from error

    async def _call_endpoint(self, exchange: Exchange, integration: Integration, moment: SocketMoment) -> SocketResult:
        body = moment.body.encode() if isinstance(moment.body, str) else moment.body or b""
        sent = OutboundRequest(
            method=integration.method,
            url=integration.uri,
            headers=[("Content-Type", "application/json"), ("Via", "HTTP/1.1 AmazonAPIGateway")],
            body=body,
            timeout_s=integration.timeout_s,
            max_answer_bytes=MAX_MESSAGE_BYTES,
        )
        try:
            got = await self._outbound.call(sent)
        except UnreachableError as error:
            raise unavailable(str(error)) from error
        except ForbiddenAddressError as error:
            raise internal_error(error.message) from error
        exchange.integration_status = got.status
        if not got.complete:
            raise internal_error("the endpoint's answer is larger than a message may be")
        return SocketResult(status=got.status, headers=list(got.headers), body=got.body)
