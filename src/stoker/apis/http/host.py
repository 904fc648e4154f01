"""Requests for HTTP APIs, from their stage to their answer. The front door hands them in."""

from collections.abc import Sequence
from dataclasses import replace

from stoker.apis.http.admission import Admission
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.backends import Backends
from stoker.apis.http.deployed import DeployedApis
from stoker.apis.http.draft import HTTP
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.refusal import RefusedError, internal_error, not_found
from stoker.apis.http.request_log import RequestLog, new_request_id
from stoker.apis.request import ApiRequest
from stoker.model.clock import Clock
from stoker.model.cors import CorsRules, answer_headers, is_preflight, preflight_headers
from stoker.model.http_event import HttpAnswer

REQUEST_ID = "apigw-requestid"
_OF_CORS = "access-control-"


class HttpApiHost:
    """What `apis.request.ApiHost` says, for HTTP APIs."""

    def __init__(
        self,
        *,
        apis: HttpApis,
        deployed: DeployedApis,
        admission: Admission,
        backends: Backends,
        log: RequestLog,
        clock: Clock,
        account: str,
    ) -> None:
        self._apis = apis
        self._deployed = deployed
        self._admission = admission
        self._backends = backends
        self._log = log
        self._clock = clock
        self._account = account

    def __repr__(self) -> str:
        return f"<HttpApiHost of {self._apis!r}>"

    async def region_of(self, api_id: str) -> str | None:
        return self._apis.region_of(api_id)

    async def answer(self, request: ApiRequest) -> HttpAnswer:
        """Always with the request's id; with CORS headers where the API has rules for them."""
        request_id = new_request_id()
        api = await self._deployed.get(request.region, request.call.api_id)
        found = api.select(request.call)
        if found is None:
            return _finished(not_found().answer(), request_id, [])
        if api.protocol != HTTP:
            return _finished(RefusedError(426, "Upgrade Required").answer(), request_id, [])
        stage, path = found
        exchange = Exchange(request, stage, path, request_id, self._account)
        cors = None if api.cors is None else _cors_for(api.cors, request.headers.get("origin", ""))
        if cors is not None and is_preflight(request.http.method, request.headers):
            return _finished(_preflight(exchange, cors), request_id, [])
        try:
            answer = await self._answer(exchange)
        except RefusedError as refusal:
            exchange.error = refusal.reason if exchange.integration_began == 0 else ""
            exchange.integration_error = "" if exchange.integration_began == 0 else refusal.reason
            answer = refusal.answer()
        if cors is not None:
            kept = [(name, value) for name, value in answer.headers if not name.lower().startswith(_OF_CORS)]
            answer = HttpAnswer(status=answer.status, headers=kept, body=answer.body)
        exchange.answer = answer
        self._log.write(exchange)
        return _finished(answer, request_id, [] if cors is None else answer_headers(cors, request.headers))

    async def _answer(self, exchange: Exchange) -> HttpAnswer:
        request, stage = exchange.request, exchange.stage
        match = stage.table.match(request.http.method, exchange.path)
        if match is None:
            raise not_found()
        exchange.route, exchange.variables = match.route, match.variables
        route = match.route
        if route.limit is not None and not stage.buckets.take(route.key, route.limit, self._clock.monotonic()):
            raise RefusedError(429, "Too Many Requests", reason="throttled")
        await self._admission.check(exchange)
        if route.integration is None:
            raise internal_error("the route has no integration")
        await exchange.read_body()
        return await self._backends.call(exchange, route.integration)


def _cors_for(rules: CorsRules, origin: str) -> CorsRules:
    """The rules, with the origin among the allowed ones where its scheme is: `https://*`."""
    scheme = origin.partition("://")[0].lower()
    allowed = origin and f"{scheme}://*" in rules.allow_origins
    return replace(rules, allow_origins=(*rules.allow_origins, origin)) if allowed else rules


def _preflight(exchange: Exchange, rules: CorsRules) -> HttpAnswer:
    return HttpAnswer(status=204, headers=preflight_headers(rules, exchange.request.headers), body=b"")


def _finished(answer: HttpAnswer, request_id: str, further: Sequence[tuple[str, str]]) -> HttpAnswer:
    headers = [(name, value) for name, value in answer.headers if name.lower() != REQUEST_ID]
    return HttpAnswer(status=answer.status, headers=[*headers, *further, (REQUEST_ID, request_id)], body=answer.body)
