"""The API Gateway API of a live server, as SDKs and tools that read back what they wrote use it."""

import json
from typing import Any

import pytest

from fakes.http_api import ACCOUNT
from fakes.live_server import REGION, LiveServer
from fakes.rest_api import STAGE, RestApi, invocations_of, make_rest_api

FUNCTION = invocations_of("somebody")
SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "pets", "version": "7", "description": "all of them"},
    "basePath": "/v1",
    "x-amazon-apigateway-binary-media-types": ["image/png"],
    "x-amazon-apigateway-request-validators": {
        "body": {"validateRequestBody": True, "validateRequestParameters": False}
    },
    "x-amazon-apigateway-gateway-responses": {
        "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.X-A": "'1'"}, "statusCode": 418}
    },
    "securityDefinitions": {
        "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        "sigv4": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "gate": {
            "type": "apiKey",
            "name": "Auth",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
                "type": "token",
                "authorizerUri": FUNCTION,
                "authorizerResultTtlInSeconds": 60,
            },
        },
    },
    "definitions": {
        "Pet": {"type": "object", "required": ["name"], "properties": {"owner": {"$ref": "#/definitions/Owner"}}},
        "Owner": {"type": "object", "required": ["id"]},
    },
    "paths": {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
            "get": {
                "operationId": "GetPet",
                "security": [{"api_key": []}, {"gate": []}],
                "parameters": [{"name": "q", "in": "query", "required": False, "type": "string"}],
                "responses": {"200": {"description": "a pet", "schema": {"$ref": "#/definitions/Pet"}}},
                "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": FUNCTION},
            },
        },
        "/pets": {
            "post": {
                "parameters": [{"in": "body", "name": "Pet", "schema": {"$ref": "#/definitions/Pet"}}],
                "x-amazon-apigateway-request-validator": "body",
                "responses": {"200": {"description": "ok", "headers": {"X-B": {"type": "string"}}}},
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": {"application/json": '{"statusCode": 200}'},
                    "responses": {
                        "default": {
                            "statusCode": "200",
                            "responseParameters": {"method.response.header.X-B": "'b'"},
                            "responseTemplates": {"application/json": '{"made": true}'},
                        }
                    },
                },
            }
        },
        "/{proxy+}": {
            "x-amazon-apigateway-any-method": {
                "security": [{"sigv4": []}],
                "responses": {},
                "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": FUNCTION},
            }
        },
    },
}
OPENAPI = """
openapi: 3.0.1
info: {title: small, version: "1"}
paths:
  /a:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [n]}
      x-amazon-apigateway-request-validator: all
      responses: {"200": {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Out'}}}}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: 200, responseTemplates: {application/json: '{"n": 1}'}}}
components:
  schemas:
    Out: {type: object}
x-amazon-apigateway-request-validators:
  all: {validateRequestBody: true, validateRequestParameters: true}
"""


@pytest.fixture(scope="module")
def client(live_server: LiveServer) -> Any:
    return live_server.client("apigateway")


def test_an_api_reads_back_as_it_was_made_and_patched(live_server: LiveServer, client: Any) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        ],
    }
    made = client.create_rest_api(
        name="mine", description="d", policy=json.dumps(policy), endpointConfiguration={"types": ["REGIONAL"]},
        tags={"a": "1"}, binaryMediaTypes=["image/png"],
    )  # fmt: skip
    api_id = made["id"]
    found = client.get_rest_api(restApiId=api_id)
    assert {**found, "ResponseMetadata": 0} == {**made, "ResponseMetadata": 0}
    assert (found["apiKeySource"], found["disableExecuteApiEndpoint"]) == ("HEADER", False)
    assert found["endpointConfiguration"] == {"types": ["REGIONAL"], "ipAddressType": "ipv4"}
    # Its quotes are escaped once more, as Terraform expects.
    kept = json.loads(json.loads(f'"{found["policy"]}"'))
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/*"
    assert kept["Statement"][0]["Resource"] == arn
    patch = [
        {"op": "replace", "path": "/name", "value": "other"},
        {"op": "add", "path": "/binaryMediaTypes/image~1gif"},
        {"op": "remove", "path": "/binaryMediaTypes/image~1png"},
        {"op": "replace", "path": "/minimumCompressionSize", "value": "10"},
        {"op": "replace", "path": "/endpointConfiguration/types/REGIONAL", "value": "EDGE"},
        {"op": "replace", "path": "/policy", "value": ""},
    ]
    patched = client.update_rest_api(restApiId=api_id, patchOperations=patch)
    assert (patched["name"], patched["binaryMediaTypes"], patched["minimumCompressionSize"]) == (
        "other",
        ["image/gif"],
        10,
    )
    assert patched["endpointConfiguration"]["types"] == ["EDGE"] and "policy" not in patched
    cleared = [{"op": "replace", "path": "/minimumCompressionSize", "value": ""}]
    assert "minimumCompressionSize" not in client.update_rest_api(restApiId=api_id, patchOperations=cleared)
    with pytest.raises(client.exceptions.BadRequestException, match="Invalid patch path"):
        client.update_rest_api(restApiId=api_id, patchOperations=[{"op": "replace", "path": "/id", "value": "x"}])
    api_arn = f"arn:aws:apigateway:{REGION}::/restapis/{api_id}"
    client.tag_resource(resourceArn=api_arn, tags={"b": "2"})
    client.untag_resource(resourceArn=api_arn, tagKeys=["a"])
    assert client.get_tags(resourceArn=api_arn)["tags"] == {"b": "2"}
    assert api_id in [item["id"] for item in client.get_rest_apis(limit=500)["items"]]
    client.delete_rest_api(restApiId=api_id)
    with pytest.raises(
        client.exceptions.NotFoundException, match=f"Invalid API identifier specified {ACCOUNT}:{api_id}"
    ):
        client.get_rest_api(restApiId=api_id)


def test_resources_are_a_tree(live_server: LiveServer, client: Any) -> None:
    api = make_rest_api(live_server)
    errors = client.exceptions
    pet = api.resource("/pets/{id}")
    assert client.get_resource(restApiId=api.id, resourceId=pet)["path"] == "/pets/{id}"
    for part, error in [
        ("{id}", errors.ConflictException),
        ("{other}", errors.BadRequestException),
        ("a b", errors.BadRequestException),
    ]:
        with pytest.raises(error):
            client.create_resource(restApiId=api.id, parentId=api.resource("/pets"), pathPart=part)
    rest = api.resource("/pets/{rest+}")
    with pytest.raises(errors.BadRequestException, match="greedy"):
        client.create_resource(restApiId=api.id, parentId=rest, pathPart="x")
    moved = [{"op": "replace", "path": "/pathPart", "value": "animals"}]
    client.update_resource(restApiId=api.id, resourceId=api.resource("/pets"), patchOperations=moved)
    paths = {item["path"] for item in client.get_resources(restApiId=api.id)["items"]}
    assert paths == {"/", "/animals", "/animals/{id}", "/animals/{rest+}"}
    client.delete_resource(restApiId=api.id, resourceId=api.resource("/animals"))
    assert [item["path"] for item in client.get_resources(restApiId=api.id)["items"]] == ["/"]
    with pytest.raises(errors.BadRequestException, match="The REST API doesn't contain any methods"):
        api.deploy()


def test_methods_and_their_integrations_read_back(live_server: LiveServer, client: Any) -> None:
    api = make_rest_api(live_server)
    names = api.method("/", "GET", requestParameters={"method.request.querystring.q": True})
    with pytest.raises(client.exceptions.BadRequestException, match="No integration defined for method"):
        api.deploy()
    with pytest.raises(client.exceptions.ConflictException, match="Method already exists"):
        client.put_method(**names, authorizationType="NONE")
    made = client.put_integration(**names, type="HTTP", integrationHttpMethod="POST", uri="https://example.com/{x}")
    assert (made["timeoutInMillis"], made["passthroughBehavior"], made["cacheNamespace"]) == (
        29000,
        "WHEN_NO_MATCH",
        names["resourceId"],
    )
    client.put_method_response(**names, statusCode="200", responseModels={"application/json": "Empty"})
    client.put_integration_response(**names, statusCode="200", selectionPattern="2..")
    patch = [
        {"op": "replace", "path": "/uri", "value": "https://example.org"},
        {"op": "add", "path": "/requestParameters/integration.request.header.X", "value": "'1'"},
        {"op": "add", "path": "/requestTemplates/application~1json", "value": "{}"},
    ]
    client.update_integration(**names, patchOperations=patch)
    method = client.get_method(**names)
    assert method["requestParameters"] == {"method.request.querystring.q": True}
    assert method["methodResponses"]["200"]["responseModels"] == {"application/json": "Empty"}
    integration = method["methodIntegration"]
    assert (integration["uri"], integration["httpMethod"]) == ("https://example.org", "POST")
    assert integration["requestParameters"] == {"integration.request.header.X": "'1'"}
    assert integration["integrationResponses"]["200"]["selectionPattern"] == "2.."
    in_use = client.get_resources(restApiId=api.id, embed=["methods"])["items"][0]["resourceMethods"]["GET"]
    assert in_use["methodIntegration"]["uri"] == "https://example.org"
    client.delete_integration_response(**names, statusCode="200")
    client.delete_method(**names)
    with pytest.raises(client.exceptions.NotFoundException, match="Invalid Method identifier specified"):
        client.get_method(**names)


def test_deployments_are_kept_while_a_stage_has_them(live_server: LiveServer, client: Any) -> None:
    api = make_rest_api(live_server)
    api.mock("/", "{}")
    first, second = api.deploy(description="one"), api.deploy()
    with pytest.raises(client.exceptions.BadRequestException, match="Active stages pointing"):
        client.delete_deployment(restApiId=api.id, deploymentId=second)
    client.delete_deployment(restApiId=api.id, deploymentId=first)
    summary = client.get_deployment(restApiId=api.id, deploymentId=second, embed=["apisummary"])["apiSummary"]
    assert summary == {"/": {"POST": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    stage = client.create_stage(restApiId=api.id, stageName="more", deploymentId=second, variables={"a": "b"})
    assert (stage["cacheClusterEnabled"], stage["cacheClusterStatus"]) == (False, "NOT_AVAILABLE")
    assert "tags" not in stage
    patch = [
        {"op": "replace", "path": "/variables/a", "value": "c"},
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5.5"},
    ]
    stage = client.update_stage(restApiId=api.id, stageName="more", patchOperations=patch)
    assert stage["variables"] == {"a": "c"} and stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 5.5
    assert [it["stageName"] for it in client.get_stages(restApiId=api.id)["item"]] == ["more", STAGE]
    for wrong in ({"cacheClusterEnabled": True}, {"canarySettings": {"percentTraffic": 5.0}}, {"tracingEnabled": True}):
        with pytest.raises(client.exceptions.ClientError, match="is not there yet in Stoker"):
            client.create_stage(restApiId=api.id, stageName="s", deploymentId=second, **wrong)
    client.delete_stage(restApiId=api.id, stageName="more")


def test_an_import_makes_what_the_document_says(live_server: LiveServer, client: Any) -> None:
    made = client.import_rest_api(body=json.dumps(SWAGGER), parameters={"endpointConfigurationTypes": "REGIONAL"})
    api = RestApi(server=live_server, id=made["id"])
    assert (made["name"], made["version"], made["binaryMediaTypes"]) == ("pets", "7", ["image/png"])
    authorizer = client.get_authorizers(restApiId=api.id)["items"][0]
    assert (authorizer["name"], authorizer["type"], authorizer["identitySource"]) == (
        "gate",
        "TOKEN",
        "method.request.header.Auth",
    )
    get = client.get_method(restApiId=api.id, resourceId=api.resource("/pets/{id}"), httpMethod="GET")
    assert (get["apiKeyRequired"], get["authorizationType"], get["authorizerId"]) == (True, "CUSTOM", authorizer["id"])
    assert get["requestParameters"] == {"method.request.path.id": True, "method.request.querystring.q": False}
    assert get["methodResponses"]["200"]["responseModels"] == {"application/json": "Pet"}
    anything = client.get_method(restApiId=api.id, resourceId=api.resource("/{proxy+}"), httpMethod="ANY")
    assert (anything["authorizationType"], anything["methodIntegration"]["type"]) == ("AWS_IAM", "AWS_PROXY")
    api.deploy()
    headers = {"Content-Type": "application/json"}
    good = api.stage("/pets", "POST", '{"name": "rex", "owner": {"id": 1}}', headers=headers)
    assert (good.json(), good.headers["x-b"]) == ({"made": True}, "b")
    bad = api.stage("/pets", "POST", '{"name": "rex", "owner": {}}', headers=headers)
    assert (bad.status, bad.headers["x-a"], bad.json()) == (418, "1", {"message": "Invalid request body"})


def test_an_export_can_be_imported_again(live_server: LiveServer, client: Any) -> None:
    first = RestApi(server=live_server, id=client.import_rest_api(body=json.dumps(SWAGGER))["id"])
    first.deploy()
    for kind in ("swagger", "oas30"):
        exported = client.get_export(
            restApiId=first.id, stageName=STAGE, exportType=kind, parameters={"extensions": "apigateway"}
        )["body"].read()
        again = RestApi(server=live_server, id=client.import_rest_api(body=exported)["id"])
        again.deploy()
        twice = client.get_export(
            restApiId=again.id, stageName=STAGE, exportType=kind, parameters={"extensions": "apigateway"}
        )["body"].read()
        assert json.loads(twice)["paths"].keys() == SWAGGER["paths"].keys()
        assert _without_ids(json.loads(exported), first.id) == _without_ids(json.loads(twice), again.id)
    in_yaml = client.get_export(restApiId=first.id, stageName=STAGE, exportType="oas30", accepts="application/yaml")
    assert in_yaml["body"].read().startswith(b"openapi: 3.0.1\ninfo:\n  title: pets\n")
    clone = client.create_rest_api(name="clone", cloneFrom=first.id)
    assert (clone["description"], clone["binaryMediaTypes"]) == ("all of them", ["image/png"])
    assert len(client.get_resources(restApiId=clone["id"])["items"]) == 4


def _without_ids(document: dict[str, Any], api_id: str) -> Any:
    """Cache namespaces are ids of resources."""
    for methods in document["paths"].values():
        for method in methods.values():
            method.get("x-amazon-apigateway-integration", {}).pop("cacheNamespace", None)
    return json.loads(json.dumps(document, sort_keys=True).replace(api_id, "API"))


def test_yaml_in_its_third_version_is_imported_and_replaced(live_server: LiveServer, client: Any) -> None:
    api = RestApi(server=live_server, id=client.import_rest_api(body=OPENAPI.encode())["id"])
    before = api.resource("/a")
    replaced = OPENAPI.replace("/a:", "/b:").replace("small", "large")
    assert client.put_rest_api(restApiId=api.id, mode="merge", body=replaced.encode())["name"] == "large"
    assert {it["path"] for it in client.get_resources(restApiId=api.id)["items"]} == {"/", "/a", "/b"}
    client.put_rest_api(restApiId=api.id, mode="overwrite", body=OPENAPI.encode())
    assert {it["path"]: it["id"] for it in client.get_resources(restApiId=api.id)["items"]}["/a"] == before
    assert {it["path"] for it in client.get_resources(restApiId=api.id)["items"]} == {"/", "/a"}
    api.deploy()
    headers = {"Content-Type": "application/json"}
    assert [api.stage("/a", "POST", body, headers=headers).status for body in ("{}", '{"n": 1}')] == [400, 200]
    for wrong in (b"nothing", b"a: [1", b"swagger: &x [*x]"):
        with pytest.raises(client.exceptions.BadRequestException, match="Invalid OpenAPI input"):
            client.import_rest_api(body=wrong)


def test_models_validators_authorizers_and_gateway_responses_read_back(live_server: LiveServer, client: Any) -> None:
    api = make_rest_api(live_server)
    here = {"restApiId": api.id}
    assert [it["name"] for it in client.get_models(**here)["items"]] == ["Empty", "Error"]
    with pytest.raises(client.exceptions.BadRequestException, match="Invalid model schema"):
        client.create_model(**here, name="Bad", contentType="application/json", schema='{"type": 1}')
    client.create_model(**here, name="Pet", contentType="application/json", schema='{"type": "object"}')
    patch = [{"op": "replace", "path": "/schema", "value": '{"type": "array"}'}]
    assert client.update_model(**here, modelName="Pet", patchOperations=patch)["schema"] == '{"type": "array"}'
    api.mock("/", requestModels={"application/json": "Pet"})
    with pytest.raises(client.exceptions.ConflictException, match="Cannot delete model 'Pet'"):
        client.delete_model(**here, modelName="Pet")
    validator = client.create_request_validator(**here, name="v", validateRequestBody=True)
    assert validator["validateRequestParameters"] is False
    with pytest.raises(client.exceptions.BadRequestException, match="Invalid Authorizer URI"):
        client.create_authorizer(
            **here, name="a", type="TOKEN", authorizerUri="x", identitySource="method.request.header.A"
        )
    with pytest.raises(client.exceptions.ClientError, match="Cognito"):
        client.create_authorizer(**here, name="a", type="COGNITO_USER_POOLS", providerARNs=["arn:aws:cognito-idp:x"])
    shown = client.get_gateway_response(**here, responseType="THROTTLED")
    assert (shown["statusCode"], shown["defaultResponse"]) == ("429", True)
    patch = [{"op": "replace", "path": "/statusCode", "value": "503"}]
    client.update_gateway_response(**here, responseType="THROTTLED", patchOperations=patch)
    assert client.get_gateway_response(**here, responseType="THROTTLED")["defaultResponse"] is False
    client.delete_gateway_response(**here, responseType="THROTTLED")
    assert len(client.get_gateway_responses(**here, limit=100)["items"]) == 21


def test_the_account_says_which_role_writes_logs(client: Any, live_server: LiveServer) -> None:
    account = client.get_account()
    assert account["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10000.0}
    patch = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": f"arn:aws:iam::{ACCOUNT}:role/nobody"}]
    with pytest.raises(client.exceptions.BadRequestException, match="The role ARN does not have required permissions"):
        client.update_account(patchOperations=patch)


def test_what_is_not_built_says_so(client: Any, live_server: LiveServer) -> None:
    api = make_rest_api(live_server)
    for call in (
        lambda: client.get_sdk(restApiId=api.id, stageName="s", sdkType="javascript"),
        lambda: client.create_vpc_link(name="v", targetArns=["arn:aws:elasticloadbalancing:x"]),
        lambda: client.generate_client_certificate(),
        lambda: client.create_rest_api(name="p", endpointConfiguration={"types": ["PRIVATE"]}),
    ):
        with pytest.raises(client.exceptions.ClientError) as refused:
            call()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_user_may_only_do_what_its_policy_says_of_paths(live_server: LiveServer) -> None:
    iam = live_server.client("iam")
    iam.create_user(UserName="gateway-reader")
    key = iam.create_access_key(UserName="gateway-reader")["AccessKey"]
    api = make_rest_api(live_server)
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{api.id}/*"
    statement = {"Effect": "Allow", "Action": "apigateway:GET", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="gateway-reader", PolicyName="own", PolicyDocument=document)
    theirs = live_server.client("apigateway", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    assert theirs.get_resources(restApiId=api.id)["items"]
    with pytest.raises(theirs.exceptions.ClientError, match="not authorized to perform: apigateway:DELETE"):
        theirs.delete_rest_api(restApiId=api.id)
