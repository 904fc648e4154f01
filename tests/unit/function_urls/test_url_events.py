"""HTTP requests as events, and results as answers: cases as data."""

import base64
import json
from typing import Any

import pytest

from stoker.model.http_event import (
    Circumstances,
    HttpRequest,
    MalformedAnswerError,
    read_answer,
    to_event,
)
from stoker.model.principal import Principal

AT = 1659687279.885


def event(caller: Principal | None = None, **request: Any) -> dict[str, Any]:
    defaults = {"method": "GET", "path": "/", "query": "", "headers": {}, "body": b"", "source_ip": "192.0.2.1"}
    about = Circumstances(request_id="r-1", api_id="u", domain="u.lambda-url.x.localhost", at=AT, caller=caller)
    return json.loads(to_event(HttpRequest(**(defaults | request)), about))  # type: ignore[no-any-return]


def test_a_public_request_s_event_has_exactly_aws_s_members() -> None:
    assert event(method="PUT", path="/a%20b/", headers={"user-agent": "agent"}) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a%20b/",
        "rawQueryString": "",
        "headers": {"user-agent": "agent"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "u",
            "domainName": "u.lambda-url.x.localhost",
            "domainPrefix": "u",
            "http": {
                "method": "PUT",
                "path": "/a%20b/",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "agent",
            },
            "requestId": "r-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "05/Aug/2022:08:14:39 +0000",
            "timeEpoch": 1659687279885,
        },
        "isBase64Encoded": False,
    }


def test_a_signed_request_s_event_says_who_signed() -> None:
    arn = "arn:aws:iam::111122223333:user/example"
    caller = Principal(account="111122223333", arn=arn, user_id="AIDAEXAMPLE", access_key="AKIAEXAMPLE")
    found = event(caller)
    assert found["requestContext"]["accountId"] == "111122223333"
    assert found["requestContext"]["authentication"] is None
    assert found["requestContext"]["authorizer"]["iam"] == {
        "accessKey": "AKIAEXAMPLE",
        "accountId": "111122223333",
        "callerId": "AIDAEXAMPLE",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": arn,
        "userId": "AIDAEXAMPLE",
    }
    assert (found["pathParameters"], found["stageVariables"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("a=1&a=2&b=3", {"a": "1,2", "b": "3"}),
        ("name=J%C3%BCrgen+M&empty=&flag", {"name": "Jürgen M", "empty": "", "flag": ""}),
        ("", None),
    ],
)
def test_query_parameters_are_decoded_and_joined(query: str, parameters: dict[str, str] | None) -> None:
    found = event(query=query)
    assert (found["rawQueryString"], found.get("queryStringParameters")) == (query, parameters)


def test_cookies_are_a_list() -> None:
    assert event(headers={"cookie": "a=1; b=x=y;c"})["cookies"] == ["a=1", "b=x=y", "c"]


@pytest.mark.parametrize(
    ("headers", "body", "as_text"),
    [
        ({"content-type": "application/json; charset=utf-8"}, '{"ü":1}'.encode(), True),
        ({"content-type": "text/plain"}, b"hello", True),
        ({"content-type": "application/vnd.api+json"}, b"{}", True),
        ({"content-type": "image/svg+xml"}, b"<svg/>", False),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1", False),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"\x1f\x8b", False),
        ({"content-type": "text/plain"}, b"\xff\xfe", False),
        ({"content-type": "image/png"}, b"\x89PNG", False),
        ({}, b"hello", False),
    ],
)
def test_a_body_is_text_only_where_its_type_says_so(headers: dict[str, str], body: bytes, as_text: bool) -> None:
    found = event(method="POST", headers=headers, body=body)
    assert found["isBase64Encoded"] is not as_text
    assert (found["body"].encode() if as_text else base64.b64decode(found["body"])) == body


@pytest.mark.parametrize("payload", [b'"Hello"', b'{"message": "x"}', b"[1, 2]", b"null", b"3"])
def test_json_without_a_status_is_the_body_as_it_is(payload: bytes) -> None:
    answer = read_answer(payload)
    assert (answer.status, answer.headers, answer.body) == (200, [("Content-Type", "application/json")], payload)


def test_an_answer_says_everything_itself() -> None:
    answer = read_answer(
        json.dumps(
            {
                "statusCode": "201",
                "headers": {"Content-Type": "text/html", "X-Count": 3, "X-Yes": True},
                "cookies": ["a=1; Path=/", "b=2"],
                "body": "aGVsbG8=",
                "isBase64Encoded": True,
            }
        ).encode()
    )
    assert (answer.status, answer.body) == (201, b"hello")
    assert answer.headers == [
        ("Content-Type", "text/html"),
        ("X-Count", "3"),
        ("X-Yes", "true"),
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
    ]


def test_headers_that_are_the_servers_own_come_out_renamed() -> None:
    result = {"statusCode": 401, "headers": {"WWW-Authenticate": "Basic", "content-length": "9", "Server": "mine"}}
    names = [name for name, _ in read_answer(json.dumps(result).encode()).headers]
    assert names[1:] == ["x-amzn-Remapped-WWW-Authenticate", "x-amzn-Remapped-content-length", "x-amzn-Remapped-Server"]


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": 700},
        {"statusCode": 101},
        {"statusCode": True},
        {"statusCode": "ok"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": "%%", "isBase64Encoded": True},
        {"statusCode": 200, "body": "\ud800"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": ["b"]}},
        {"statusCode": 200, "headers": {"a": "b\r\nc: d"}},
        {"statusCode": 200, "headers": {"a b": "c"}},
        {"statusCode": 200, "headers": {"a": "\u20ac"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a\n"]},
    ],
)
def test_what_no_http_answer_can_be_made_of_is_refused(result: object) -> None:
    with pytest.raises(MalformedAnswerError):
        read_answer(json.dumps(result).encode())


@pytest.mark.parametrize("payload", [b"<html>", b"[" * 100_000], ids=["a page", "nested without end"])
def test_what_is_not_json_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        read_answer(payload)
