"""Who may read Stoker's figures, and which answers the front door counts."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from front_door_house import House

from stoker.front_door.app import FrontDoor
from stoker.front_door.authorisation import Authoriser
from stoker.front_door.metrics_page import MetricsPage
from stoker.identity.authority import Authority
from stoker.identity.directory import Directory
from stoker.model.clock import SystemClock
from stoker.observability.metrics import Metrics
from stoker.wire.message import Request
from stoker.wire.sigv4 import Verifier

TOKEN = "a-token"


def status(
    source_ip: str, host: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", trusting: bool = True
) -> int:
    page = MetricsPage(Metrics(), token=TOKEN, open_to_this_machine=trusting)
    request = Request(
        method=method,
        host=host,
        path="/_stoker/metrics",
        query="",
        headers={"host": host, **(headers or {})},
        source_ip=source_ip,
    )
    answer = asyncio.run(page.answer(request))
    if answer.status == 401:
        assert "stoker credentials --metrics" in json.loads(answer.body)["message"]  # type: ignore[arg-type]
        assert ("www-authenticate", "Bearer") in answer.headers
    return answer.status


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "localhost", "[::1]:4566", "[::1]"])
def test_this_machine_reads_without_a_token(host: str) -> None:
    assert status("127.0.0.1", host) == status("::1", host) == status("::ffff:127.0.0.1", host) == 200


def test_others_need_the_token() -> None:
    assert status("192.0.2.1", "stoker.example:4566") == 401
    # The name in the request is the client's to choose.
    assert status("192.0.2.1", "localhost:4566") == 401
    assert status("192.0.2.1", "stoker.example:4566", {"authorization": f"Bearer {TOKEN}"}) == 200
    assert status("192.0.2.1", "stoker.example:4566", {"authorization": f"bearer  {TOKEN}"}) == 200
    assert status("192.0.2.1", "stoker.example:4566", {"authorization": "Bearer "}) == 401
    assert status("192.0.2.1", "stoker.example:4566", {"authorization": f"Basic {TOKEN}"}) == 401


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("stoker.example", {}),
        ("rebound.example:4566", {}),
        ("", {}),
        ("[", {}),
        ("localhost:4566", {"x-forwarded-for": "192.0.2.1"}),
        ("localhost:4566", {"forwarded": "for=192.0.2.1"}),
        ("localhost:4566", {"via": "1.1 proxy"}),
        ("localhost:4566", {"authorization": "Bearer wrong"}),
    ],
)
def test_what_only_seems_to_come_from_this_machine_needs_the_token(host: str, headers: dict[str, str]) -> None:
    assert status("127.0.0.1", host, headers) == 401


def test_where_endpoints_on_this_machine_are_called_it_needs_the_token_too() -> None:
    assert status("127.0.0.1", "localhost:4566", trusting=False) == 401
    assert status("127.0.0.1", "localhost:4566", {"authorization": f"Bearer {TOKEN}"}, trusting=False) == 200


def test_figures_are_read_and_nothing_else() -> None:
    assert status("127.0.0.1", "localhost:4566", method="POST") == 405


def test_every_answer_is_counted_once_by_its_service_and_a_sandbox_finds_no_figures() -> None:
    house, counted = House(), list[tuple[str, int]]()

    def count(service: str, status: int, seconds: float) -> None:
        assert 0 < seconds < 60
        counted.append((service, status))

    page = MetricsPage(Metrics(), token=TOKEN, open_to_this_machine=True)
    services = [house.functions]
    authority = Authority(Directory("000000000000", {}), account="000000000000", clock=SystemClock())
    house.door = FrontDoor(
        services,
        verifier=Verifier(house.keys, SystemClock()),
        authorise=Authoriser(authority, services).check,
        account="000000000000",
        version="9.9",
        pages={"metrics": page.answer},
        count=count,
    )

    async def ask() -> None:
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert (await house.call(body=b"{}")).status == 200
        assert (await house.call(secret="wrong")).status == 403
        assert (await house.call("GET", "/2015-03-31/functions/")).status == 500
        assert (await house.call("GET", "/_stoker/metrics", headers=bearer, signed=False)).status == 200
        inside = await house.call("GET", "/_stoker/metrics", headers=bearer, signed=False, from_sandbox=True)
        assert inside.status == 404

    asyncio.run(ask())
    assert counted == [("lambda", 200), ("lambda", 403), ("lambda", 500), ("stoker", 200), ("stoker", 404)]
