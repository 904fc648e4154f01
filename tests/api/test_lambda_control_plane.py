"""The control plane with the client that everybody has."""

import hashlib
import urllib.error
import urllib.request
import uuid
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.live_server import LiveServer
from fakes.zips import zip_of

ROLE = "arn:aws:iam::000000000000:role/lambda"
OTHER = zip_of({"app.py": "def handler(event, context):\n    return 'other'\n"})


@pytest.fixture
def name(lambda_client: Any) -> Iterator[str]:
    """A function of the test's own, ready."""
    name = f"api-{uuid.uuid4().hex[:8]}"
    create(lambda_client, name)
    lambda_client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0})
    yield name
    lambda_client.delete_function(FunctionName=name)


def create(client: Any, name: str, **params: Any) -> dict[str, Any]:
    defaults = {"Runtime": "provided.al2023", "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": zip_of()}}
    return client.create_function(FunctionName=name, **{**defaults, **params})  # type: ignore[no-any-return]


def updated(client: Any, name: str) -> None:
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0})


def error_of(attempt: Any, **params: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        attempt(**params)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_the_waiters_see_a_function_become_active_and_updated(lambda_client: Any, name: str) -> None:
    found = lambda_client.get_function(FunctionName=name)["Configuration"]
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
    answer = lambda_client.update_function_code(FunctionName=name, ZipFile=OTHER)
    assert answer["LastUpdateStatus"] == "InProgress"
    updated(lambda_client, name)
    digest = hashlib.sha256(OTHER).digest()
    assert b64decode(lambda_client.get_function_configuration(FunctionName=name)["CodeSha256"]) == digest


def test_a_function_s_code_is_signed_by_nobody(lambda_client: Any, name: str) -> None:
    answer = lambda_client.get_function_code_signing_config(FunctionName=name)
    assert (answer["CodeSigningConfigArn"], answer["FunctionName"]) == ("", name)
    deleted = lambda_client.delete_function_code_signing_config(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    for operation in (
        lambda_client.get_function_code_signing_config,
        lambda_client.delete_function_code_signing_config,
    ):
        code, status, _ = error_of(operation, FunctionName="absent")
        assert (code, status) == ("ResourceNotFoundException", 404)
    arn = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0"
    code, status, message = error_of(
        lambda_client.put_function_code_signing_config, FunctionName=name, CodeSigningConfigArn=arn
    )
    assert (code, status) == ("CodeSigningConfigNotFoundException", 404)
    assert message.endswith(f"Check that the provided configuration is not deleted: {arn}.")


def test_a_configuration_has_no_empty_blocks(lambda_client: Any, name: str) -> None:
    found = lambda_client.get_function_configuration(FunctionName=name)
    absent = {"Environment", "VpcConfig", "Layers", "DeadLetterConfig", "KMSKeyArn", "StateReason", "MasterArn"}
    assert not absent & found.keys()
    assert found["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"}


def test_the_code_can_be_downloaded_where_get_function_says(lambda_client: Any, name: str) -> None:
    location = lambda_client.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=60) as answer:
        assert answer.read() == zip_of()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(location[:-1] + ("0" if location[-1] != "0" else "1"), timeout=60)


def test_errors_have_awss_codes_and_statuses(lambda_client: Any, name: str) -> None:
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    code, status, message = error_of(lambda_client.get_function, FunctionName="api-none")
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert message == f"Function not found: {arn.replace(name, 'api-none')}"
    not_a_zip = error_of(create, client=lambda_client, name="api-bad", Code={"ZipFile": b"no zip"})
    assert not_a_zip == (
        "InvalidParameterValueException",
        400,
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    )
    assert error_of(create, client=lambda_client, name=name)[:2] == ("ResourceConflictException", 409)
    stale = error_of(lambda_client.publish_version, FunctionName=name, RevisionId="stale")
    assert stale[:2] == ("PreconditionFailedException", 412)
    runtime = error_of(create, client=lambda_client, name="api-bad", Runtime="python2.7")
    assert runtime[:2] == ("InvalidParameterValueException", 400)
    assert "failed to satisfy constraint: Member must satisfy enum value set: [" in runtime[2]


def test_versions_and_aliases_can_be_walked_with_paginators(lambda_client: Any, name: str) -> None:
    for number in range(3):
        lambda_client.update_function_configuration(FunctionName=name, Description=str(number))
        updated(lambda_client, name)
        version = lambda_client.publish_version(FunctionName=name)["Version"]
        lambda_client.create_alias(FunctionName=name, Name=f"v{version}", FunctionVersion=version)
    pages = lambda_client.get_paginator("list_versions_by_function").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 2}
    )
    assert [item["Version"] for page in pages for item in page["Versions"]] == ["$LATEST", "1", "2", "3"]
    routing = {"AdditionalVersionWeights": {"2": 0.25}}
    assert lambda_client.update_alias(FunctionName=name, Name="v1", RoutingConfig=routing)["RoutingConfig"] == routing
    pages = lambda_client.get_paginator("list_aliases").paginate(FunctionName=name, PaginationConfig={"PageSize": 2})
    assert [item["Name"] for page in pages for item in page["Aliases"]] == ["v1", "v2", "v3"]


def test_a_permission_can_be_given_to_an_arn_in_the_path(lambda_client: Any, name: str) -> None:
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    lambda_client.add_permission(
        FunctionName=arn, StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    assert arn in lambda_client.get_policy(FunctionName=name)["Policy"]
    lambda_client.remove_permission(FunctionName=arn, StatementId="s")
    assert error_of(lambda_client.get_policy, FunctionName=name)[:2] == ("ResourceNotFoundException", 404)


def test_tags_go_by_arn(lambda_client: Any, name: str) -> None:
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    lambda_client.tag_resource(Resource=arn, Tags={"a": "1", "b": "2"})
    lambda_client.untag_resource(Resource=arn, TagKeys=["a"])
    assert lambda_client.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    assert lambda_client.get_function(FunctionName=name)["Tags"] == {"b": "2"}


def test_a_layer_is_published_found_and_used(lambda_client: Any, name: str) -> None:
    layer = lambda_client.publish_layer_version(
        LayerName=name, Content={"ZipFile": OTHER}, CompatibleRuntimes=["python3.11"]
    )
    arn = layer["LayerVersionArn"]
    assert lambda_client.get_layer_version_by_arn(Arn=arn)["Content"]["CodeSize"] == len(OTHER)
    layers = lambda_client.list_layers(CompatibleRuntime="python3.11")["Layers"]
    assert name in [layer["LayerName"] for layer in layers]
    lambda_client.update_function_configuration(FunctionName=name, Layers=[arn])
    updated(lambda_client, name)
    found = lambda_client.get_function_configuration(FunctionName=name)["Layers"]
    assert found == [{"Arn": arn, "CodeSize": len(OTHER)}]
    lambda_client.delete_layer_version(LayerName=name, VersionNumber=layer["Version"])


def test_what_is_not_built_says_so_by_name(lambda_client: Any) -> None:
    code, status, message = error_of(lambda_client.list_code_signing_configs)
    assert (code, status) == ("NotImplemented", 501)
    assert "ListCodeSigningConfigs" in message


def test_a_runtime_is_updated_automatically_and_a_version_to_stay_on_is_refused_by_name(
    lambda_client: Any, name: str
) -> None:
    config = lambda_client.get_function_configuration(FunctionName=name)
    auto = {"UpdateRuntimeOn": "Auto", "FunctionArn": config["FunctionArn"]}
    for answer in (
        lambda_client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="Auto"),
        lambda_client.get_runtime_management_config(FunctionName=name),
    ):
        answer.pop("ResponseMetadata")
        assert answer == auto
    qualified = lambda_client.get_runtime_management_config(FunctionName=name, Qualifier="$LATEST")
    assert qualified["FunctionArn"] == f"{config['FunctionArn']}:$LATEST"
    version = config["RuntimeVersionConfig"]["RuntimeVersionArn"]
    for mode, more in (("FunctionUpdate", {}), ("Manual", {"RuntimeVersionArn": version})):
        code, status, message = error_of(
            lambda_client.put_runtime_management_config, FunctionName=name, UpdateRuntimeOn=mode, **more
        )
        assert (code, status) == ("NotImplemented", 501)
        assert "Auto is obeyed" in message
    code, status, _ = error_of(lambda_client.get_runtime_management_config, FunctionName="absent")
    assert (code, status) == ("ResourceNotFoundException", 404)


def test_a_dry_run_is_answered_204(lambda_client: Any, name: str) -> None:
    assert lambda_client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204


def test_what_was_acknowledged_is_there_after_a_kill(own_server: LiveServer) -> None:
    own_server.start()
    client = own_server.client("lambda")
    create(client, "kept", Tags={"a": "1"}, Publish=True)
    own_server.kill()
    own_server.start()
    client.get_waiter("function_active_v2").wait(FunctionName="kept", WaiterConfig={"Delay": 0})
    found = client.get_function(FunctionName="kept")
    assert found["Tags"] == {"a": "1"}
    assert [v["Version"] for v in client.list_versions_by_function(FunctionName="kept")["Versions"]] == ["$LATEST", "1"]
