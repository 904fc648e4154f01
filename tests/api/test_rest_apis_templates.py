"""Mapping templates of a live server: requests and answers that are made anew on the way."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.http_api import ACCOUNT
from fakes.live_server import REGION, LiveServer
from fakes.rest_api import STAGE, RestApi, invocations_of, make_rest_api

JSON = {"Content-Type": "application/json"}
HANDLER = """
def handler(event, context):
    if isinstance(event, dict) and event.get("fail"):
        raise ValueError("no such pet: " + event["fail"])
    return {"got": event}
"""


@pytest.fixture(scope="module")
def function(live_server: LiveServer) -> Iterator[str]:
    deployment = Deployment(live_server.client("lambda"))
    name = deployment.deploy(HANDLER)
    yield name
    deployment.client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def api(live_server: LiveServer, function: str) -> Iterator[RestApi]:
    made = make_rest_api(live_server)
    made.allow(function)
    yield made
    made.client.delete_rest_api(restApiId=made.id)


def test_a_mock_answers_from_what_the_request_and_its_context_have(api: RestApi) -> None:
    template = (
        '{"name": "$input.params(\'name\')", "all": {#foreach($it in $input.params().querystring.entrySet())'
        '"$it.key": "$util.escapeJavaScript($it.value)"#if($foreach.hasNext), #end#end}, '
        '"stage": "$context.stage/$stageVariables.colour", "none": "$context.authorizer.claims.email"}'
        "#set($context.responseOverride.status = 202)#set($context.responseOverride.header.X-Made = 'yes')"
    )
    api.mock("/mock/{name}", template, http_method="GET")
    api.deploy(variables={"colour": "red"})
    answer = api.stage("/mock/ann?a=1&b=%22x%22")
    assert (answer.status, answer.headers["x-made"], answer.headers["content-type"]) == (202, "yes", "application/json")
    assert answer.json() == {"name": "ann", "all": {"a": "1", "b": '"x"'}, "stage": f"{STAGE}/red", "none": ""}


def test_a_function_gets_the_template_s_event_and_its_errors_choose_the_answer(api: RestApi, function: str) -> None:
    names = api.method("/function", "POST")
    for status in ("200", "404"):
        api.client.put_method_response(**names, statusCode=status)
    template = (
        '#set($body = $input.path("$"))'
        '{"who": $input.json("$.who"), "twice": "$body.who$body.who", "fail": "$!body.fail", '
        '"q": "$input.params("q")", "method": "$context.httpMethod"}'
    )
    api.client.put_integration(
        **names,
        type="AWS",
        integrationHttpMethod="POST",
        uri=invocations_of(function),
        requestTemplates={"application/json": template},
        passthroughBehavior="NEVER",
    )
    api.client.put_integration_response(
        **names,
        statusCode="200",
        responseParameters={"method.response.header.X-Who": "integration.response.body.got.who"},
    )
    api.client.put_integration_response(
        **names,
        statusCode="404",
        selectionPattern="no such pet.*",
        responseTemplates={"application/json": '{"why": $input.json("$.errorMessage")}'},
    )
    api.deploy()
    good = api.stage("/function?q=1", "POST", '{"who": "ann"}', headers=JSON)
    event = {"who": "ann", "twice": "annann", "fail": "", "q": "1", "method": "POST"}
    assert (good.status, good.json(), good.headers["x-who"]) == (200, {"got": event}, "ann")
    bad = api.stage("/function", "POST", '{"who": "x", "fail": "rex"}', headers=JSON)
    assert (bad.status, bad.json()) == (404, {"why": "no such pet: rex"})
    other = api.stage("/function", "POST", "a,b", headers={"Content-Type": "text/csv"})
    assert (other.status, other.json()) == (415, {"message": "Unsupported Media Type"})
    broken = api.stage("/function", "POST", "{", headers=JSON)
    assert broken.status == 400 and broken.json()["message"].startswith("Could not parse request body into json: ")


def test_a_function_may_be_called_and_not_waited_for(api: RestApi, function: str) -> None:
    names = api.method("/later", "POST")
    api.client.put_method_response(**names, statusCode="202")
    api.client.put_integration(
        **names,
        type="AWS",
        integrationHttpMethod="POST",
        uri=invocations_of(function),
        requestParameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
    )
    api.client.put_integration_response(**names, statusCode="202")
    api.deploy()
    assert api.stage("/later", "POST", '{"fail": "x"}', headers=JSON).status == 202


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        told = {"path": self.path, "body": body, "headers": {key.lower(): it for key, it in self.headers.items()}}
        answer = json.dumps(told).encode()
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("X-Server", "echo")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def test_this_machine_is_not_called_unless_the_operator_says_so(api: RestApi) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        names = api.method("/server/{proxy+}", "ANY")
        uri = f"http://127.0.0.1:{server.server_port}/{{proxy}}"
        parameters = {"integration.request.path.proxy": "method.request.path.proxy"}
        api.client.put_integration(
            **names, type="HTTP_PROXY", integrationHttpMethod="ANY", uri=uri, requestParameters=parameters
        )
        api.deploy()
        answer = api.stage("/server/a")
        assert (answer.status, answer.json()) == (504, {"message": "Internal server error"})
    finally:
        server.shutdown()
        server.server_close()


def test_a_template_reaches_nothing_but_what_it_is_given(api: RestApi) -> None:
    template = '{"a": "$!input.__class__", "b": "$!util.getClass().forName(\'x\')", "c": "$!input.body.format(1)"}'
    api.mock("/escape", template, http_method="GET")
    api.mock("/endless", "#foreach($a in [1..999])#foreach($b in [1..999])$a$b#end#end", http_method="GET")
    api.deploy()
    assert api.stage("/escape").json() == {"a": "", "b": "", "c": ""}
    answer = api.stage("/endless")
    assert (answer.status, answer.json()) == (500, {"message": "Internal server error"})


def test_what_is_no_template_or_mapping_is_refused(api: RestApi) -> None:
    names = api.method("/refused", "GET")
    errors = api.client.exceptions
    with pytest.raises(errors.BadRequestException, match="#end is missing"):
        api.client.put_integration(**names, type="MOCK", requestTemplates={"application/json": "#if(true)"})
    with pytest.raises(errors.BadRequestException, match="Invalid mapping expression specified"):
        wrong = {"integration.request.header.x": "something"}
        api.client.put_integration(**names, type="MOCK", requestParameters=wrong)
    with pytest.raises(errors.BadRequestException, match="between 50 ms and 29000 ms"):
        api.client.put_integration(**names, type="MOCK", timeoutInMillis=1)
    with pytest.raises(errors.BadRequestException, match="Role ARN must be specified"):
        sns = f"arn:aws:apigateway:{REGION}:sns:action/Publish"
        api.client.put_integration(**names, type="AWS", integrationHttpMethod="POST", uri=sns)
    with pytest.raises(errors.NotFoundException, match="Invalid Integration identifier"):
        api.client.put_integration_response(**names, statusCode="200")


def test_queues_and_tables_are_called_as_a_role_and_without_a_function(live_server: LiveServer) -> None:
    api = make_rest_api(live_server)
    trust = {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam, role_name = live_server.client("iam"), f"gateway-{api.id}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    sqs, dynamodb = live_server.client("sqs"), live_server.client("dynamodb")
    queue = sqs.create_queue(QueueName=api.id)["QueueUrl"]
    dynamodb.create_table(
        TableName=api.id,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    api.client.put_integration(
        **api.method("/messages", "POST"),
        type="AWS",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:sqs:path/{ACCOUNT}/{api.id}",
        credentials=role,
        requestParameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        requestTemplates={"application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"},
    )
    api.client.put_integration(
        **api.method("/items/{k}", "GET"),
        type="AWS",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:dynamodb:action/GetItem",
        credentials=role,
        requestTemplates={
            "application/json": f'{{"TableName": "{api.id}", "Key": {{"k": {{"S": "$input.params(\'k\')"}}}}}}'
        },
    )
    found = {"application/json": '{"v": "$input.path(\'$.Item.v.S\')"}'}
    for path, http_method, templates in (("/messages", "POST", {}), ("/items/{k}", "GET", found)):
        names = {"restApiId": api.id, "resourceId": api.resource(path), "httpMethod": http_method}
        for status, pattern in (("200", "200"), ("500", "")):
            api.client.put_method_response(**names, statusCode=status)
            chosen = {"selectionPattern": pattern} if pattern else {}
            responses = templates if pattern else {}
            api.client.put_integration_response(**names, statusCode=status, responseTemplates=responses, **chosen)
    api.deploy()
    dynamodb.put_item(TableName=api.id, Item={"k": {"S": "one"}, "v": {"S": "first"}})
    assert [api.stage("/messages", "POST", "{}", headers=JSON).status, api.stage("/items/one").status] == [500, 500]
    allowed = {"Effect": "Allow", "Action": ["sqs:SendMessage", "dynamodb:GetItem"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=role_name, PolicyName="own", PolicyDocument=document)
    assert api.stage("/items/one").json() == {"v": "first"}
    sent = api.stage("/messages", "POST", '{"a": "b & c"}', headers=JSON)
    assert sent.status == 200 and b"MessageId" in sent.body
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    assert [message["Body"] for message in messages] == ['{"a": "b & c"}']
