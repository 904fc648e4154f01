"""The calls of a deployment, held against botocore's model by its Stubber."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from stoker.cli.function_file import FunctionSettings
from stoker.cli.upload import Upload

ROLE = "arn:aws:iam::000000000000:role/stoker-function"
SETTINGS = FunctionSettings(name="f", runtime="python3.11", handler="app.handler", memory=256)
PRESENT = {
    "FunctionName": "f",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
    "Runtime": "python3.11",
    "Handler": "app.handler",
    "MemorySize": 256,
    "CodeSize": 3,
    "CodeSha256": "same",
    "State": "Active",
    "LastUpdateStatus": "Successful",
}
SETTLED = ("get_function", {"Configuration": PRESENT}, {"FunctionName": "f"})


@pytest.fixture
def functions() -> Any:
    return boto3.client("lambda", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.fixture
def stub(functions: Any) -> Iterator[Stubber]:
    with Stubber(functions) as stub:
        yield stub
        stub.assert_no_pending_responses()


def expect(stub: Stubber, *calls: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    for operation, answer, asked in calls:
        stub.add_response(operation, answer, asked)


def found(**changed: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return ("get_function_configuration", {**PRESENT, **changed}, {"FunctionName": "f"})


def upload(settings: FunctionSettings = SETTINGS, **changed: Any) -> Upload:
    return Upload(**{"settings": settings, "package": b"zip", "package_sha256": "same", **changed})


def test_a_new_function_is_created_and_waited_for(functions: Any, stub: Stubber) -> None:
    stub.add_client_error("get_function_configuration", "ResourceNotFoundException", http_status_code=404)
    said = {"Runtime": "python3.11", "Handler": "app.handler", "MemorySize": 256}
    created = {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": b"zip"}, **said}
    expect(stub, ("create_function", {**PRESENT, "State": "Pending"}, created), SETTLED, found())
    deployed = upload().send(functions, lambda: ROLE)
    assert (deployed.outcome, deployed.as_members()["state"]) == ("created", "Active")


def test_unchanged_code_is_not_sent_again(functions: Any, stub: Stubber) -> None:
    expect(stub, found())
    assert upload().send(functions, lambda: ROLE).outcome == "unchanged"


def test_changed_code_is_sent_once_the_last_change_is_through(functions: Any, stub: Stubber) -> None:
    asked = {"FunctionName": "f", "ZipFile": b"zip"}
    expect(stub, found(CodeSha256="old"), SETTLED, ("update_function_code", PRESENT, asked), SETTLED, found())
    assert upload().send(functions, lambda: ROLE).outcome == "updated"


def test_only_the_settings_that_changed_are_sent(functions: Any, stub: Stubber) -> None:
    asked = {"FunctionName": "f", "MemorySize": 256, "Environment": {"Variables": {"A": "1"}}}
    expect(stub, found(MemorySize=128), SETTLED, ("update_function_configuration", PRESENT, asked))
    settings = FunctionSettings(name="f", runtime="python3.11", handler="app.handler", memory=256, env={"A": "1"})
    assert upload(settings, wait=False).send(functions, lambda: ROLE).outcome == "updated"


def test_a_change_by_somebody_else_is_waited_out(functions: Any, stub: Stubber) -> None:
    expect(stub, found(CodeSha256="old"), SETTLED)
    stub.add_client_error("update_function_code", "ResourceConflictException", http_status_code=409)
    expect(stub, SETTLED, ("update_function_code", PRESENT, {"FunctionName": "f", "ZipFile": ANY}))
    assert upload(wait=False).send(functions, lambda: ROLE).outcome == "updated"
