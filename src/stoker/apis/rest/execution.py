"""What becomes of a request for a REST API, step by step: find its method, admit it, call what it leads to, answer.

Read this first. Whatever the gateway says itself is a GatewayFault, which the API may have worded anew.
"""

import asyncio
import base64
import gzip
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from stoker.apis.request import ApiRequest
from stoker.apis.rest.access_logs import AccessLogs
from stoker.apis.rest.authorization import Authorization
from stoker.apis.rest.blueprint import NO_METHOD, Blueprint, Found
from stoker.apis.rest.exchange import Authorized, Exchange
from stoker.apis.rest.gateway_responses import GatewayFault, word
from stoker.apis.rest.integrations import Integrations
from stoker.apis.rest.limits import Buckets
from stoker.apis.rest.mapping import context_text
from stoker.apis.rest.request_validation import check_request
from stoker.apis.rest.usage import Usage, throttled
from stoker.model.clock import Clock
from stoker.model.http_event import JSON_TYPE, HttpAnswer
from stoker.wire.errors import RequestEntityTooLargeException

KEY_HEADER = "x-api-key"
# Holding a body against a model, and packing an answer, takes over a millisecond from here on.
_LARGE_BYTES = 64 * 1024


class Execution:
    """Answers requests for stages. The error boundary of REST APIs but for what nobody expected."""

    def __init__(
        self,
        *,
        authorization: Authorization,
        usage: Usage,
        integrations: Integrations,
        logs: AccessLogs,
        clock: Clock,
    ) -> None:
        self._authorization = authorization
        self._usage = usage
        self._integrations = integrations
        self._logs = logs
        self._now = clock.monotonic
        self._time = clock.time
        self._buckets = Buckets()

    def __repr__(self) -> str:
        return f"<Execution {self._authorization!r}>"

    async def answer(self, request: ApiRequest, blueprint: Blueprint, path: str, full_path: str) -> HttpAnswer:
        """The answer to a request for what a stage serves; `path` follows the stage."""
        request_id = str(uuid.uuid4())
        extended_id = base64.b64encode(secrets.token_bytes(11)).decode()
        found = blueprint.find(request.http.method, path) or Found(method=NO_METHOD, parameters={})
        exchange = Exchange(
            request=request,
            blueprint=blueprint,
            found=found,
            path=path,
            full_path=full_path,
            request_id=request_id,
            extended_id=extended_id,
        )
        said: GatewayFault | None = None
        try:
            exchange = await _read(exchange)
            exchange = await self._admit(exchange)
            answer = await self._integrations.call(exchange)
        except GatewayFault as fault:
            said = fault
            answer = word(fault, blueprint.wordings, partial(_look_up, exchange))
        answer = await _packed(_signed(answer, request_id, extended_id), exchange)
        if blueprint.log is not None:
            self._logs.write(blueprint.log, blueprint.api_id, self._facts(exchange, answer, said))
        return answer

    def _facts(self, exchange: Exchange, answer: HttpAnswer, said: GatewayFault | None) -> Callable[[str], str | None]:
        """What an access log may ask: what the request's context has, and what became of it."""
        facts = {
            "status": str(answer.status),
            "responseLength": str(len(answer.body)) if isinstance(answer.body, bytes) else None,
            "responseLatency": str(int((self._time() - exchange.request.at) * 1000)),
            "error.message": said.message if said is not None else None,
            "error.messageString": json.dumps(said.message) if said is not None else None,
            "error.responseType": said.kind if said is not None else None,
        }
        return lambda name: facts[name] if name in facts else context_text(exchange, name)

    async def _admit(self, exchange: Exchange) -> Exchange:
        """The request with who makes it; raises GatewayFault if it may not be made, or is not as its method wants."""
        method = exchange.method
        exchange = replace(exchange, authorized=await self._authorization.authorize(exchange))
        if method.needs_key:
            value = _key_of(exchange, exchange.authorized)
            exchange = replace(exchange, api_key=value, api_key_id=await self._usage.admit(exchange, value))
        place = (exchange.blueprint.arn, method.resource_path, method.http_method)
        if method.limit is not None and not self._buckets.take(place, method.limit, self._now()):
            raise throttled()
        if method.models and len(exchange.body) > _LARGE_BYTES:
            await asyncio.to_thread(check_request, exchange)
        else:
            check_request(exchange)
        return exchange


async def _read(exchange: Exchange) -> Exchange:
    """The request with its body, if it is for anything."""
    if exchange.method is NO_METHOD:
        raise GatewayFault(
            "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token", "MissingAuthenticationTokenException"
        )
    try:
        return replace(exchange, body=await exchange.request.body())
    except RequestEntityTooLargeException:
        raise GatewayFault("REQUEST_TOO_LARGE", "Request Too Long", "RequestTooLongException") from None


def _key_of(exchange: Exchange, authorized: Authorized) -> str | None:
    return authorized.usage_key if exchange.blueprint.key_source == "AUTHORIZER" else exchange.header(KEY_HEADER)


def _look_up(exchange: Exchange, name: str) -> str | None:
    """A variable of a gateway response: `context.…`, `stageVariables.…`, `method.request.header.…`."""
    place, _, rest = name.partition(".")
    if place == "context":
        return context_text(exchange, rest)
    if place == "stageVariables":
        return exchange.blueprint.variables.get(rest)
    kind, _, wanted = rest.removeprefix("request.").partition(".")
    return next(iter(exchange.values(kind, wanted)), None)


def _signed(answer: HttpAnswer, request_id: str, extended_id: str) -> HttpAnswer:
    """With the ids by which AWS's support would find a request."""
    own = [("x-amzn-RequestId", request_id), ("x-amz-apigw-id", extended_id)]
    return HttpAnswer(status=answer.status, headers=[*answer.headers, *own], body=answer.body)


async def _packed(answer: HttpAnswer, exchange: Exchange) -> HttpAnswer:
    """Compressed, where the API wants that for answers of this size and the client takes it."""
    least, body = exchange.blueprint.compress_from, answer.body
    if least is None or not isinstance(body, bytes) or len(body) < max(least, 1):
        return answer
    encodings = (exchange.header("accept-encoding") or "").lower()
    named = {name.lower() for name, _ in answer.headers}
    if "gzip" not in encodings or "content-encoding" in named:
        return answer
    packed = gzip.compress(body, 6) if len(body) < _LARGE_BYTES else await asyncio.to_thread(gzip.compress, body, 6)
    return HttpAnswer(status=answer.status, headers=[*answer.headers, ("Content-Encoding", "gzip")], body=packed)


def forbidden() -> HttpAnswer:
    """What AWS answers for a stage that is not there: not even that."""
    headers = [("Content-Type", JSON_TYPE), ("x-amzn-ErrorType", "ForbiddenException")]
    answer = HttpAnswer(status=403, headers=headers, body=b'{"message":"Forbidden"}')
    return _signed(answer, str(uuid.uuid4()), base64.b64encode(secrets.token_bytes(11)).decode())
