"""REST APIs of a live server, called as browsers and plain HTTP clients do."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.http_api import ACCOUNT
from fakes.live_server import REGION, LiveServer
from fakes.rest_api import STAGE, RestApi, invocations_of, make_rest_api
from fakes.waiting import eventually
from fakes.wall_clock import DAY_S, with_room_in

HANDLER = """
import base64, json, time

def handler(event, context):
    if "httpMethod" not in event:
        if event.get("fail"):
            raise ValueError("no pets today")
        return event
    path = event["path"]
    if path.endswith("/fail"):
        raise ValueError("secret inside")
    if path.endswith("/slow"):
        time.sleep(5)
    if path.endswith("/text"):
        return "only text"
    if path.endswith("/extra"):
        return {"statusCode": 200, "surprise": 1}
    if path.endswith("/picture"):
        body = base64.b64encode(bytes([0, 255])).decode()
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}
    return {
        "statusCode": 201, "headers": {"X-Mine": "yes", "Connection": "close"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}, "body": json.dumps(event),
    }
"""
AUTHORIZER = """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    token = event.get("authorizationToken") or event["headers"].get("x-who", "")
    if token == "nobody":
        raise Exception("Unauthorized")
    if token == "broken":
        raise ValueError("inside")
    effect = "Deny" if token == "denied" else "Allow"
    resource = event["methodArn"] if token != "elsewhere" else "arn:aws:execute-api:*:*:other/*"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": token, "policyDocument": policy, "context": {"calls": calls, "arn": event["methodArn"]},
            "usageIdentifierKey": "k" * 20}
"""


@pytest.fixture(scope="module")
def deployment(live_server: LiveServer) -> Deployment:
    return Deployment(live_server.client("lambda"))


@pytest.fixture(scope="module")
def echo(deployment: Deployment) -> Iterator[str]:
    name = deployment.deploy(HANDLER)
    yield name
    deployment.client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def gate(deployment: Deployment) -> Iterator[str]:
    name = deployment.deploy(AUTHORIZER)
    yield name
    deployment.client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def api(live_server: LiveServer, echo: str) -> Iterator[RestApi]:
    made = make_rest_api(live_server, binaryMediaTypes=["image/png"], minimumCompressionSize=100_000)
    made.allow(echo)
    made.proxy("/", echo, "GET")
    made.proxy("/pets/{id}", echo)
    made.proxy("/pets/mine", echo, "GET")
    made.proxy("/any/{proxy+}", echo)
    made.deploy(variables={"colour": "red"})
    yield made
    made.client.delete_rest_api(restApiId=made.id)


@pytest.mark.parametrize("by_path", [False, True])
def test_an_api_answers_by_its_host_and_by_its_path(api: RestApi, by_path: bool) -> None:
    headers = {"Cookie": "c=1", "Accept": "text/html", "x-custom": "1"}
    answer = api.stage("/pets/7%2F8?a=1&a=2&b=", headers=headers, by_path=by_path)
    event = answer.json()
    assert (answer.status, answer.headers["x-mine"], answer.headers["content-type"]) == (201, "yes", "application/json")
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-amzn-remapped-connection"] == "close"
    assert answer.headers["x-amz-apigw-id"] == event["requestContext"]["extendedRequestId"]
    assert answer.headers["x-amzn-requestid"] == event["requestContext"]["requestId"]
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/pets/{id}", "/pets/7/8", "GET")
    assert event["pathParameters"] == {"id": "7/8"} and event["stageVariables"] == {"colour": "red"}
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert (event["headers"]["Accept"], event["headers"]["x-custom"]) == ("text/html", "1")
    assert event["multiValueHeaders"]["Cookie"] == ["c=1"] and event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["body"] is None and event["isBase64Encoded"] is False
    assert list(event) == [
        "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters",
        "multiValueQueryStringParameters", "pathParameters", "stageVariables", "requestContext", "body",
        "isBase64Encoded",
    ]  # fmt: skip


def test_the_context_of_a_request_is_as_aws_has_it(api: RestApi) -> None:
    context = api.stage("/pets/mine", headers={"User-Agent": "me"}).json()["requestContext"]
    assert (context["accountId"], context["apiId"], context["stage"]) == (ACCOUNT, api.id, STAGE)
    assert (context["path"], context["resourcePath"]) == (f"/{STAGE}/pets/mine", "/pets/mine")
    assert context["resourceId"] == api.resource("/pets/mine")
    assert context["domainPrefix"] == api.id and context["domainName"] == f"{api.id}.execute-api.{REGION}.localhost"
    assert context["identity"]["sourceIp"] == "127.0.0.1" and context["identity"]["userAgent"] == "me"
    assert context["identity"]["accessKey"] is None and context["protocol"] == "HTTP/1.1"
    assert context["requestTimeEpoch"] > 1_700_000_000_000 and context["requestTime"].endswith(" +0000")
    assert "authorizer" not in context


def test_the_closest_resource_answers(api: RestApi) -> None:
    at = {path: api.stage(path).json() for path in ("/", "/pets/mine", "/pets/2", "/any/a/b%20c", "/pets/2/")}
    assert [event["resource"] for event in at.values()] == [
        "/",
        "/pets/mine",
        "/pets/{id}",
        "/any/{proxy+}",
        "/pets/{id}",
    ]
    assert at["/any/a/b%20c"]["pathParameters"] == {"proxy": "a/b c"}


@pytest.mark.parametrize("path", ["/nothing", "/pets", "/any", "/pets/mine/x"])
def test_what_is_not_there_misses_a_token(api: RestApi, path: str) -> None:
    answer = api.stage(path)
    assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_a_method_that_is_not_there_misses_a_token_and_a_stage_is_forbidden(api: RestApi) -> None:
    assert api.stage("/pets/mine", "POST").status == 403
    answer = api.call("/nothing/pets/1")
    assert (answer.status, answer.json(), answer.headers["x-amzn-errortype"]) == (
        403,
        {"message": "Forbidden"},
        "ForbiddenException",
    )


@pytest.mark.parametrize("path", ["/any/fail", "/any/text", "/any/extra"])
def test_no_answer_can_be_made_of_what_a_function_gives(api: RestApi, path: str) -> None:
    answer = api.stage(path)
    assert (answer.status, answer.json()) == (502, {"message": "Internal server error"})
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


def test_bodies_are_text_unless_the_api_says_that_their_type_is_binary(api: RestApi) -> None:
    text = api.stage(
        "/pets/1", "POST", "a=1&b=%20", headers={"Content-Type": "application/x-www-form-urlencoded"}
    ).json()
    assert (text["body"], text["isBase64Encoded"]) == ("a=1&b=%20", False)
    picture = api.stage("/pets/1", "POST", b"\x00\xff", headers={"Content-Type": "image/png"}).json()
    assert base64.b64decode(picture["body"]) == b"\x00\xff" and picture["isBase64Encoded"] is True


def test_a_picture_comes_out_as_such_for_who_accepts_it(api: RestApi) -> None:
    assert api.stage("/any/picture", headers={"Accept": "image/png,*/*"}).body == b"\x00\xff"
    assert api.stage("/any/picture", headers={"Accept": "text/html"}).body == b"AP8="


def test_large_answers_are_compressed_where_the_api_wants_it(api: RestApi) -> None:
    body = "x" * 200_000
    packed = api.stage("/pets/1", "POST", body, headers={"Accept-Encoding": "gzip, deflate"})
    assert packed.headers["content-encoding"] == "gzip" and len(packed.body) < 20_000
    assert api.stage("/pets/1", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] is None


def test_more_than_10_mb_is_too_long(api: RestApi) -> None:
    answer = api.stage("/pets/1", "POST", None, headers={"Content-Length": str(10 * 1024 * 1024 + 1)})
    assert (answer.status, answer.json()) == (413, {"message": "Request Too Long"})


def test_a_function_that_is_too_slow_times_out(live_server: LiveServer, echo: str) -> None:
    api = make_rest_api(live_server)
    api.allow(echo)
    names = api.method("/slow")
    api.client.put_integration(
        **names, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocations_of(echo), timeoutInMillis=300
    )
    api.deploy()
    answer = api.stage("/slow")
    assert (answer.status, answer.json()) == (504, {"message": "Endpoint request timed out"})


def test_a_function_that_does_not_let_the_api_in_is_not_called(live_server: LiveServer, echo: str) -> None:
    api = make_rest_api(live_server)
    api.proxy("/", echo)
    api.deploy()
    answer = api.stage("/")
    assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})
    api.allow(echo)
    assert api.stage("/").status == 201


def test_an_edit_shows_once_it_is_deployed(live_server: LiveServer, echo: str) -> None:
    api = make_rest_api(live_server)
    api.allow(echo)
    api.proxy("/a", echo)
    first = api.deploy()
    api.proxy("/b", echo)
    assert (api.stage("/a").status, api.stage("/b").status) == (201, 403)
    second = api.deploy()
    assert api.stage("/b").status == 201
    assert api.stage("/b").json()["requestContext"]["deploymentId"] == second
    back = {"op": "replace", "path": "/deploymentId", "value": first}
    api.client.update_stage(restApiId=api.id, stageName=STAGE, patchOperations=[back])
    assert api.stage("/b").status == 403


def test_a_token_authorizer_says_who_may(live_server: LiveServer, echo: str, gate: str) -> None:
    api = make_rest_api(live_server)
    api.allow(echo)
    api.allow(gate)
    authorizer = api.client.create_authorizer(
        restApiId=api.id,
        name="gate",
        type="TOKEN",
        authorizerUri=invocations_of(gate),
        identitySource="method.request.header.Auth",
        identityValidationExpression="[a-z]+",
    )["id"]
    api.proxy("/{proxy+}", echo, authorizationType="CUSTOM", authorizerId=authorizer)
    api.deploy()

    def call(token: str | None, path: str = "/a") -> Any:
        return api.stage(path, headers={} if token is None else {"Auth": token})

    first, again = (
        call("ann").json()["requestContext"]["authorizer"],
        call("ann").json()["requestContext"]["authorizer"],
    )
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{STAGE}/GET/a"
    assert first == again == {"principalId": "ann", "calls": first["calls"], "arn": arn}
    # What was said for one method is remembered, and is not about the other.
    assert (call("ann", "/b").status, call("ann", "/b").json()) == (
        403,
        {"Message": "User is not authorized to access this resource"},
    )
    api.client.flush_stage_authorizers_cache(restApiId=api.id, stageName=STAGE)
    assert call("ann", "/b").status == 201
    refused = {token: (call(token).status, call(token).json()) for token in (None, "NO", "nobody", "broken", "denied")}
    unauthorized = (401, {"message": "Unauthorized"})
    assert refused[None] == refused["NO"] == refused["nobody"] == unauthorized
    assert refused["broken"] == (500, {"message": None})
    assert refused["denied"] == (
        403,
        {"Message": "User is not authorized to access this resource with an explicit deny"},
    )


def test_a_request_authorizer_sees_the_request_and_may_name_a_key(
    live_server: LiveServer, echo: str, gate: str
) -> None:
    api = make_rest_api(live_server, apiKeySource="AUTHORIZER")
    api.allow(echo)
    api.allow(gate)
    authorizer = api.client.create_authorizer(
        restApiId=api.id,
        name="gate",
        type="REQUEST",
        authorizerUri=invocations_of(gate),
        identitySource="method.request.header.x-who, context.httpMethod",
        authorizerResultTtlInSeconds=60,
    )["id"]
    api.proxy("/", echo, authorizationType="CUSTOM", authorizerId=authorizer, apiKeyRequired=True)
    api.deploy()
    assert api.stage("/").status == 401
    assert api.stage("/", headers={"x-who": "ann"}).json() == {"message": "Forbidden"}
    key = api.client.create_api_key(name="k", value="k" * 20, enabled=True)["id"]
    plan = api.client.create_usage_plan(name="p", apiStages=[{"apiId": api.id, "stage": STAGE}])["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    event = api.stage("/", headers={"x-who": "ann"}).json()
    assert event["requestContext"]["authorizer"]["principalId"] == "ann"
    assert event["requestContext"]["identity"]["apiKeyId"] == key
    api.client.delete_api_key(apiKey=key)


def test_signed_calls_are_made_as_their_signer(live_server: LiveServer, echo: str) -> None:
    api = make_rest_api(live_server)
    api.allow(echo)
    api.proxy("/", echo, authorizationType="AWS_IAM")
    api.deploy()
    answer = api.stage("/")
    assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})
    event = api.signed(f"/{STAGE}/").json()
    assert event["requestContext"]["identity"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert api.signed(f"/{STAGE}/", secret="wrong").status == 403
    iam = live_server.client("iam")
    iam.create_user(UserName="caller")
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    signer = {"access_key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    refused = api.signed(f"/{STAGE}/", **signer)
    assert refused.status == 403 and "is not authorized to perform: execute-api:Invoke" in refused.json()["Message"]
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/{STAGE}/GET/"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="caller", PolicyName="call", PolicyDocument=document)
    assert api.signed(f"/{STAGE}/", **signer).status == 201


def test_a_resource_policy_keeps_out_whom_it_does_not_let_in(live_server: LiveServer, echo: str) -> None:
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*/GET/*"}
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
        "Condition": {"StringEquals": {"aws:UserAgent": "x"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed, denied]})
    api = make_rest_api(live_server, policy=policy)
    api.allow(echo)
    api.proxy("/a", echo)
    api.deploy()
    assert api.stage("/a").status == 201
    answer = api.stage("/a", "POST")
    who = f"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:{REGION}"
    assert answer.status == 403
    assert answer.json() == {"Message": f"{who}:********0000:{api.id}/{STAGE}/POST/a"}


def test_keys_open_stages_as_often_and_as_fast_as_their_plan_says(live_server: LiveServer, echo: str) -> None:
    api = make_rest_api(live_server)
    api.allow(echo)
    api.proxy("/", echo, apiKeyRequired=True)
    api.deploy()
    client, stage = api.client, [{"apiId": api.id, "stage": STAGE}]
    with_room_in(DAY_S, 120)
    key = client.create_api_key(name="ann", enabled=True)

    def call() -> tuple[int, Any]:
        answer = api.stage("/", headers={"X-API-Key": key["value"]})
        return answer.status, answer.json() if answer.status != 201 else None

    assert api.stage("/").json() == {"message": "Forbidden"} and call()[0] == 403
    plan = client.create_usage_plan(name="few", apiStages=stage, quota={"limit": 2, "period": "DAY"})["id"]
    client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    assert [call()[0], call()[0], call()] == [201, 201, (429, {"message": "Limit Exceeded"})]
    today = datetime.now(UTC).date().isoformat()
    used = client.get_usage(usagePlanId=plan, startDate=today, endDate=today)["items"]
    assert used == {key["id"]: [[2, 0]]}
    patch = [{"op": "replace", "path": "/quota/limit", "value": "100"}]
    patch += [{"op": "replace", "path": f"/throttle/{name}", "value": "1"} for name in ("rateLimit", "burstLimit")]
    client.update_usage_plan(usagePlanId=plan, patchOperations=patch)
    eventually(lambda: call() == (429, {"message": "Too Many Requests"}), "one too many for a second")
    off = [{"op": "replace", "path": "/enabled", "value": "false"}]
    client.update_api_key(apiKey=key["id"], patchOperations=off)
    assert call() == (403, {"message": "Forbidden"})


def test_a_stage_s_limit_holds_for_everybody(live_server: LiveServer) -> None:
    api = make_rest_api(live_server)
    api.mock("/a", "{}", http_method="GET")
    api.deploy()
    patch = [
        {"op": "replace", "path": f"/~1a/GET/throttling/{name}", "value": "1"} for name in ("rateLimit", "burstLimit")
    ]
    api.client.update_stage(restApiId=api.id, stageName=STAGE, patchOperations=patch)
    assert {api.stage("/a").status for _ in range(5)} >= {200, 429}


def test_what_the_gateway_says_itself_can_be_worded_anew(api: RestApi, live_server: LiveServer) -> None:
    own = make_rest_api(live_server)
    own.mock("/", "{}", http_method="GET")
    own.client.put_gateway_response(
        restApiId=own.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
        responseTemplates={
            "application/json": '{"error": $context.error.messageString, "of": "$context.error.responseType"}'
        },
    )
    own.deploy()
    answer = own.stage("/nothing")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (404, "*")
    assert answer.json() == {"error": "Missing Authentication Token", "of": "MISSING_AUTHENTICATION_TOKEN"}


def test_an_api_need_not_answer_at_its_own_address(live_server: LiveServer) -> None:
    api = make_rest_api(live_server, disableExecuteApiEndpoint=True)
    api.mock("/", '{"base": "$context.path"}', http_method="GET")
    api.deploy()
    name = f"api{api.id}.example.com"
    api.client.create_domain_name(
        domainName=name,
        regionalCertificateArn="arn:aws:acm:us-east-1:0:certificate/x",
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    api.client.create_base_path_mapping(domainName=name, basePath="shop", restApiId=api.id, stage=STAGE)
    assert api.stage("/").status == 403
    assert api.call("/shop/", host=name).json() == {"base": "/shop/"}
    assert api.client.get_base_path_mappings(domainName=name)["items"] == [
        {"basePath": "shop", "restApiId": api.id, "stage": STAGE}
    ]
    api.client.delete_domain_name(domainName=name)


def test_methods_must_not_be_without_what_they_require(live_server: LiveServer) -> None:
    api = make_rest_api(live_server)
    client = api.client
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "required": ["name"]}
    client.create_model(restApiId=api.id, name="Pet", contentType="application/json", schema=json.dumps(schema))
    validator = client.create_request_validator(
        restApiId=api.id, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    required = {"method.request.querystring.q": True, "method.request.header.X-H": True}
    api.mock(
        "/",
        '{"ok": true}',
        requestValidatorId=validator,
        requestModels={"application/json": "Pet"},
        requestParameters=required,
    )
    api.deploy()
    headers = {"Content-Type": "application/json", "X-H": "1"}
    missing = api.stage("/", "POST", '{"name": 1}', headers={"Content-Type": "application/json"})
    assert (missing.status, missing.json()) == (400, {"message": "Missing required request parameters: [q, X-H]"})
    wrong = api.stage("/?q=1", "POST", "{}", headers=headers)
    assert (wrong.status, wrong.json()) == (400, {"message": "Invalid request body"})
    assert wrong.headers["x-amzn-errortype"] == "BadRequestException"
    assert api.stage("/?q=1", "POST", '{"name": 1}', headers=headers).json() == {"ok": True}


def test_a_stage_s_access_log_has_a_line_for_each_request(live_server: LiveServer, echo: str) -> None:
    api = make_rest_api(live_server)
    api.allow(echo)
    api.proxy("/pets/{id}", echo)
    api.deploy()
    logs, group = live_server.client("logs"), f"/apis/{api.id}"
    logs.create_log_group(logGroupName=group)
    form = '{"id": "$context.requestId", "at": "$context.resourcePath", "x": "$context.no", "status": $context.status}'
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    patch = [
        {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value}
        for name, value in (("destinationArn", arn), ("format", form))
    ]
    update = {"restApiId": api.id, "stageName": STAGE, "patchOperations": patch}
    account = api.client.get_account()
    if "cloudwatchRoleArn" not in account:
        with pytest.raises(api.client.exceptions.BadRequestException, match="CloudWatch Logs role ARN must be set"):
            api.client.update_stage(**update)
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = live_server.client("iam").create_role(
        RoleName=f"logs-{api.id}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    api.client.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    assert api.client.update_stage(**update)["accessLogSettings"] == {"destinationArn": arn, "format": form}
    known, missing = api.stage("/pets/1"), api.stage("/nothing")
    lines = eventually(lambda: _lines(logs, group, 2), "two lines in the log")
    assert lines == [
        {"id": known.headers["x-amzn-requestid"], "at": "/pets/{id}", "status": 201, "x": "-"},
        {"id": missing.headers["x-amzn-requestid"], "at": "-", "status": 403, "x": "-"},
    ]


def _lines(logs: Any, group: str, count: int) -> list[Any]:
    events = logs.filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"]) for event in events] if len(events) == count else []


def test_stages_answer_as_before_after_kill_9(own_server: LiveServer) -> None:
    own_server.start()
    with_room_in(DAY_S, 120)
    api = make_rest_api(own_server)
    api.mock("/", '{"at": "$stageVariables.at"}', http_method="GET", apiKeyRequired=True)
    api.deploy(variables={"at": "home"})
    key = api.client.create_api_key(name="k", enabled=True)
    stages = [{"apiId": api.id, "stage": STAGE}]
    plan = api.client.create_usage_plan(name="p", apiStages=stages, quota={"limit": 2, "period": "MONTH"})["id"]
    api.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    headers = {"x-api-key": key["value"]}
    assert [api.stage("/", headers=headers).status for _ in range(2)] == [200, 200]
    # Whoever asks for it sees what is written down.
    today = datetime.now(UTC).date().isoformat()
    used = api.client.get_usage(usagePlanId=plan, startDate=today, endDate=today)["items"]
    assert used == {key["id"]: [[2, 0]]}
    own_server.kill()
    own_server.start()
    assert api.stage("/", headers=headers).json() == {"message": "Limit Exceeded"}
    patch = [{"op": "replace", "path": "/quota/limit", "value": "3"}]
    api.client.update_usage_plan(usagePlanId=plan, patchOperations=patch)
    assert api.stage("/", headers=headers).json() == {"at": "home"}
