"""How long a WebSocket lives, and what of its messages waits."""

import asyncio
import json
from typing import Any

import pytest

from fakes.clock import FakeClock
from stoker.apis.http.compiled import DeployedApi, DeployedStage, Integration, Route
from stoker.apis.http.connections import Connections
from stoker.apis.http.exchange import Exchange
from stoker.apis.http.routing import RoutingTable
from stoker.apis.http.socket_events import CONNECTED, SocketMoment, SocketResult
from stoker.apis.http.socket_session import AT_ONCE, GOING_AWAY, IDLE_S, LONGEST_S, SocketSession
from stoker.apis.http.throttle import Buckets
from stoker.apis.request import ApiCall, ApiRequest
from stoker.wire.message import Request


class FakeWire:
    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.closed: list[int] = []

    async def send(self, data: str | bytes) -> None:
        self.sent.append(data)

    def close(self, code: int, reason: str) -> None:
        self.closed.append(code)


class FakeBackends:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.calls: list[SocketMoment] = []
        self.go = asyncio.Event()

    async def call(self, exchange: Exchange, integration: Integration, moment: SocketMoment) -> SocketResult:
        self.calls.append(moment)
        await self.go.wait()
        return SocketResult(status=200, headers=[], body=b"done")


class NoLog:
    def write(self, exchange: Exchange) -> None: ...


async def no_body() -> bytes:
    return b""


class House:
    """A session of an API whose route `say` answers, and that has a $disconnect."""

    def __init__(self) -> None:
        self.clock, self.wire, self.backends, self.connections = FakeClock(), FakeWire(), FakeBackends(), Connections()
        integration = Integration(
            id="i", kind="AWS_PROXY", uri="", function="arn", method="POST", payload="1.0", timeout_s=29, role_arn=None
        )
        routes = {
            key: Route(
                id=key,
                key=key,
                authorization="NONE",
                scopes=(),
                authorizer=None,
                integration=integration,
                limit=None,
                answers=key == "say",
            )
            for key in ("say", "$disconnect")
        }
        stage = DeployedStage(
            name="dev", variables={}, table=RoutingTable([]), messages=routes, log=None, buckets=Buckets()
        )
        api = DeployedApi(
            id="abc",
            region="us-east-1",
            protocol="WEBSOCKET",
            cors=None,
            selection="$request.body.action",
            open_by_default=True,
            stages={"dev": stage},
        )
        request = ApiRequest(
            call=ApiCall(api_id="abc", region="us-east-1", path="/dev", domain="d"),
            region="us-east-1",
            http=Request(method="GET", host="d", path="/dev", query="", headers={}),
            read_fields=list,
            headers={},
            trace_id="Root=1",
            at=self.clock.time(),
            from_sandbox=False,
            body=no_body,
        )
        self.api: tuple[DeployedApi, DeployedStage] | None = (api, stage)
        now = self.clock.time()
        self.session = SocketSession(
            opened=Exchange(request, stage, "/", "r", "000000000000"),
            moment=SocketMoment(kind=CONNECTED, connection_id="c", connected_at=now, at=now),
            subprotocol=None,
            current=self.current,
            connections=self.connections,
            backends=self.backends,  # type: ignore[arg-type]
            log=NoLog(),  # type: ignore[arg-type]
            clock=self.clock,
        )
        self.session.attach(self.wire)

    async def current(self) -> tuple[DeployedApi, DeployedStage] | None:
        return self.api

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


MESSAGE = json.dumps({"action": "say"})


def test_who_says_nothing_for_ten_minutes_is_let_go() -> None:
    async def scenario() -> None:
        house = House()
        house.backends.go.set()
        house.clock.advance(IDLE_S - 1)
        await house.session.receive(MESSAGE)
        await house.settle()
        house.clock.advance(IDLE_S - 1)
        assert house.wire.closed == []
        house.clock.advance(1)
        assert house.wire.closed == [GOING_AWAY]

    asyncio.run(scenario())


def test_nobody_stays_longer_than_two_hours() -> None:
    async def scenario() -> None:
        house = House()
        house.backends.go.set()
        for _ in range(int(LONGEST_S / 300) - 1):
            house.clock.advance(300)
            await house.session.receive(MESSAGE)
            await house.settle()
        assert house.wire.closed == []
        house.clock.advance(300)
        assert house.wire.closed == [GOING_AWAY]

    asyncio.run(scenario())


def test_a_client_that_floods_waits_for_its_own_messages() -> None:
    async def scenario() -> None:
        house = House()
        for _ in range(AT_ONCE):
            await house.session.receive(MESSAGE)
        waiting = asyncio.ensure_future(house.session.receive(MESSAGE))
        await house.settle()
        assert not waiting.done() and len(house.backends.calls) == AT_ONCE
        house.backends.go.set()
        await waiting
        await house.settle()
        assert house.wire.sent == ["done"] * (AT_ONCE + 1)

    asyncio.run(scenario())


def test_the_end_is_told_and_the_connection_gone() -> None:
    async def scenario() -> None:
        house = House()
        house.backends.go.set()
        assert house.connections.find("c") is not None
        await house.session.closed(1001, "bye")
        (moment,) = house.backends.calls
        assert moment.further == {"disconnectStatusCode": 1001, "disconnectReason": "bye"}
        assert house.connections.find("c") is None
        house.clock.advance(LONGEST_S)
        assert house.wire.closed == []

    asyncio.run(scenario())


@pytest.mark.parametrize("message", ['{"action": "$disconnect"}', '{"action": 7}', "[]", "no JSON"])
def test_a_message_cannot_take_a_route_that_is_no_messages(message: str) -> None:
    async def scenario() -> None:
        house = House()
        house.backends.go.set()
        await house.session.receive(message)
        await house.settle()
        assert house.backends.calls == [] and json.loads(house.wire.sent[0])["message"] == "Forbidden"

    asyncio.run(scenario())


def test_an_api_that_has_gone_lets_its_clients_go() -> None:
    async def scenario() -> None:
        house = House()
        house.api = None
        await house.session.receive(MESSAGE)
        await house.settle()
        assert house.wire.closed == [GOING_AWAY]
        await house.session.closed(GOING_AWAY, "")

    asyncio.run(scenario())
