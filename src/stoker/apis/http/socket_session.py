"""One open WebSocket: its messages go to routes, results and posted messages come back, until it ends.

Source: "API Gateway WebSocket APIs" in the API Gateway Developer Guide, and "Amazon API Gateway quotas".
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from stoker.apis.http.compiled import DeployedApi, DeployedStage, Route
from stoker.apis.http.connections import Connections, OpenConnection, as_message
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.refusal import RefusedError, internal_error
from stoker.apis.http.request_log import RequestLog, new_request_id
from stoker.apis.http.route_key import DEFAULT
from stoker.apis.http.routes import CONNECT, DISCONNECT
from stoker.apis.http.socket_backends import SocketBackends
from stoker.apis.http.socket_events import DISCONNECTED, MESSAGE, SocketMoment, error_frame
from stoker.apis.request import SocketWire
from stoker.model.clock import Clock, Timer
from stoker.model.http_event import HttpAnswer

log = logging.getLogger(__name__)

IDLE_S = 600.0
LONGEST_S = 7200.0
AT_ONCE = 16
"""Messages of one connection that are under way at a time. AWS names no number; the rest waits in the network."""
GOING_AWAY = 1001

Current = Callable[[], Awaitable[tuple[DeployedApi, DeployedStage] | None]]


class SocketSession:
    """What `apis.request.Socket` says. `opened` is the exchange that it began with, `current` the API as it is now."""

    def __init__(
        self,
        *,
        opened: Exchange,
        moment: SocketMoment,
        subprotocol: str | None,
        current: Current,
        connections: Connections,
        backends: SocketBackends,
        log: RequestLog,
        clock: Clock,
    ) -> None:
        self.subprotocol = subprotocol
        self._opened = opened
        self._moment = moment
        self._current = current
        self._connections = connections
        self._backends = backends
        self._log = log
        self._clock = clock
        self._room = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        self._timers: list[Timer] = []
        self._wire: SocketWire | None = None

    def __repr__(self) -> str:
        return f"<SocketSession {self._moment.connection_id}, {len(self._running)} messages under way>"

    def attach(self, wire: SocketWire) -> None:
        request = self._opened.request
        self._wire = wire
        self._connection = OpenConnection(
            id=self._moment.connection_id,
            region=request.region,
            api_id=request.call.api_id,
            stage=self._opened.stage.name,
            source_ip=request.http.source_ip,
            user_agent=request.headers.get("user-agent", ""),
            connected_at=self._moment.connected_at,
            active_at=self._moment.connected_at,
            wire=wire,
        )
        self._connections.add(self._connection)
        self._timers = [
            self._clock.call_later(IDLE_S, self._end_if_idle),
            self._clock.call_later(LONGEST_S, lambda: wire.close(GOING_AWAY, "Going away")),
        ]

    async def receive(self, data: str | bytes) -> None:
        """The message's function runs on its own; the next message waits only while many are under way."""
        self._connection.active_at = self._clock.time()
        await self._room.acquire()
        task = asyncio.create_task(self._message(data))
        self._running.add(task)
        task.add_done_callback(self._done)

    async def closed(self, code: int, reason: str) -> None:
        """Tell the API's $disconnect, if it has one. What it answers is nobody's any more."""
        self._connections.discard(self._moment.connection_id)
        for timer in self._timers:
            timer.cancel()
        found = await self._current()
        route = None if found is None else found[1].messages.get(DISCONNECT)
        if found is None or route is None:
            return
        further = {"disconnectStatusCode": code, "disconnectReason": reason}
        moment = replace(self._moment, kind=DISCONNECTED, at=self._clock.time(), further=further)
        exchange = self._exchange(found[1], route, moment, b"")
        try:
            await self._integrate(exchange, route, moment)
        except RefusedError as refusal:
            exchange.error = refusal.reason
        self._log.write(exchange)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a message of connection %s failed", self._moment.connection_id, exc_info=error)

    def _end_if_idle(self) -> None:
        left = self._connection.active_at + IDLE_S - self._clock.time()
        if left > 0:
            self._timers[0] = self._clock.call_later(left, self._end_if_idle)
        elif self._wire is not None:
            self._wire.close(GOING_AWAY, "Going away")

    async def _message(self, data: str | bytes) -> None:
        assert self._wire is not None
        found = await self._current()
        if found is None:
            self._wire.close(GOING_AWAY, "Going away")
            return
        api, stage = found
        body = data.encode() if isinstance(data, str) else data
        route = _route_of(api, stage, body)
        moment = replace(self._moment, kind=MESSAGE, at=self._clock.time(), body=data, message_id=new_request_id())
        exchange = self._exchange(stage, route, moment, body)
        try:
            answer = await self._answer(exchange, route, moment)
        except RefusedError as refusal:
            exchange.error = refusal.reason
            exchange.answer = refusal.answer()
            answer = error_frame(refusal.message, self._moment.connection_id, exchange.request_id)
        self._log.write(exchange)
        if answer is not None:
            await self._send(answer)

    async def _answer(self, exchange: Exchange, route: Route | None, moment: SocketMoment) -> str | bytes | None:
        """What goes back to the client, if the route answers at all. Raises RefusedError."""
        if route is None:
            raise RefusedError(403, "Forbidden", reason="no route takes the message")
        if route.limit is not None and not exchange.stage.buckets.take(route.key, route.limit, self._clock.monotonic()):
            raise RefusedError(429, "Too Many Requests", reason="throttled")
        body = await self._integrate(exchange, route, moment)
        return as_message(body) if route.answers else None

    async def _integrate(self, exchange: Exchange, route: Route, moment: SocketMoment) -> bytes:
        if route.integration is None:
            raise internal_error("the route has no integration")
        try:
            result = await self._backends.call(exchange, route.integration, moment)
        except RefusedError as refusal:
            # Whatever it is, this is what clients of WebSocket APIs are told.
            raise RefusedError(500, "Internal server error", reason=refusal.reason) from refusal
        exchange.answer = HttpAnswer(status=result.status, headers=[], body=result.body)
        return result.body

    async def _send(self, data: str | bytes) -> None:
        assert self._wire is not None
        try:
            await self._wire.send(data)
            self._connection.active_at = self._clock.time()
        except (ConnectionError, TimeoutError):
            # The client has gone, and `closed` hears of it; or it does not read, and misses something.
            return

    def _exchange(self, stage: DeployedStage, route: Route | None, moment: SocketMoment, body: bytes) -> Exchange:
        """An exchange of its own, of who connected."""
        opened = self._opened
        exchange = Exchange(opened.request, stage, opened.path, new_request_id(), opened.account)
        exchange.route, exchange.body = route, body
        exchange.authorizer, exchange.claims, exchange.caller = opened.authorizer, opened.claims, opened.caller
        key = "" if route is None else route.key
        exchange.further = {"connectionId": moment.connection_id, "eventType": moment.kind, "routeKey": key}
        if moment.message_id is not None:
            exchange.further = {**exchange.further, "messageId": moment.message_id}
        return exchange


def _route_of(api: DeployedApi, stage: DeployedStage, body: bytes) -> Route | None:
    """The route whose key the message has where the API's selection expression says."""
    path = api.selection.replace("${", "$").replace("}", "").removeprefix("$request.body.")
    value: object = None
    try:
        value = json.loads(body)
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    except (ValueError, RecursionError):
        value = None
    key = value if isinstance(value, str) and value not in (CONNECT, DISCONNECT) else DEFAULT
    return stage.messages.get(key) or stage.messages.get(DEFAULT)
