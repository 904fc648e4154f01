"""Which requests are for APIs, and what comes of them at the front door."""

import asyncio
import json
from typing import Any

import pytest

from fakes.clock import FakeClock
from stoker.apis.request import ApiCall, ApiRequest
from stoker.front_door.body import ComingBody
from stoker.front_door.gateway import Gateway
from stoker.model.errors import AccessDeniedException
from stoker.model.http_event import HttpAnswer
from stoker.wire.message import Request, Response


class EchoHost:
    """One API in one region, whose answer is what it was asked."""

    async def region_of(self, api_id: str) -> str | None:
        return {"abc": "us-east-1", "bad": "us-east-1"}.get(api_id)

    async def answer(self, request: ApiRequest) -> HttpAnswer:
        if request.call.path == "/forbidden":
            raise AccessDeniedException("Forbidden")
        if request.call.path == "/bug":
            raise RuntimeError("secret inside")
        body = await request.body()
        seen = {"path": request.call.path, "stage": request.call.stage, "fields": request.fields, "body": body.decode()}
        return HttpAnswer(status=200, headers=[("Content-Type", "application/json")], body=json.dumps(seen).encode())


class OneDomain:
    """api.example.com with one stage below /orders."""

    def serves(self, host: str) -> bool:
        return host == "api.example.com"

    def find(self, host: str, path: str) -> ApiCall | None:
        if not path.startswith("/orders"):
            return None
        return ApiCall(api_id="abc", region=None, path=path, domain=host, stage="prod", base_path="/orders")


def call(path: str, host: str = "127.0.0.1:4566", *fields: tuple[str, str], length: int = 0) -> Response | None:
    gateway = Gateway(hosts=[EchoHost()], domains=[OneDomain()], clock=FakeClock())
    headers: dict[str, str] = {}
    for name, value in fields:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    request = Request(
        method="POST", host=host, path=path, query="", headers=headers, fields=fields, source_ip="192.0.2.1"
    )
    found = gateway.serves(request)
    if found is None:
        return None
    body = ComingBody(length, wants=lambda: body.finish(), takes=lambda size: None, until_gone=asyncio.Event().wait)
    return asyncio.run(gateway.answer(found, request, body, from_sandbox=False))


def seen(response: Response | None) -> Any:
    assert response is not None and isinstance(response.body, bytes)
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/users", "abc.execute-api.us-east-1.localhost:4566"),
        ("/users", "ABC.execute-api.us-east-1.example.com"),
        ("/_stoker/api/abc/users", "127.0.0.1:4566"),
    ],
)
def test_an_api_is_called_by_its_host_and_by_its_path(path: str, host: str) -> None:
    assert seen(call(path, host))["path"] == "/users"


def test_a_mapped_domain_leads_to_its_stage() -> None:
    assert seen(call("/orders/1", "API.example.com:443"))["stage"] == "prod"
    unmapped = call("/other", "api.example.com")
    assert unmapped is not None and unmapped.status == 404


def test_a_mapped_domain_keeps_nobody_out_of_stoker_itself() -> None:
    assert call("/_stoker/health", "api.example.com") is None
    signed = "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0"
    assert call("/orders/1", "api.example.com", ("authorization", signed % "apigateway")) is None
    assert call("/orders/1", "api.example.com", ("authorization", signed % "execute-api")) is not None


@pytest.mark.parametrize("path", ["/", "/bucket/key", "/_stoker/health", "/_stoker/url/abc/"])
def test_other_requests_are_not_for_apis(path: str) -> None:
    assert call(path) is None


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/x", "unknown.execute-api.us-east-1.localhost", 404),
        ("/x", "abc.execute-api.eu-west-1.localhost", 404),
        ("/forbidden", "abc.execute-api.us-east-1.localhost", 403),
        ("/bug", "abc.execute-api.us-east-1.localhost", 500),
    ],
)
def test_what_is_not_there_or_goes_wrong_is_told_as_json(path: str, host: str, status: int) -> None:
    response = call(path, host)
    assert response is not None and response.status == status
    message = {404: "Not Found", 403: "Forbidden", 500: "Internal Server Error"}[status]
    assert seen(response) == {"message": message}


def test_a_body_over_ten_megabytes_is_refused_before_it_is_read() -> None:
    host = "abc.execute-api.us-east-1.localhost"
    response = call("/x", host, length=10485761)
    assert response is not None and response.status == 413
    assert seen(response) == {"message": "Request Entity Too Large"}


def test_headers_come_one_by_one_without_the_connections_own() -> None:
    host = "abc.execute-api.us-east-1.localhost:4566"
    sent = [("x-a", "1"), ("x-a", "2"), ("connection", "close"), ("x-forwarded-for", "10.0.0.1")]
    fields = [tuple(field) for field in seen(call("/x", host, *sent))["fields"]]
    assert [value for name, value in fields if name == "x-a"] == ["1", "2"]
    assert ("x-forwarded-for", "192.0.2.1") in fields and ("x-forwarded-for", "10.0.0.1") not in fields
    assert "connection" not in dict(fields) and dict(fields)["x-forwarded-port"] == "4566"


def test_a_page_reached_by_path_has_no_origin_of_its_own() -> None:
    response = call("/_stoker/api/abc/page")
    assert response is not None and "sandbox" in dict(response.headers)["Content-Security-Policy"]
