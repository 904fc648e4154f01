"""WebSocket APIs: who may connect, and what a connection is from then on (`socket_session.py`).

Source: "API Gateway WebSocket APIs" in the API Gateway Developer Guide.
"""

from functools import partial

from stoker.apis.http.admission import Admission
from stoker.apis.http.apis import HttpApis
from stoker.apis.http.compiled import DeployedApi, DeployedStage
from stoker.apis.http.connections import Connections
from stoker.apis.http.deployed import DeployedApis
from stoker.apis.http.draft import WEBSOCKET
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.refusal import RefusedError, forbidden, internal_error, not_found
from stoker.apis.http.request_log import RequestLog, new_connection_id, new_request_id
from stoker.apis.http.routes import CONNECT
from stoker.apis.http.socket_backends import SocketBackends
from stoker.apis.http.socket_events import CONNECTED, SocketMoment, SocketResult, socket_authorizer_event
from stoker.apis.http.socket_session import SocketSession
from stoker.apis.request import ApiRequest, Socket
from stoker.model.clock import Clock
from stoker.model.http_event import JSON_TYPE, HttpAnswer

_SUBPROTOCOL = "sec-websocket-protocol"


class SocketApiHost:
    """What `apis.request.SocketHost` says."""

    def __init__(
        self,
        *,
        apis: HttpApis,
        deployed: DeployedApis,
        connections: Connections,
        admission: Admission,
        backends: SocketBackends,
        log: RequestLog,
        clock: Clock,
        account: str,
    ) -> None:
        self._apis = apis
        self._deployed = deployed
        self._connections = connections
        self._admission = admission
        self._backends = backends
        self._log = log
        self._clock = clock
        self._account = account

    def __repr__(self) -> str:
        return f"<SocketApiHost {self._connections!r}>"

    async def region_of(self, api_id: str) -> str | None:
        return self._apis.region_of(api_id)

    async def open(self, request: ApiRequest) -> Socket | HttpAnswer:
        api = await self._deployed.get(request.region, request.call.api_id)
        found = api.select(request.call)
        if api.protocol != WEBSOCKET or found is None:
            return not_found().answer()
        stage, path = found
        if path != "/":
            return forbidden("a WebSocket API has no paths").answer()
        exchange = Exchange(request, stage, path, new_request_id(), self._account)
        moment = SocketMoment(kind=CONNECTED, connection_id=new_connection_id(), connected_at=request.at, at=request.at)
        exchange.further = {"connectionId": moment.connection_id, "eventType": CONNECTED, "routeKey": CONNECT}
        try:
            result = await self._connect(exchange, stage, moment)
        except RefusedError as refusal:
            exchange.error = refusal.reason
            return self._finished(exchange, refusal.answer())
        subprotocol = next((value for name, value in result.headers if name.lower() == _SUBPROTOCOL), None)
        if not 200 <= result.status < 300:
            return self._finished(
                exchange,
                HttpAnswer(status=result.status, headers=[("Content-Type", JSON_TYPE)], body=result.body),
            )
        self._finished(exchange, HttpAnswer(status=200, headers=[], body=b""))
        return SocketSession(
            opened=exchange,
            moment=moment,
            subprotocol=subprotocol,
            current=partial(self._current, request),
            connections=self._connections,
            backends=self._backends,
            log=self._log,
            clock=self._clock,
        )

    async def _connect(self, exchange: Exchange, stage: DeployedStage, moment: SocketMoment) -> SocketResult:
        """What $connect's integration says; an API without such a route lets everybody in."""
        route = stage.messages.get(CONNECT)
        if route is None:
            return SocketResult(status=200, headers=[], body=b"")
        exchange.route = route
        if route.limit is not None and not stage.buckets.take(route.key, route.limit, self._clock.monotonic()):
            raise RefusedError(429, "Too Many Requests", reason="throttled")
        arn = self._admission.arn(exchange)

        def authorizer_event(_sources: object) -> bytes:
            return socket_authorizer_event(exchange, moment, arn)

        await self._admission.check(exchange, authorizer_event)
        if route.integration is None:
            raise internal_error("the route has no integration")
        return await self._backends.call(exchange, route.integration, moment)

    async def _current(self, request: ApiRequest) -> tuple[DeployedApi, DeployedStage] | None:
        """The API as it is deployed now; None if it, or the stage, has gone."""
        if self._apis.region_of(request.call.api_id) is None:
            return None
        api = await self._deployed.get(request.region, request.call.api_id)
        found = api.select(request.call)
        return None if found is None else (api, found[0])

    def _finished(self, exchange: Exchange, answer: HttpAnswer) -> HttpAnswer:
        exchange.answer = answer
        self._log.write(exchange)
        return answer
