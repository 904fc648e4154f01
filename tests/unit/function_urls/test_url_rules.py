"""Who may call a function URL, what a browser is told, and where the URL is."""

import asyncio
from typing import Any

import pytest

from fakes.clock import FakeClock
from stoker.front_door.url_authorisation import UrlAuthoriser
from stoker.functions.url_addresses import UrlAddresses
from stoker.functions.urls import FunctionUrl, GuardedUrl
from stoker.identity.authority import Authority
from stoker.identity.directory import Directory
from stoker.model.arn import FunctionId
from stoker.model.cors import CorsRules, answer_headers, is_preflight, preflight_headers
from stoker.model.policy import PermissionGrant, build_statement, policy_document
from stoker.wire.message import Request

URL, FUNCTION = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
ROLE = "arn:aws:iam::000000000000:role/team/worker"


def grant(action: str, principal: str = "*", **conditions: Any) -> Any:
    return build_statement(PermissionGrant(sid="s", action=action, principal=principal, **conditions), ARN)


PUBLIC_URL = grant(URL, function_url_auth_type="NONE")
PUBLIC_FUNCTION = grant(FUNCTION, invoked_via_function_url=True)


@pytest.mark.parametrize(
    ("statements", "missing"),
    [
        ([], [URL, FUNCTION]),
        ([PUBLIC_URL], [FUNCTION]),
        ([PUBLIC_URL, PUBLIC_FUNCTION], []),
        ([PUBLIC_URL, grant(FUNCTION)], []),
        ([grant("lambda:*")], []),
        ([grant(URL, function_url_auth_type="AWS_IAM"), PUBLIC_FUNCTION], [URL]),
        ([PUBLIC_URL, grant(FUNCTION, invoked_via_function_url=False)], [FUNCTION]),
        ([PUBLIC_URL, grant(FUNCTION, source_arn="arn:aws:s3:::bucket")], [FUNCTION]),
        ([grant(URL, "000000000000", function_url_auth_type="NONE"), PUBLIC_FUNCTION], [URL]),
        ([grant(URL, "s3.amazonaws.com"), PUBLIC_FUNCTION], [URL]),
    ],
)
def test_the_public_needs_both_permissions(statements: list[Any], missing: list[str]) -> None:
    url = FunctionUrl(
        id="abc",
        function=FunctionId(account="000000000000", region="us-east-1", name="f"),
        qualifier=None,
        auth_type="NONE",
        cors=None,
        created=0.0,
        modified=0.0,
    )
    renamed = [{**statement, "Sid": str(n)} for n, statement in enumerate(statements)]
    guarded = GuardedUrl(url=url, policy=policy_document(renamed) if renamed else None)
    authority = Authority(Directory("000000000000", {}), account="000000000000", clock=FakeClock())
    request = Request(method="GET", host="", path="/", query="", headers={}, source_ip="192.0.2.1")
    assert UrlAuthoriser(authority).missing(guarded, None, request) == missing


ASK = {"origin": "https://a.example", "access-control-request-method": "PUT", "access-control-request-headers": "x-a"}


def test_a_preflight_is_what_a_browser_sends_before_the_request() -> None:
    assert is_preflight("OPTIONS", ASK)
    assert not is_preflight("OPTIONS", {"origin": "https://a.example"})
    assert not is_preflight("PUT", ASK)


def test_a_preflight_is_answered_by_configuration() -> None:
    rules = CorsRules(
        allow_origins=("https://a.example",), allow_methods=("PUT", "GET"), allow_headers=("x-a",), max_age_s=0
    )
    assert dict(preflight_headers(rules, ASK)) == {
        "Access-Control-Allow-Origin": "https://a.example",
        "Access-Control-Allow-Methods": "PUT,GET",
        "Access-Control-Allow-Headers": "x-a",
        "Access-Control-Max-Age": "0",
        "Vary": "Origin",
    }
    assert preflight_headers(rules, ASK | {"origin": "https://b.example"}) == [("Vary", "Origin")]


def test_with_credentials_wildcards_become_what_was_asked_for() -> None:
    rules = CorsRules(allow_origins=("*",), allow_methods=("*",), allow_headers=("*",), allow_credentials=True)
    found = dict(preflight_headers(rules, ASK))
    assert found["Access-Control-Allow-Origin"] == "https://a.example"
    assert (found["Access-Control-Allow-Methods"], found["Access-Control-Allow-Headers"]) == ("PUT", "x-a")
    assert found["Access-Control-Allow-Credentials"] == "true"


def test_an_answer_exposes_what_is_configured_and_only_to_who_asks_from_elsewhere() -> None:
    rules = CorsRules(allow_origins=("*",), expose_headers=("x-a", "x-b"))
    assert dict(answer_headers(rules, {"origin": "https://a.example"})) == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "x-a,x-b",
    }
    assert answer_headers(rules, {}) == []


@pytest.mark.parametrize(
    ("endpoint", "resolves", "address"),
    [
        ("http://127.0.0.1:4566", True, "http://abc.lambda-url.eu-west-1.localhost:4566/"),
        ("http://127.0.0.1:4566", False, "http://127.0.0.1:4566/_stoker/url/abc/"),
        ("http://192.0.2.7:4566", True, "http://192.0.2.7:4566/_stoker/url/abc/"),
        ("http://[::1]:4566", True, "http://abc.lambda-url.eu-west-1.localhost:4566/"),
    ],
)
def test_the_address_is_one_that_works_on_this_machine(endpoint: str, resolves: bool, address: str) -> None:
    async def resolve(name: str) -> bool:
        return resolves

    assert asyncio.run(UrlAddresses(endpoint=endpoint, resolves=resolve).of("abc", "eu-west-1")) == address
