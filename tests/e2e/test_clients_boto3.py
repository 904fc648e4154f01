"""boto3 beyond the plain calls: presigned URLs, what mistakes raise, and what an invocation takes and gives."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import ROLE, Deployment, package
from fakes.live_server import LiveServer

pytestmark = pytest.mark.root

ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def echo(functions: Deployment) -> str:
    return functions.deploy(ECHO)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_presigned_url_says_who_signed_it(live_server: LiveServer, method: str) -> None:
    url = live_server.client("sts").generate_presigned_url("get_caller_identity", HttpMethod=method)
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert b"<Arn>arn:aws:iam::000000000000:root</Arn>" in answer.read()


def test_a_presigned_url_of_invoke_invokes(live_server: LiveServer, functions: Deployment) -> None:
    name = functions.deploy("def handler(event, context):\n    return ['invoked', event]\n")
    url = live_server.client("lambda").generate_presigned_url("invoke", Params={"FunctionName": name})
    request = urllib.request.Request(url, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer) == ["invoked", {}]


def test_a_presigned_url_that_was_changed_is_refused(live_server: LiveServer) -> None:
    url = live_server.client("sts").generate_presigned_url("get_caller_identity", HttpMethod="GET")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"), timeout=60)


@pytest.mark.parametrize(
    ("operation", "params", "code", "status", "words"),
    [
        ("invoke", {"FunctionName": "nobody"}, "ResourceNotFoundException", 404, "Function not found: arn:aws:lambda:"),
        ("get_function", {"FunctionName": "nobody"}, "ResourceNotFoundException", 404, "Function not found: arn:aws:"),
        ("delete_function", {"FunctionName": "nobody"}, "ResourceNotFoundException", 404, "Function not found: arn:"),
        ("invoke", {"FunctionName": "{echo}", "Payload": "{"}, "InvalidRequestContentException", 400, "Could not"),
        ("invoke", {"FunctionName": "{echo}", "Qualifier": "9"}, "ResourceNotFoundException", 404, "{echo}:9"),
        ("invoke", {"FunctionName": "a b"}, "ValidationException", 400, "1 validation error detected: Value 'a b' at"),
        (
            "update_function_configuration",
            {"FunctionName": "{echo}", "Timeout": 901},
            "ValidationException", 400, "Member must have value less than or equal to 900",
        ),
        (
            "update_function_configuration",
            {"FunctionName": "{echo}", "RevisionId": "not-this-one"},
            "PreconditionFailedException", 412, "The Revision Id provided does not match",
        ),
        ("get_policy", {"FunctionName": "{echo}"}, "ResourceNotFoundException", 404, "The resource you requested"),
        ("create_function", {"FunctionName": "{echo}"}, "ResourceConflictException", 409, "already exist: {echo}"),
        ("create_function", {"Runtime": "python2.7"}, "InvalidParameterValueException", 400, "python2.7"),
        ("create_function", {"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", 400, "unzip"),
        ("create_function", {"Role": "nobody"}, "ValidationException", 400, "at 'role' failed to satisfy constraint"),
    ],
)  # fmt: skip
def test_a_usual_mistake_is_the_error_that_client_code_knows(
    functions: Deployment, echo: str, operation: str, params: dict[str, Any], code: str, status: int, words: str
) -> None:
    whole = {"FunctionName": "mistaken", "Runtime": "python3.11", "Handler": "a.b", "Role": ROLE} | {
        "Code": {"ZipFile": package(ECHO)}
    }
    asked = {key: value.format(echo=echo) if value == "{echo}" else value for key, value in params.items()}
    with pytest.raises(ClientError) as raised:
        getattr(functions.client, operation)(**(whole if operation == "create_function" else {}) | asked)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert words.format(echo=echo) in answer["Error"]["Message"]


def test_the_modelled_exception_classes_can_be_caught(functions: Deployment) -> None:
    with pytest.raises(functions.client.exceptions.ResourceNotFoundException):
        functions.client.get_function(FunctionName="nobody")


def test_an_operation_that_is_not_there_says_so(functions: Deployment) -> None:
    with pytest.raises(ClientError) as raised:
        functions.client.list_code_signing_configs()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "ListCodeSigningConfigs" in raised.value.response["Error"]["Message"]


def test_a_dry_run_runs_nothing(functions: Deployment, echo: str) -> None:
    answer = functions.client.invoke(FunctionName=echo, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"].read()) == (204, b"")


@pytest.mark.parametrize("event", [{}, [], "", 0, None, "ä€😀", {"a": [1.5, None, True]}, "x" * 5_000_000])
def test_any_json_value_goes_in_and_comes_out(functions: Deployment, echo: str, event: Any) -> None:
    assert functions.invoke(echo, event).value == event


def test_the_client_context_reaches_the_function(functions: Deployment) -> None:
    name = functions.deploy(
        """
        def handler(event, context):
            return [context.client_context.custom, context.client_context.env, context.client_context.client.app_title]
        """
    )
    given = {"custom": {"k": "v"}, "env": {"locale": "de"}, "client": {"app_title": "Titel"}}
    text = base64.b64encode(json.dumps(given).encode()).decode()
    assert functions.invoke(name, {}, ClientContext=text).value == [{"k": "v"}, {"locale": "de"}, "Titel"]
