"""HTTP APIs made from OpenAPI documents, and documents made from them."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.http_api import ACCOUNT, HttpApi, allow
from fakes.live_server import REGION, LiveServer

HANDLER = """
def handler(event, context):
    return {"statusCode": 200, "body": event["routeKey"]}
"""


@pytest.fixture(scope="module")
def function(live_server: LiveServer) -> Iterator[str]:
    name = Deployment(live_server.client("lambda")).deploy(HANDLER)
    yield name
    live_server.client("lambda").delete_function(FunctionName=name)


def document(function: str) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "payloadFormatVersion": "2.0",
        "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    shared = {"x-amazon-apigateway-integration": {"$ref": "#/components/x-amazon-apigateway-integrations/fn"}}
    authorizer = {
        "type": "jwt",
        "jwtConfiguration": {"issuer": "https://issuer.example", "audience": ["me"]},
        "identitySource": "$request.header.Authorization",
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": f"pets-{uuid.uuid4().hex[:6]}", "version": "7"},
        "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "allowMethods": ["GET"]},
        "paths": {
            "/pets/{id}": {"get": {"operationId": "getPet", **shared}, "delete": {**shared, "security": [{"iam": []}]}},
            "/pets": {"post": {**shared, "security": [{"token": ["pets:write"]}]}},
            "/$default": {"x-amazon-apigateway-any-method": {"isDefaultRoute": True, **shared}},
        },
        "components": {
            "securitySchemes": {
                "iam": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
                "token": {"type": "oauth2", "x-amazon-apigateway-authorizer": authorizer},
            },
            "x-amazon-apigateway-integrations": {"fn": integration},
        },
    }


def test_an_imported_api_answers_and_its_export_imports_again(live_server: LiveServer, function: str) -> None:
    client = live_server.client("apigatewayv2")
    made = client.import_api(Body=json.dumps(document(function)))
    api = HttpApi(server=live_server, id=made["ApiId"])
    assert (made["Version"], made["CorsConfiguration"]["AllowOrigins"]) == ("7", ["*"])
    client.create_stage(ApiId=api.id, StageName="$default", AutoDeploy=True)
    allow(live_server, function, api.id)
    assert [api.call(path).body for path in ("/pets/7", "/elsewhere")] == [b"GET /pets/{id}", b"$default"]
    assert api.call("/pets", "POST").status == 401 and api.call("/pets/7", "DELETE").status == 403
    exported = client.export_api(ApiId=api.id, Specification="OAS30", OutputType="YAML")["body"].read()
    again = client.import_api(Body=exported.decode())

    def routes(api_id: str) -> list[Any]:
        kept = ("RouteKey", "AuthorizationType", "AuthorizationScopes", "OperationName")
        found = client.get_routes(ApiId=api_id)["Items"]
        return sorted(str({name: route.get(name) for name in kept}) for route in found)

    assert routes(again["ApiId"]) == routes(api.id)
    for each in (api.id, again["ApiId"]):
        client.delete_api(ApiId=each)


def test_importing_again_replaces_the_routes_and_keeps_the_address(live_server: LiveServer, function: str) -> None:
    client, first = live_server.client("apigatewayv2"), document(function)
    api_id = client.import_api(Body=json.dumps(first))["ApiId"]
    second = {**first, "paths": {"/new": first["paths"]["/pets"]}}
    client.reimport_api(ApiId=api_id, Body=json.dumps(second))
    assert [route["RouteKey"] for route in client.get_routes(ApiId=api_id)["Items"]] == ["POST /new"]
    assert len(client.get_integrations(ApiId=api_id)["Items"]) == 1
    client.delete_api(ApiId=api_id)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("no", "Invalid OpenAPI input"),
        ('{"swagger": "2.0", "info": {"title": "x"}}', "OpenAPI 3.0"),
        ('{"openapi": "3.0.1", "info": {"title": "x"}, "paths": {"/a": {"get": {}}}}', "no integration"),
    ],
)
def test_a_document_that_does_not_make_an_api_is_refused(live_server: LiveServer, body: str, message: str) -> None:
    client = live_server.client("apigatewayv2")
    with pytest.raises(client.exceptions.BadRequestException, match=message):
        client.import_api(Body=body, FailOnWarnings=True)
