"""What is behind a route: a function, or an HTTP endpoint. The request goes there and its answer comes back."""

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from stoker.apis.access import route_arn
from stoker.apis.functions import FunctionCall, Functions
from stoker.apis.http.compiled import Integration
from stoker.apis.http.events import integration_event, mapped_request
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.mapping import Mapped, changed
from stoker.apis.http.payload_v1 import TEXT_TYPE, read_answer_v1
from stoker.apis.http.refusal import internal_error, unavailable
from stoker.apis.request import MAX_BODY_BYTES
from stoker.deliveries.outbound import ForbiddenAddressError, Outbound, OutboundRequest, UnreachableError
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError, TooManyRequestsException
from stoker.model.http_event import HttpAnswer, MalformedAnswerError, header_text, read_answer

log = logging.getLogger(__name__)

# Events larger than this are built, and answers read, where nobody waits for the loop.
LARGE_BYTES = 256 * 1024
_BETWEEN_HOPS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
) | {"upgrade", "content-length", "date", "server"}
_NOT_SENT_ON = frozenset({"host", "content-length", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"})


class Backends:
    """Calls integrations."""

    def __init__(self, *, functions: Functions, outbound: Outbound, clock: Clock, account: str) -> None:
        self._functions = functions
        self._outbound = outbound
        self._clock = clock
        self._account = account

    def __repr__(self) -> str:
        return f"<Backends {self._functions!r}, {self._outbound!r}>"

    async def call(self, exchange: Exchange, integration: Integration) -> HttpAnswer:
        """The answer, after the integration's response mapping. Raises RefusedError where there is none."""
        exchange.integration_began = self._clock.monotonic()
        try:
            async with asyncio.timeout(integration.timeout_s):
                if integration.kind == "AWS_PROXY":
                    answer = await self._call_function(exchange, integration)
                else:
                    answer = await self._call_endpoint(exchange, integration)
        except TimeoutError:
            raise unavailable(f"no answer within {integration.timeout_s:g} s") from None
        finally:
            exchange.integration_ended = self._clock.monotonic()
        return _mapped_answer(exchange, integration, answer)

    async def _call_function(self, exchange: Exchange, integration: Integration) -> HttpAnswer:
        if integration.function is None:
            raise internal_error(f"{integration.uri} is no function")
        if len(exchange.body) > LARGE_BYTES:
            event = await asyncio.to_thread(integration_event, exchange, integration)
        else:
            event = integration_event(exchange, integration)
        call = FunctionCall(
            arn=integration.function,
            payload=event,
            source_arn=self._source_arn(exchange),
            region=exchange.request.region,
            role_arn=integration.role_arn,
            trace_id=exchange.request.trace_id,
        )
        try:
            result = await self._functions.invoke(call)
        except TooManyRequestsException as error:
            raise unavailable(error.message) from error
        except ServiceError as error:
            log.info("API %s: %s: %s", exchange.request.call.api_id, exchange.route_key, error.message)
            raise internal_error(error.message) from error
        exchange.integration_status = 200
        if result.failed:
            raise internal_error(f"the function failed: {result.payload[:512].decode(errors='replace')}")
        try:
            if len(result.payload) > LARGE_BYTES:
                return await asyncio.to_thread(_read, result.payload, integration.payload)
            return _read(result.payload, integration.payload)
        except MalformedAnswerError as error:
            raise internal_error(f"no HTTP answer can be made of the function's result: {error}") from error

    def _source_arn(self, exchange: Exchange) -> str:
        """The route, as the function's policy names who may call."""
        request, path = exchange.request, exchange.route_key.partition(" ")[2]
        rest = f"{request.http.method}{path}" if path else exchange.route_key
        return route_arn(request.region, self._account, request.call.api_id, exchange.stage.name, rest)

    async def _call_endpoint(self, exchange: Exchange, integration: Integration) -> HttpAnswer:
        request = exchange.request
        mapped = mapped_request(exchange, integration)
        headers = request.fields if mapped is None else mapped.headers
        sent = OutboundRequest(
            method=request.http.method if integration.method == "ANY" else integration.method,
            url=_url(exchange, integration, mapped),
            headers=[*_sent_on(headers), *_forwarded(exchange)],
            body=exchange.body,
            timeout_s=integration.timeout_s,
            max_answer_bytes=MAX_BODY_BYTES,
        )
        try:
            got = await self._outbound.call(sent)
        except UnreachableError as error:
            raise unavailable(str(error)) from error
        except ForbiddenAddressError as error:
            raise internal_error(error.message) from error
        exchange.integration_status = got.status
        if not got.complete:
            raise internal_error("the endpoint's answer is larger than 10 MB")
        kept = [_one_line(name, value) for name, value in got.headers if name.lower() not in _BETWEEN_HOPS]
        return HttpAnswer(status=got.status, headers=kept, body=got.body)


def _read(payload: bytes, version: str) -> HttpAnswer:
    return read_answer_v1(payload) if version == "1.0" else read_answer(payload, TEXT_TYPE)


def _url(exchange: Exchange, integration: Integration, mapped: Mapped | None) -> str:
    """The endpoint, with the path's variables filled in. The request's path is only there as far as they have it, or
    where a mapping says what the path is.
    """
    url = integration.uri
    query = exchange.request.http.query if mapped is None else urlencode(mapped.query)
    for name, value in exchange.variables.items():
        # A slash that was encoded stays so: only a greedy variable stands for several segments.
        greedy = f"{{{name}+}}" in exchange.route_key
        url = url.replace(f"{{{name}}}", quote(value, safe="/" if greedy else ""))
    parts = urlsplit(url)
    if mapped is not None and mapped.path != exchange.request.call.path:
        parts = parts._replace(path=mapped.path)
    return urlunsplit(parts._replace(query="&".join(each for each in (parts.query, query) if each)))


def _sent_on(headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [(name, value) for name, value in headers if name not in _NOT_SENT_ON]


def _forwarded(exchange: Exchange) -> Sequence[tuple[str, str]]:
    """Who asked for what. Source: RFC 7239, in the form in which HTTP APIs send it."""
    http, call = exchange.request.http, exchange.request.call
    return [
        ("Forwarded", f"for={http.source_ip};host={call.domain};proto={http.scheme}"),
        ("Via", "HTTP/1.1 AmazonAPIGateway"),
    ]


def _one_line(name: str, value: str) -> tuple[str, str]:
    """A header that an endpoint may have folded: sent on as it is, its second line would be one of its own."""
    return name, header_text(value)


def _mapped_answer(exchange: Exchange, integration: Integration, answer: HttpAnswer) -> HttpAnswer:
    changes = integration.response.get(answer.status)
    if not changes:
        return answer
    exchange.answer = answer
    headers, status = answer.headers, answer.status
    for change in changes:
        value = change.value.fill(exchange.value)
        if change.place == "header":
            headers = list(changed(headers, change, None if value is None else header_text(value)))
        elif value is not None and value.isdecimal() and 200 <= int(value) <= 599:
            status = int(value)
    return HttpAnswer(status=status, headers=headers, body=answer.body)
