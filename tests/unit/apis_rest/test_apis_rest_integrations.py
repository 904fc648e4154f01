"""Integrations with other servers, and what authorizers said: against fakes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.loop import on_loop
from stoker.apis.functions import FunctionAnswer, FunctionCall
from stoker.apis.request import ApiCall, ApiRequest
from stoker.apis.rest.access import Decide, Verdict
from stoker.apis.rest.authorization import Authorization
from stoker.apis.rest.aws_services import ServiceCall, service_call
from stoker.apis.rest.blueprint import Blueprint
from stoker.apis.rest.documents import new_document
from stoker.apis.rest.exchange import Exchange
from stoker.apis.rest.gateway_responses import GatewayFault
from stoker.apis.rest.integrations import Integrations
from stoker.apis.rest.methods import put_integration, put_integration_response, put_method, put_method_response
from stoker.apis.rest.resources import resource_at
from stoker.deliveries.outbound import OutboundAnswer, OutboundRequest, UnreachableError
from stoker.wire.message import Request

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Outside:
    """Another server: what it is asked, and what it answers."""

    def __init__(self, status: int = 200, body: bytes = b'{"id": 7}', error: Exception | None = None) -> None:
        self.asked: list[OutboundRequest] = []
        self.answer = OutboundAnswer(
            status=status, headers=[("X-Up", "1"), ("Content-Type", "application/json")], body=body, complete=True
        )
        self.error = error

    async def call(self, request: OutboundRequest) -> OutboundAnswer:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        return self.answer


class Gate:
    """A function that says who may, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls: list[Mapping[str, Any]] = []

    async def invoke(self, call: FunctionCall) -> FunctionAnswer:
        self.calls.append(json.loads(call.payload))
        answer = {"principalId": "ann", "policyDocument": {}, "context": {"n": len(self.calls)}}
        return FunctionAnswer(payload=json.dumps(answer).encode(), failed=False)

    async def invoke_later(self, call: FunctionCall) -> None:
        raise NotImplementedError


class Nothing:
    """No AWS service is called."""

    async def call(self, call: ServiceCall) -> OutboundAnswer:
        raise NotImplementedError


class Open:
    """Policies that allow everything."""

    def policy(self, document: Any) -> Decide:
        return lambda arn, request: Verdict.ALLOWED


def exchange(document: Any, sent: Request, variables: Mapping[str, str] | None = None) -> Exchange:
    stage = {"stageName": "s", "deploymentId": "d", "variables": variables or {}}
    blueprint = Blueprint(document, stage, region="us-east-1", account="0" * 12)
    found = blueprint.find(sent.method, sent.path)
    assert found is not None

    async def body() -> bytes:
        return sent.body

    request = ApiRequest(
        call=ApiCall(api_id="abc", region=None, path=sent.path, domain="abc.example"),
        region="us-east-1",
        http=sent,
        read_fields=lambda: list(sent.headers.items()),
        headers=sent.headers,
        trace_id="t",
        at=0.0,
        from_sandbox=False,
        body=body,
    )
    named = {"path": sent.path, "full_path": f"/s{sent.path}", "request_id": "r", "extended_id": "e"}
    return Exchange(request=request, blueprint=blueprint, found=found, body=sent.body, **named)


def api(path: str, **integration: Any) -> tuple[Any, str]:
    """A document with one method, POST, and the id of its resource."""
    document = new_document({"name": "x"}, api_id="abc", now=0)
    resource_id = resource_at(document, path)["id"]
    put_method(document, resource_id, "POST", {"authorizationType": "NONE"})
    put_integration(document, resource_id, "POST", integration)
    return document, resource_id


SENT = Request(
    method="POST",
    host="abc.example",
    path="/a/b%20c/d",
    query="q=1&q=2",
    headers={"host": "abc.example", "content-type": "application/json", "x-a": "1", "x-forwarded-for": "1.2.3.4"},
    body=b'{"n": 1}',
)


@on_loop
async def test_a_proxy_to_a_server_hands_on_everything() -> None:
    document, _ = api(
        "/a/{proxy+}",
        type="HTTP_PROXY",
        httpMethod="PUT",
        uri="http://${stageVariables.host}/base/{proxy}?z=0",
        requestParameters={
            "integration.request.path.proxy": "method.request.path.proxy",
            "integration.request.header.X-Extra": "'more'",
            "integration.request.querystring.who": "context.identity.sourceIp",
        },
    )
    outside = Outside(status=404)
    sent = exchange(document, SENT, {"host": "up.example"})
    answer = await Integrations(functions=Gate(), services=Nothing(), outbound=outside).call(sent)  # type: ignore[arg-type]
    (asked,) = outside.asked
    assert (asked.method, asked.url, asked.body) == (
        "PUT",
        "http://up.example/base/b%20c/d?z=0&q=1&q=2&who=",
        SENT.body,
    )
    assert dict(asked.headers) == {"content-type": "application/json", "x-a": "1", "X-Extra": "more"}
    assert (answer.status, answer.headers[0], answer.body) == (404, ("X-Up", "1"), b'{"id": 7}')


@on_loop
async def test_a_server_s_status_chooses_the_answer() -> None:
    document, resource_id = api(
        "/a/{x}/d",
        type="HTTP",
        httpMethod="POST",
        uri="http://up.example/",
        requestTemplates={"application/json": '{"m": $input.json("$.n")}'},
    )
    for status in ("200", "418"):
        put_method_response(document, resource_id, "POST", status, {})
    put_integration_response(document, resource_id, "POST", "200", {})
    put_integration_response(
        document,
        resource_id,
        "POST",
        "418",
        {
            "selectionPattern": "4\\d{2}",
            "responseParameters": {"method.response.header.x-up": "integration.response.header.x-up"},
            "responseTemplates": {"application/json": '{"was": $input.path("$.id")}'},
        },
    )
    for status, expected in ((404, (418, b'{"was": 7}')), (500, (200, b'{"id": 7}'))):
        outside = Outside(status=status)
        answer = await Integrations(functions=Gate(), services=Nothing(), outbound=outside).call(
            exchange(document, SENT)
        )  # type: ignore[arg-type]
        assert (answer.status, answer.body) == expected
        assert outside.asked[0].body == b'{"m": 1}'
    assert dict(answer.headers) == {"content-type": "application/json"}


@on_loop
async def test_a_server_that_cannot_be_reached_is_an_integration_that_fails() -> None:
    document, _ = api("/a/{x}/d", type="HTTP_PROXY", httpMethod="ANY", uri="http://up.example/")
    outside = Outside(error=UnreachableError("no"))
    with pytest.raises(GatewayFault) as refused:
        await Integrations(functions=Gate(), services=Nothing(), outbound=outside).call(exchange(document, SENT))  # type: ignore[arg-type]
    assert (refused.value.kind, refused.value.status) == ("INTEGRATION_FAILURE", 504)


@on_loop
async def test_what_an_authorizer_said_is_forgotten_in_time() -> None:
    document, resource_id = api("/a/{x}/d", type="MOCK")
    authorizer = {
        "id": "z",
        "name": "z",
        "type": "TOKEN",
        "authorizerUri": FUNCTION,
        "authorizerResultTtlInSeconds": 60,
    }
    document["authorizers"]["z"] = {**authorizer, "identitySource": "method.request.header.x-a"}
    method = document["resources"][resource_id]["resourceMethods"]["POST"]
    method |= {"authorizationType": "CUSTOM", "authorizerId": "z"}
    clock, gate = FakeClock(), Gate()
    authorization = Authorization(functions=gate, access=Open(), clock=clock)  # type: ignore[arg-type]
    sent = exchange(document, SENT)
    for _ in range(2):
        assert (await authorization.authorize(sent)).context == {"n": "1"}
    clock.advance(61)
    assert (await authorization.authorize(sent)).context == {"n": "2"}
    authorization.forget("abc", "s")
    assert (await authorization.authorize(sent)).context == {"n": "3"}
    assert gate.calls[0] == {"type": "TOKEN", "methodArn": sent.method_arn, "authorizationToken": "1"}


def test_a_service_is_asked_by_its_path_or_its_action() -> None:
    def asked(uri: str) -> ServiceCall:
        found = service_call(
            f"arn:aws:apigateway:eu-west-1:{uri}",
            method="POST",
            query=[("a", "1 2")],
            headers=[],
            content_type="text/plain",
            body=b"x",
            role_arn="r",
            source_ip="",
        )
        assert found is not None
        return found

    path = asked("sqs:path/123/queue?x=y")
    assert (path.service, path.region, path.path, path.query) == ("sqs", "eu-west-1", "/123/queue", "x=y&a=1+2")
    assert path.headers == [("content-type", "text/plain")]
    item = asked("dynamodb:action/PutItem")
    assert (item.path, dict(item.headers)["x-amz-target"]) == ("/", "DynamoDB_20120810.PutItem")
    assert asked("sns:action/Publish").query == "Action=Publish&Version=2010-03-31&a=1+2"
