"""Function URLs of a live server, called as browsers, plain HTTP clients and signing ones do."""

import base64
import http.client
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fakes.deployment import Deployment
from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer

HANDLER = """
import json

def handler(event, context):
    if event["rawPath"] == "/fail":
        raise ValueError("secret inside")
    if event["rawPath"] == "/malformed":
        return {"statusCode": "ok"}
    if event["rawPath"] == "/plain":
        return "hello"
    body = json.dumps({"event": event, "request_id": context.aws_request_id, "arn": context.invoked_function_arn})
    return {"statusCode": 201, "headers": {"X-Mine": "yes"}, "cookies": ["a=1", "b=2"], "body": body}
"""
CORS = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"]}

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Url:
    """A function URL, called by its host or by its path."""

    port: int
    function: str
    address: str

    @property
    def id(self) -> str:
        parts = urllib.parse.urlsplit(self.address)
        return parts.path.split("/")[3] if parts.path.startswith("/_stoker/") else parts.netloc.split(".")[0]

    @property
    def host(self) -> str:
        return f"{self.id}.lambda-url.{REGION}.localhost:{self.port}"

    def call(
        self,
        path: str = "/",
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        by_path: bool = False,
        chunked: bool = False,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        target = f"/_stoker/url/{self.id}{path}" if by_path else path
        named = {} if by_path else {"Host": self.host}
        connection.request(method, target, body, {**named, **(headers or {})}, encode_chunked=chunked)
        answer = connection.getresponse()
        found = Answer(status=answer.status, headers=answer.headers, body=answer.read())
        connection.close()
        return found

    def signed(self, path: str = "/", body: bytes = b"", *, secret: str = SECRET_KEY, by_path: bool = False) -> Answer:
        host = f"127.0.0.1:{self.port}" if by_path else self.host
        target = f"/_stoker/url/{self.id}{path}" if by_path else path
        request = AWSRequest("POST", f"http://{host}{target}", data=body, headers={"content-type": "text/plain"})
        SigV4Auth(Credentials(ACCESS_KEY, secret), "lambda", REGION).add_auth(request)
        return self.call(path, "POST", body, dict(request.headers.items()), by_path=by_path)


def make(server: LiveServer, auth_type: str, **params: Any) -> Url:
    client = server.client("lambda")
    name = Deployment(client).deploy(HANDLER)
    made = client.create_function_url_config(FunctionName=name, AuthType=auth_type, **params)
    return Url(port=server.port, function=name, address=made["FunctionUrl"])


def open_to_all(client: Any, name: str) -> None:
    common = {"FunctionName": name, "Principal": "*"}
    url_action = {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}
    client.add_permission(**common, StatementId="url", **url_action)
    client.add_permission(**common, StatementId="function", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)


@pytest.fixture(scope="module")
def public(live_server: LiveServer) -> Iterator[Url]:
    url = make(live_server, "NONE", Cors=CORS)
    open_to_all(live_server.client("lambda"), url.function)
    yield url
    live_server.client("lambda").delete_function(FunctionName=url.function)


@pytest.fixture(scope="module")
def guarded(live_server: LiveServer) -> Iterator[Url]:
    url = make(live_server, "AWS_IAM")
    yield url
    live_server.client("lambda").delete_function(FunctionName=url.function)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_public_url_answers_by_its_host_and_by_its_path(public: Url, by_path: bool) -> None:
    answer = public.call("/a%2Fb/?x=1", headers={"cookie": "c=1; d=2"}, by_path=by_path)
    event = answer.json()["event"]
    assert (answer.status, answer.headers["x-mine"]) == (201, "yes")
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert (event["rawPath"], event["rawQueryString"], event["cookies"]) == ("/a%2Fb/", "x=1", ["c=1", "d=2"])
    assert event["requestContext"]["accountId"] == "anonymous"
    assert event["requestContext"]["apiId"] == public.id
    assert answer.json()["request_id"] == event["requestContext"]["requestId"] == answer.headers["x-amzn-requestid"]
    assert event["headers"]["x-amzn-trace-id"] in answer.headers["x-amzn-trace-id"]


def test_a_page_that_is_reached_by_path_does_not_get_the_consoles_origin(public: Url) -> None:
    assert "allow-same-origin" not in public.call(by_path=True).headers["content-security-policy"]
    assert public.call().headers["content-security-policy"] is None


def test_the_address_that_is_answered_works(public: Url) -> None:
    with urllib.request.urlopen(f"{public.address}plain", timeout=60) as answer:
        assert (answer.status, answer.read()) == (200, b'"hello"')


def test_a_browsers_form_arrives_in_base64(public: Url) -> None:
    form = urllib.parse.urlencode({"name": "Jürgen", "age": "7"})
    event = public.call("/", "POST", form, {"Content-Type": "application/x-www-form-urlencoded"}).json()["event"]
    assert (event["isBase64Encoded"], base64.b64decode(event["body"]).decode()) == (True, form)


def test_a_body_in_chunks_arrives_whole(public: Url) -> None:
    headers = {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
    event = public.call("/", "POST", iter([b"one ", b"two"]), headers, chunked=True).json()["event"]
    assert (event["body"], event["isBase64Encoded"]) == ("one two", False)


def test_head_has_the_headers_and_no_body(public: Url) -> None:
    answer = public.call("/plain", "HEAD")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "7", b"")


@pytest.mark.parametrize("path", ["/fail", "/malformed"])
def test_a_function_that_fails_is_a_bad_gateway_that_says_nothing(public: Url, path: str) -> None:
    answer = public.call(path)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_request_over_6_mb_is_refused(public: Url) -> None:
    assert public.call("/", "POST", b"x" * 6_291_457).status == 413


def test_base64_that_makes_the_event_too_large_is_refused(public: Url) -> None:
    assert public.call("/", "POST", b"x" * 5_500_000).status == 413


def test_a_preflight_is_answered_without_the_function_and_an_answer_is_marked(public: Url) -> None:
    origin = {"Origin": "https://a.example"}
    preflight = public.call("/fail", "OPTIONS", headers={**origin, "Access-Control-Request-Method": "PUT"})
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (200, "PUT")
    for path in ("/", "/fail"):
        assert public.call(path, headers=origin).headers["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-origin" not in public.call(headers={"Origin": "https://b.example"}).headers


def test_without_a_policy_nobody_may_call_and_then_everybody(live_server: LiveServer) -> None:
    url, client = make(live_server, "NONE"), live_server.client("lambda")
    answer = url.call()
    assert (answer.status, answer.json()) == (403, {"Message": FORBIDDEN})
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    open_to_all(client, url.function)
    assert url.call().status == 201
    client.delete_function(FunctionName=url.function)
    assert url.call().status == 404


@pytest.mark.parametrize("by_path", [False, True])
def test_a_signed_url_knows_who_calls(guarded: Url, by_path: bool) -> None:
    answer = guarded.signed("/a%20b", b"hello", by_path=by_path)
    event = answer.json()["event"]
    assert (answer.status, event["body"]) == (201, "hello")
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == ACCESS_KEY
    assert event["requestContext"]["accountId"] == "000000000000"


def test_a_signed_url_refuses_whoever_did_not_sign_or_signed_wrongly(guarded: Url) -> None:
    unsigned = guarded.call()
    assert (unsigned.status, unsigned.json()) == (403, {"Message": FORBIDDEN})
    forged = guarded.signed(secret="a-wrong-secret")
    assert (forged.status, forged.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")


def test_an_alias_url_runs_the_alias(live_server: LiveServer) -> None:
    client = live_server.client("lambda")
    name = Deployment(client).deploy(HANDLER)
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    made = client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="AWS_IAM")
    url = Url(port=live_server.port, function=name, address=made["FunctionUrl"])
    client.get_waiter("function_active_v2").wait(FunctionName=name, Qualifier=version)
    assert url.signed().json()["arn"].endswith(f":function:{name}:live")
    client.delete_function(FunctionName=name)


def test_a_url_of_another_region_s_host_is_not_found(public: Url) -> None:
    host = public.host.replace(REGION, "eu-west-1")
    assert public.call(headers={"Host": host}).status == 404


def test_a_throttled_function_answers_429(live_server: LiveServer) -> None:
    url, client = make(live_server, "AWS_IAM"), live_server.client("lambda")
    client.put_function_concurrency(FunctionName=url.function, ReservedConcurrentExecutions=0)
    answer = url.signed()
    assert (answer.status, answer.json()["Reason"]) == (429, "ReservedFunctionConcurrentInvocationLimitExceeded")
    client.delete_function(FunctionName=url.function)


def test_a_function_reaches_a_public_url_from_inside_its_sandbox(live_server: LiveServer, public: Url) -> None:
    caller = Deployment(live_server.client("lambda"))
    code = """
    import os, urllib.request

    def handler(event, context):
        with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + event, timeout=60) as answer:
            return answer.read().decode()
    """
    name = caller.deploy(code)
    assert caller.invoke(name, f"/_stoker/url/{public.id}/plain").value == '"hello"'
    caller.client.delete_function(FunctionName=name)
