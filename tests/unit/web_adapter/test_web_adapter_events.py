"""The example's web adapter: events as HTTP requests, and HTTP answers as results."""

import base64
import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FILE = Path(__file__).parents[3] / "examples" / "web-app" / "layer" / "web-adapter" / "events.py"
SPEC = importlib.util.spec_from_file_location("web_adapter_events", FILE)
assert SPEC is not None and SPEC.loader is not None
events = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(events)

V2 = {"version": "2.0", "rawPath": "/a b", "rawQueryString": "x=1&x=%20", "requestContext": {"http": {"method": "PUT"}}}
V1 = {"httpMethod": "DELETE", "path": "/prod/a", "requestContext": {"stage": "prod"}}


def request_of(event: Any, **settings: Any) -> Any:
    defaults = {"base_path": "", "pass_through_path": "/events", "authorization_source": None}
    return events.request_of(event, {"request_id": "r"}, SimpleNamespace(**{**defaults, **settings}))


class Answered:
    """An HTTP answer."""

    def __init__(self, *headers: tuple[str, str], status: int = 200) -> None:
        self.status = status
        self._headers = list(headers)

    def getheaders(self) -> list[tuple[str, str]]:
        return self._headers

    def getheader(self, name: str, default: str) -> str:
        return dict(self._headers).get(name, default)


def test_format_2_is_a_request_with_its_cookies_and_raw_query() -> None:
    asked = request_of(
        {**V2, "headers": {"accept": "a,b", "cookie": "a=1; b=2"}, "cookies": ["a=1", "b=2"], "body": "ä"}
    )
    assert (asked.method, asked.target, asked.body) == ("PUT", "/a%20b?x=1&x=%20", "ä".encode())
    assert asked.headers[:2] == [("accept", "a,b"), ("cookie", "a=1; b=2")]


def test_format_1_is_a_request_with_every_value() -> None:
    query = {"x": ["1", "2"], "y": ["&"]}
    event = {
        **V1,
        "multiValueQueryStringParameters": query,
        "multiValueHeaders": {"A": ["1", "2"]},
        "headers": {"A": "2"},
    }
    asked = request_of({**event, "body": base64.b64encode(b"\0").decode(), "isBase64Encoded": True}, base_path="/prod")
    assert (asked.method, asked.target, asked.body) == ("DELETE", "/a?x=1&x=2&y=%26", b"\0")
    assert asked.headers[:2] == [("A", "1"), ("A", "2")]


@pytest.mark.parametrize("event", [{"Records": [1]}, [], "text", {"requestContext": None}])
def test_any_other_event_is_posted_as_it_is(event: Any) -> None:
    asked = request_of(event, pass_through_path="/jobs")
    assert (asked.method, asked.target, json.loads(asked.body)) == ("POST", "/jobs", event)
    assert asked.headers[0] == ("content-type", "application/json")


def test_a_caller_cannot_say_who_calls_nor_break_the_request() -> None:
    forged = {
        "X-Amzn-Request-Context": "{}",
        "x-amzn-lambda-context": "{}",
        "Content-Length": "0",
        "Connection": "close",
    }
    headers = request_of({**V2, "headers": forged, "body": "text"}).headers
    assert [name for name, _ in headers] == ["x-amzn-request-context", "x-amzn-lambda-context"]
    assert json.loads(headers[0][1]) == V2["requestContext"]
    assert "\r" not in request_of({**V2, "rawPath": "/a\r\nHost: other"}).target


def test_another_header_becomes_the_authorization() -> None:
    asked = request_of(
        {**V2, "headers": {"X-Mine": "Bearer a", "authorization": "SigV4"}}, authorization_source="x-mine"
    )
    assert [each for each in asked.headers if each[0] == "authorization"] == [("authorization", "Bearer a")]
    assert ("X-Mine", "Bearer a") not in asked.headers


def test_text_stays_text_and_all_else_is_base64() -> None:
    json_type, html = ("content-type", "application/problem+json"), ("content-type", "text/html; charset=utf-8")
    assert events.result_of(Answered(json_type), b"{}", V2)["body"] == "{}"
    assert events.result_of(Answered(html), "ä".encode(), V2)["body"] == "ä"
    for headers, body in (((html,), b"\xff"), ((html, ("content-encoding", "gzip")), b"x"), ((), b"x")):
        result = events.result_of(Answered(*headers), body, V2)
        assert (base64.b64decode(result["body"]), result["isBase64Encoded"]) == (body, True)


def test_headers_and_cookies_keep_every_value() -> None:
    answer = Answered(
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Vary", "x"),
        ("Vary", "y"),
        ("Transfer-Encoding", "chunked"),
        status=201,
    )
    second = events.result_of(answer, b"", V2)
    assert (second["statusCode"], second["cookies"], second["headers"]) == (201, ["a=1", "b=2"], {"vary": "x, y"})
    assert events.prelude_of(answer) == {"statusCode": 201, "cookies": ["a=1", "b=2"], "headers": {"vary": "x, y"}}
    assert events.result_of(answer, b"", V1)["multiValueHeaders"] == {"set-cookie": ["a=1", "b=2"], "vary": ["x", "y"]}


def test_statuses_are_numbers_and_ranges() -> None:
    assert events.statuses("500, 502-504") == {500, 502, 503, 504}
    assert events.statuses("") == set()
