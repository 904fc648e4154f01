"""What becomes of what functions answer."""

import json
from typing import Any

import pytest

from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.proxy_answer import proxy_answer
from stoker.model.http_event import HttpAnswer


def answer(result: Any, accept: str | None = None, binary: tuple[str, ...] = ()) -> HttpAnswer:
    payload = result if isinstance(result, bytes) else json.dumps(result).encode()
    return proxy_answer(payload, binary_types=binary, accept=accept)


def test_headers_of_both_kinds_are_one_answer_s() -> None:
    found = answer(
        {
            "statusCode": "201",
            "headers": {"X-A": 1, "X-B": True, "X-Many": "1", "Date": "today"},
            "multiValueHeaders": {"X-Many": ["1", "2"]},
            "body": "ü",
        }
    )
    assert (found.status, found.body) == (201, "ü".encode())
    assert found.headers == [
        ("Content-Type", "application/json"),
        ("X-A", "1"),
        ("X-B", "true"),
        ("x-amzn-Remapped-Date", "today"),
        ("X-Many", "1"),
        ("X-Many", "2"),
    ]


@pytest.mark.parametrize(
    "result",
    [
        b"not json",
        None,
        "text",
        ["list"],
        {"statusCode": 200, "cookies": ["a=1"]},
        {"statusCode": 99},
        {"statusCode": 600},
        {"statusCode": True},
        {"statusCode": "ok"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": []}},
        {"statusCode": 200, "headers": {"a b": "1"}},
        {"statusCode": 200, "headers": {"a": "1\r\nb: 2"}},
        {"statusCode": 200, "multiValueHeaders": {"a": "1"}},
    ],
)
def test_of_anything_else_no_answer_can_be_made(result: Any) -> None:
    with pytest.raises(GatewayFault) as refused:
        answer(result)
    assert (refused.value.status, refused.value.message) == (502, "Internal server error")


@pytest.mark.parametrize(
    ("accept", "binary", "expected"),
    [
        ("image/png", ("image/png",), b"\x00"),
        ("image/png;q=1, text/html", ("image/png",), b"\x00"),
        ("text/html, image/png", ("image/png",), b"AA=="),
        (None, ("image/png",), b"AA=="),
        (None, ("*/*",), b"\x00"),
        ("image/png", (), b"AA=="),
    ],
)
def test_base64_is_decoded_for_who_accepts_a_binary_type_first(
    accept: str | None, binary: tuple[str, ...], expected: bytes
) -> None:
    result = {"statusCode": 200, "body": "AA==", "isBase64Encoded": True}
    assert answer(result, accept, binary).body == expected


def test_what_does_not_say_its_status_is_200_and_may_be_empty() -> None:
    assert (answer({}).status, answer({}).body) == (200, b"")
