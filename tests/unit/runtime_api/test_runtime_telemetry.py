"""What an extension may subscribe to."""

import json
from typing import Any

import pytest

from stoker.runtime_api.session import Refusal
from stoker.runtime_api.telemetry import Api, Destination, Subscription, parse

HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/logs?a=b"}


def asked(api: Api = Api.TELEMETRY, **changes: Any) -> Subscription | Refusal:
    request = {"schemaVersion": "2022-12-13", "types": ["platform", "function"], "destination": HTTP}
    if api is Api.LOGS:
        request["schemaVersion"] = "2020-08-15"
    return parse(api, json.dumps({**request, **changes}).encode())


def refused(**changes: Any) -> tuple[int, str, str]:
    answer = asked(**changes)
    assert isinstance(answer, Refusal)
    return answer.status, answer.error_type, answer.message


def test_a_subscription_has_aws_s_defaults() -> None:
    assert asked() == Subscription(
        api=Api.TELEMETRY,
        types=("platform", "function"),
        destination=Destination(protocol="HTTP", port=8080, method="POST", path="/logs?a=b"),
        max_items=10_000,
        max_bytes=262_144,
        timeout_ms=1_000,
        schema_version="2022-12-13",
    )


def test_the_logs_api_takes_requests_without_a_version() -> None:
    body = json.dumps({"types": ["function"], "destination": {"protocol": "TCP", "port": 9000}})
    found = parse(Api.LOGS, body.encode())
    assert isinstance(found, Subscription)
    assert (found.schema_version, found.destination.protocol) == ("2020-08-15", "TCP")


def test_all_faults_are_told_at_once_in_aws_s_words() -> None:
    said = refused(types=[], destination={"protocol": "HTTP", "URI": "http://sandbox.localdomain"})
    assert said == (400, "ValidationError", "types should not be empty; URI port is not provided")
    assert refused(api=Api.LOGS, types=[])[1] == "Logs.ValidationError"


@pytest.mark.parametrize(
    ("buffering", "message"),
    [
        ({"maxItems": 999}, "maxItems should be between 1000 and 10000"),
        ({"maxBytes": 1_048_577}, "maxBytes should be between 262144 and 1048576"),
        ({"timeoutMs": 24}, "timeoutMs should be between 25 and 30000"),
        ({"timeoutMs": "100"}, "timeoutMs should be between 25 and 30000"),
        ([], "buffering should be an object"),
    ],
)
def test_buffering_has_bounds(buffering: Any, message: str) -> None:
    assert refused(buffering=buffering) == (400, "ValidationError", message)


@pytest.mark.parametrize(
    "uri",
    ["http://169.254.169.254:80", "http://10.0.0.1:80/", "http://localhost:9000", "https://sandbox.localdomain:1"],
)
def test_telemetry_stays_inside_the_environment(uri: str) -> None:
    status, error_type, _ = refused(destination={"protocol": "HTTP", "URI": uri})
    assert (status, error_type) == (403, "Telemetry.AccessDenied")


@pytest.mark.parametrize(
    "uri", ["http://sandbox.localdomain:80/ HTTP/1.1\r\nX: y", "http://[", 5, "http://sandbox:99999"]
)
def test_what_is_no_uri_is_refused(uri: object) -> None:
    assert refused(destination={"protocol": "HTTP", "URI": uri})[0] == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000, b'{"destination": 5, "types": 7, "buffering": 3}'])
def test_nonsense_is_refused(body: bytes) -> None:
    assert isinstance(parse(Api.TELEMETRY, body), Refusal)
