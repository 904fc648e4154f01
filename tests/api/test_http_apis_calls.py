"""HTTP APIs of a live server, called as browsers and plain HTTP clients do."""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.http_api import ACCOUNT, HttpApi, allow, make_api, text_of
from fakes.live_server import REGION, LiveServer
from fakes.waiting import eventually

HANDLER = """
import base64, json, time

def handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path.endswith("/fail"):
        raise ValueError("secret inside")
    if path.endswith("/sleep"):
        time.sleep(1)
    if path.endswith("/malformed"):
        return {"statusCode": "ok"}
    if path.endswith("/plain"):
        return {"just": "this"}
    if path.endswith("/picture"):
        body = base64.b64encode(bytes([0, 255])).decode()
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}
    if event["version"] == "1.0":
        answer = {"statusCode": 202, "multiValueHeaders": {"X-Many": ["1", "2"]}}
    else:
        answer = {"statusCode": 201, "headers": {"X-Mine": "yes"}, "cookies": ["a=1", "b=2"]}
    return {**answer, "body": json.dumps(event)}
"""
AUTHORIZER = """
calls = 0

def handler(event, context):
    global calls
    calls += 1
    who = event["headers"].get("authorization", "")
    if who == "broken":
        raise ValueError("no")
    if "routeArn" in event:
        return {"isAuthorized": who == "let me in", "context": {"calls": calls, "arn": event["routeArn"]}}
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": who, "policyDocument": policy, "context": {"calls": calls}}
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
def api(live_server: LiveServer, echo: str) -> Iterator[HttpApi]:
    made = make_api(live_server, CorsConfiguration={"AllowOrigins": ["https://a.example"], "AllowMethods": ["PUT"]})
    integration = made.function(echo)
    made.route("ANY /{proxy+}", integration)
    made.route("GET /pets/{id}", integration)
    made.route("POST /old", made.function(echo, payload="1.0"))
    yield made
    made.client.delete_api(ApiId=made.id)


@pytest.mark.parametrize("by_path", [False, True])
def test_an_api_answers_by_its_host_and_by_its_path(api: HttpApi, by_path: bool) -> None:
    answer = api.call("/pets/7?a=1&a=2&b=", headers={"Cookie": "c=1; d=2", "X-A": "1"}, by_path=by_path)
    event = answer.json()
    assert (answer.status, answer.headers["x-mine"]) == (201, "yes")
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["apigw-requestid"] == event["requestContext"]["requestId"]
    assert (event["routeKey"], event["rawPath"], event["pathParameters"]) == ("GET /pets/{id}", "/pets/7", {"id": "7"})
    assert (event["rawQueryString"], event["queryStringParameters"]) == ("a=1&a=2&b=", {"a": "1,2", "b": ""})
    assert (event["cookies"], event["headers"]["x-a"]) == (["c=1", "d=2"], "1")
    assert "cookie" not in event["headers"] and "body" not in event and "stageVariables" not in event
    context = event["requestContext"]
    assert (context["accountId"], context["apiId"], context["stage"]) == (ACCOUNT, api.id, "$default")
    assert context["http"]["sourceIp"] == "127.0.0.1" and context["http"]["method"] == "GET"


def test_a_form_and_a_file_come_in_base64_and_json_as_it_is(api: HttpApi) -> None:
    form = api.call("/f", "POST", "a=1&b=%20", {"Content-Type": "application/x-www-form-urlencoded"}).json()
    assert form["isBase64Encoded"] and text_of(form) == "a=1&b=%20"
    part = "--x\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n\xff\r\n--x--"
    parts = api.call("/f", "POST", part.encode("latin-1"), {"Content-Type": "multipart/form-data; boundary=x"}).json()
    assert base64.b64decode(parts["body"]) == part.encode("latin-1")
    text = api.call("/f", "POST", '{"a": 1}', {"Content-Type": "application/json"}).json()
    assert not text["isBase64Encoded"] and text["body"] == '{"a": 1}'


def test_format_1_0_has_every_value_of_headers_and_parameters(api: HttpApi) -> None:
    answer = api.call("/old?a=1&a=2", "POST", "hello", {"X-A": "1", "Content-Type": "text/plain"})
    event = answer.json()
    assert answer.status == 202 and answer.headers.get_all("x-many") == ["1", "2"]
    assert (event["resource"], event["path"], event["httpMethod"], event["body"]) == ("/old", "/old", "POST", "hello")
    assert event["queryStringParameters"] == {"a": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert event["multiValueHeaders"]["x-a"] == ["1"] and event["pathParameters"] is None
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_what_a_function_says_is_answered_and_what_it_hides_is_hidden(api: HttpApi) -> None:
    assert (plain := api.call("/plain")).json() == {"just": "this"} and plain.status == 200
    picture = api.call("/picture")
    assert (picture.body, picture.headers["content-type"]) == (bytes([0, 255]), "image/png")
    for path in ("/fail", "/malformed"):
        answer = api.call(path)
        assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_a_function_that_takes_longer_than_its_integration_may_makes_the_service_unavailable(
    api: HttpApi, echo: str
) -> None:
    api.route("GET /sleep", api.function(echo, TimeoutInMillis=50))
    answer = api.call("/sleep")
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})


def test_what_is_no_route_is_not_found(api: HttpApi) -> None:
    answer = api.call("/")
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')


def test_a_preflight_is_answered_without_the_function(api: HttpApi) -> None:
    asking = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    answer = api.call("/x", "OPTIONS", headers=asking)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert answer.headers["access-control-allow-methods"] == "PUT"
    ordinary = api.call("/x", headers={"Origin": "https://a.example"})
    assert ordinary.headers["access-control-allow-origin"] == "https://a.example"
    other = api.call("/x", headers={"Origin": "https://b.example"})
    assert "access-control-allow-origin" not in other.headers


def test_a_stage_has_its_own_path_variables_and_deployment(live_server: LiveServer, echo: str) -> None:
    client = live_server.client("apigatewayv2")
    api = HttpApi(server=live_server, id=client.create_api(Name="stages", ProtocolType="HTTP")["ApiId"])
    api.route("GET /a", api.function(echo))
    client.create_stage(ApiId=api.id, StageName="dev", StageVariables={"color": "red"})
    assert api.call("/dev/a").status == 404
    deployed = client.create_deployment(ApiId=api.id, StageName="dev")
    event = api.call("/dev/a").json()
    assert (event["rawPath"], event["stageVariables"]) == ("/dev/a", {"color": "red"})
    assert event["requestContext"]["stage"] == "dev"
    api.route("GET /b", api.function(echo))
    assert api.call("/dev/b").status == 404
    client.update_stage(ApiId=api.id, StageName="dev", AutoDeploy=True)
    assert api.call("/dev/b").status == 201
    assert client.get_stage(ApiId=api.id, StageName="dev")["DeploymentId"] != deployed["DeploymentId"]
    client.delete_api(ApiId=api.id)
    assert api.call("/dev/b").status == 404


def test_an_api_is_made_in_one_call_with_its_function(live_server: LiveServer, echo: str) -> None:
    client = live_server.client("apigatewayv2")
    target = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{echo}"
    api = HttpApi(server=live_server, id=client.create_api(Name="quick", ProtocolType="HTTP", Target=target)["ApiId"])
    # As on AWS, it is the caller who lets the API in.
    assert api.call("/x").status == 500
    allow(live_server, echo, api.id)
    assert api.call("/x").json()["routeKey"] == "$default"
    (listed,) = (each for each in client.get_apis()["Items"] if each["ApiId"] == api.id)
    got = client.get_api(ApiId=api.id)
    assert listed == {name: value for name, value in got.items() if name != "ResponseMetadata"}
    client.delete_api(ApiId=api.id)


def test_a_signed_route_is_for_those_who_may(live_server: LiveServer, api: HttpApi, echo: str) -> None:
    api.route("GET /mine", api.function(echo), AuthorizationType="AWS_IAM")
    refused = api.call("/mine")
    assert (refused.status, refused.json()) == (403, {"message": "Forbidden"})
    event = api.signed("/mine").json()
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert api.signed("/mine", secret="wrong").status == 403
    api.route("POST /mine", api.function(echo), AuthorizationType="AWS_IAM")
    for body in (b"", b"hello"):
        assert api.signed("/mine", "POST", body).status == 201
    iam, name = live_server.client("iam"), f"api-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    asks = {"access_key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    assert api.signed("/mine", **asks).status == 403
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/$default/GET/mine"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    eventually(lambda: api.signed("/mine", **asks).status == 201, "the policy to be heeded")


def authorize(api: HttpApi, gate: str, **members: Any) -> str:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{gate}"
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    allow(api.server, gate, api.id)
    made = api.client.create_authorizer(
        ApiId=api.id,
        Name=f"gate-{uuid.uuid4().hex[:6]}",
        AuthorizerType="REQUEST",
        AuthorizerUri=uri,
        IdentitySource=["$request.header.Authorization"],
        **members,
    )
    return str(made["AuthorizerId"])


def test_a_function_lets_in_whom_it_wants_and_is_believed_for_a_while(api: HttpApi, echo: str, gate: str) -> None:
    authorizer = authorize(
        api, gate, AuthorizerPayloadFormatVersion="2.0", EnableSimpleResponses=True, AuthorizerResultTtlInSeconds=60
    )
    api.route("GET /guarded", api.function(echo), AuthorizationType="CUSTOM", AuthorizerId=authorizer)
    assert (unnamed := api.call("/guarded")).status == 401 and unnamed.json() == {"message": "Unauthorized"}
    assert api.call("/guarded", headers={"Authorization": "other"}).status == 403
    assert api.call("/guarded", headers={"Authorization": "broken"}).status == 500
    found = [api.call("/guarded", headers={"Authorization": "let me in"}).json() for _ in range(2)]
    first, second = (each["requestContext"]["authorizer"]["lambda"] for each in found)
    assert first == second
    assert first["arn"] == f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/$default/GET/guarded"
    api.client.reset_authorizers_cache(ApiId=api.id, StageName="$default")
    third = api.call("/guarded", headers={"Authorization": "let me in"}).json()
    assert third["requestContext"]["authorizer"]["lambda"] != second


def test_an_authorizers_policy_is_held_against_the_route(api: HttpApi, echo: str, gate: str) -> None:
    authorizer = authorize(api, gate, AuthorizerPayloadFormatVersion="1.0", AuthorizerResultTtlInSeconds=60)
    members = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer}
    api.route("GET /one", api.function(echo, payload="1.0"), **members)
    api.route("GET /two", api.function(echo), **members)
    event = api.call("/one", headers={"Authorization": "ann"}).json()
    assert event["requestContext"]["authorizer"]["principalId"] == "ann"
    # What was said of the one route is remembered, and says nothing of the other.
    assert api.call("/two", headers={"Authorization": "ann"}).status == 403


def test_a_route_takes_no_more_than_its_limit(api: HttpApi, echo: str) -> None:
    api.route("GET /few", api.function(echo))
    limits = {"GET /few": {"ThrottlingRateLimit": 0.01, "ThrottlingBurstLimit": 2}}
    api.client.update_stage(ApiId=api.id, StageName="$default", RouteSettings=limits)
    answers = [api.call("/few") for _ in range(3)]
    assert [each.status for each in answers] == [201, 201, 429]
    assert answers[2].json() == {"message": "Too Many Requests"}
    assert api.call("/many").status == 201


def test_requests_are_logged_as_the_stage_says(live_server: LiveServer, api: HttpApi) -> None:
    group, logs = f"/apis/{api.id}", live_server.client("logs")
    line = '{"id":"$context.requestId","route":"$context.routeKey","status":"$context.status","who":"$context.nobody"}'
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    settings = {"DestinationArn": arn, "Format": line}
    api.client.update_stage(ApiId=api.id, StageName="$default", AccessLogSettings=settings)
    answer = api.call('/pets/7?"', headers={"User-Agent": '"'})

    def written() -> list[Any]:
        found = logs.filter_log_events(logGroupName=group)["events"]
        return [json.loads(each["message"]) for each in found]

    expected = {"id": answer.headers["apigw-requestid"], "route": "GET /pets/{id}", "status": "201", "who": "-"}
    assert eventually(written, "the line in the log") == [expected]
    api.client.delete_access_log_settings(ApiId=api.id, StageName="$default")


def test_parameters_are_mapped_on_their_way_in_and_out(api: HttpApi, echo: str) -> None:
    mapped = {
        "append:header.x-b": "$request.header.x-a",
        "overwrite:querystring.q": "${request.path.id}-$context.stage",
        "remove:querystring.secret": "''",
        "overwrite:path": "/new/$request.body.name",
    }
    answered = {"201": {"overwrite:statuscode": "203", "append:header.x-out": "$response.header.X-Mine"}}
    integration = api.function(echo, RequestParameters=mapped, ResponseParameters=answered)
    api.route("POST /mapped/{id}", integration)
    answer = api.call(
        "/mapped/7?secret=1", "POST", '{"name": "ann"}', {"X-A": "1", "X-B": "0", "Content-Type": "application/json"}
    )
    event = answer.json()
    assert (answer.status, answer.headers["x-out"]) == (203, "yes")
    assert (event["rawPath"], event["headers"]["x-b"]) == ("/new/ann", "0,1")
    assert event["queryStringParameters"] == {"q": "7-$default"}


def test_a_domain_name_leads_to_its_stages(live_server: LiveServer, api: HttpApi) -> None:
    name, client = f"{uuid.uuid4().hex[:8]}.example.com", api.client
    client.create_domain_name(
        DomainName=name,
        DomainNameConfigurations=[{"CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/x"}],
    )
    made = client.create_api_mapping(DomainName=name, ApiId=api.id, Stage="$default", ApiMappingKey="shop/v1")
    event = api.call("/shop/v1/pets/7", host=name).json()
    assert (event["routeKey"], event["rawPath"]) == ("GET /pets/{id}", "/shop/v1/pets/7")
    assert event["requestContext"]["domainName"] == name
    assert api.call("/shop/v10/pets/7", host=name).status == 404
    with pytest.raises(client.exceptions.BadRequestException):
        client.delete_api(ApiId=api.id)
    client.delete_api_mapping(DomainName=name, ApiMappingId=made["ApiMappingId"])
    client.delete_domain_name(DomainName=name)
    assert api.call("/shop/v1/pets/7", host=name).status != 201


@pytest.mark.parametrize("name", ["127.0.0.1", "s3.localhost", "x.amazonaws.com", "nodots", "*.localhost"])
def test_what_is_no_name_of_ones_own_is_refused(live_server: LiveServer, name: str) -> None:
    client = live_server.client("apigatewayv2")
    with pytest.raises(client.exceptions.BadRequestException):
        client.create_domain_name(DomainName=name, DomainNameConfigurations=[{}])


def test_a_default_endpoint_can_be_closed(api: HttpApi) -> None:
    api.client.update_api(ApiId=api.id, DisableExecuteApiEndpoint=True)
    assert api.call("/pets/7").status == 404
    api.client.update_api(ApiId=api.id, DisableExecuteApiEndpoint=False)
    assert api.call("/pets/7").status == 201


def test_too_large_a_body_is_refused(api: HttpApi) -> None:
    answer = api.call("/f", "POST", headers={"Content-Length": str(10 * 1024 * 1024 + 1)})
    assert (answer.status, answer.json()) == (413, {"message": "Request Entity Too Large"})
