"""A function's life as a client sees it."""

import asyncio

import pytest

from fakes.control_plane import ACCOUNT, ROLE, ControlPlane
from fakes.zips import zip_of
from stoker.model.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
OTHER_CODE = zip_of({"app.py": "def handler(event, context):\n    return 'other'\n"})


def test_a_new_function_is_pending_and_answered_with_its_defaults(plane: ControlPlane) -> None:
    plane.pause()
    created = plane.create(settle=False)
    logging = created.pop("LoggingConfig")
    assert {name: value for name, value in logging.items() if value} == {
        "LogFormat": "Text",
        "LogGroup": "/aws/lambda/f",
    }
    for member in ("CodeSha256", "CodeSize", "RevisionId", "RuntimeVersionConfig"):
        assert created.pop(member)
    assert created == {
        "FunctionName": "f",
        "FunctionArn": ARN,
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "LastModified": "2023-11-14T22:13:20.000+0000",
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    }


def test_a_prepared_function_is_active_and_has_its_code_unpacked(plane: ControlPlane) -> None:
    created = plane.create()
    found = plane.call("GetFunctionConfiguration", FunctionName="f")
    assert (found["State"], found["LastUpdateStatus"], found.get("StateReason")) == ("Active", "Successful", None)
    assert found["RevisionId"] != created["RevisionId"]
    target = plane.run(plane.registry.resolve("us-east-1", "f", None))
    prepared = plane.run(plane.registry.prepared(target.function))
    assert (prepared.task_root / "app.py").read_text().startswith("def handler")


@pytest.mark.parametrize("operation", ["Invoke", "UpdateFunctionConfiguration", "PublishVersion"])
def test_a_pending_function_has_to_be_waited_for(plane: ControlPlane, operation: str) -> None:
    plane.pause()
    plane.create(settle=False)
    dry = {"InvocationType": "DryRun"} if operation == "Invoke" else {}
    with pytest.raises(ResourceConflictException) as refused:
        plane.call(operation, FunctionName="f", **dry)
    assert refused.value.message == (
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    )


@pytest.mark.parametrize("operation", ["UpdateFunctionConfiguration", "UpdateFunctionCode", "PublishVersion"])
def test_an_update_waits_for_the_one_before(plane: ControlPlane, operation: str) -> None:
    plane.create()
    plane.pause()
    plane.call("UpdateFunctionConfiguration", FunctionName="f", Description="first")
    code = {"ZipFile": OTHER_CODE} if operation == "UpdateFunctionCode" else {}
    with pytest.raises(ResourceConflictException) as refused:
        plane.call(operation, FunctionName="f", **code)
    assert refused.value.message == (
        f"The operation cannot be performed at this time. An update is in progress for resource: {ARN}"
    )


def test_what_was_there_before_is_served_until_an_update_is_prepared(plane: ControlPlane) -> None:
    plane.create(Timeout=3)
    plane.pause()
    answer = plane.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    assert (answer["Timeout"], answer["LastUpdateStatus"], answer["State"]) == (9, "InProgress", "Active")
    assert plane.run(plane.registry.resolve("us-east-1", "f", None)).function.timeout_s == 3
    plane.settle()
    assert plane.run(plane.registry.resolve("us-east-1", "f", None)).function.timeout_s == 9
    assert plane.changes[-1] == ("us-east-1", "f")


def test_an_update_cut_short_by_a_restart_is_finished_after_it(plane: ControlPlane) -> None:
    plane.create()
    plane.pause()
    plane.create("g", settle=False)
    plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_CODE)
    plane.restart()
    plane.settle()
    for name in ("f", "g"):
        found = plane.call("GetFunctionConfiguration", FunctionName=name)
        assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")


def test_code_that_cannot_be_unpacked_fails_the_update_and_the_old_code_goes_on(plane: ControlPlane) -> None:
    plane.create()
    old = plane.run(plane.registry.resolve("us-east-1", "f", None))
    plane.pause()
    new = plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_CODE)
    (blob,) = (path for path in plane.root.glob("blobs/*/*") if path.read_bytes() == OTHER_CODE)
    blob.write_bytes(OTHER_CODE[:40] + b"\xff" * 20 + OTHER_CODE[60:])
    plane.settle()
    found = plane.call("GetFunctionConfiguration", FunctionName="f")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Failed")
    assert found["LastUpdateStatusReasonCode"] == "InvalidZipFileException"
    assert found["CodeSha256"] == new["CodeSha256"]
    assert plane.run(plane.registry.resolve("us-east-1", "f", None)) == old


def test_every_change_has_a_new_revision_and_can_be_made_conditional_on_it(plane: ControlPlane) -> None:
    stale = plane.create()["RevisionId"]
    for operation, params in (
        ("UpdateFunctionConfiguration", {}),
        ("UpdateFunctionCode", {"ZipFile": OTHER_CODE}),
        ("PublishVersion", {}),
    ):
        with pytest.raises(PreconditionFailedException) as refused:
            plane.call(operation, FunctionName="f", RevisionId=stale, **params)
        assert refused.value.message.startswith("The Revision Id provided does not match the latest Revision Id.")
    current = plane.call("GetFunctionConfiguration", FunctionName="f")["RevisionId"]
    assert plane.update(RevisionId=current)["RevisionId"] not in (current, stale)


def test_only_what_an_update_names_changes(plane: ControlPlane) -> None:
    plane.create(Environment={"Variables": {"A": "1"}}, Description="first", MemorySize=256)
    plane.update(Timeout=10, Environment={"Variables": {}})
    found = plane.call("GetFunctionConfiguration", FunctionName="f")
    assert (found["Timeout"], found["MemorySize"], found["Description"]) == (10, 256, "first")
    assert found["Environment"] == {"Variables": {}}


def test_new_code_changes_the_sha_and_a_dry_run_changes_nothing(plane: ControlPlane) -> None:
    before = plane.create()
    dry = plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_CODE, DryRun=True)
    assert dry["CodeSha256"] != before["CodeSha256"]
    assert plane.call("GetFunctionConfiguration", FunctionName="f")["CodeSha256"] == before["CodeSha256"]
    plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER_CODE)
    assert plane.call("GetFunctionConfiguration", FunctionName="f")["CodeSha256"] == dry["CodeSha256"]


def test_a_function_is_deleted_with_everything_it_had(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert plane.result("DeleteFunction", FunctionName="f").status == 204
    assert plane.changes[-1] == ("us-east-1", "f")
    for operation in ("GetFunction", "GetFunctionConfiguration", "DeleteFunction"):
        with pytest.raises(ResourceNotFoundException) as refused:
            plane.call(operation, FunctionName="f")
        assert refused.value.message == f"Function not found: {ARN}"
    plane.create()
    assert plane.call("ListAliases", FunctionName="f") == {"Aliases": []}


def test_a_function_is_only_in_its_own_region(plane: ControlPlane) -> None:
    plane.create()
    with pytest.raises(ResourceNotFoundException):
        plane.call("GetFunction", region="eu-central-1", FunctionName="f")
    assert plane.call("ListFunctions", region="eu-central-1") == {"Functions": []}


def test_functions_are_listed_by_name_in_pages_without_their_state(plane: ControlPlane) -> None:
    for name in ("c", "a", "b"):
        plane.create(name, Publish=True)
    first = plane.call("ListFunctions", MaxItems=2)
    assert [item["FunctionName"] for item in first["Functions"]] == ["a", "b"]
    assert "State" not in first["Functions"][0]
    rest = plane.call("ListFunctions", MaxItems=2, Marker=first["NextMarker"])
    assert [item["FunctionName"] for item in rest["Functions"]] == ["c"]
    assert "NextMarker" not in rest


def test_all_versions_of_all_functions_are_listed_in_pages(plane: ControlPlane) -> None:
    for name in ("b", "a"):
        plane.create(name, Publish=True)
    seen, marker = [], {}
    while True:
        page = plane.call("ListFunctions", FunctionVersion="ALL", MaxItems=3, **marker)
        seen += [item["FunctionArn"].split("function:")[1] for item in page["Functions"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert seen == ["a:$LATEST", "a:1", "b:$LATEST", "b:1"]


def test_a_marker_of_another_list_is_refused(plane: ControlPlane) -> None:
    for name in ("a", "b"):
        plane.create(name)
    marker = plane.call("ListFunctions", MaxItems=1)["NextMarker"]
    for operation, params in (
        ("ListFunctions", {"FunctionVersion": "ALL"}),
        ("ListVersionsByFunction", {"FunctionName": "a"}),
    ):
        with pytest.raises(InvalidParameterValueException):
            plane.call(operation, Marker=marker, **params)


def test_terraform_reads_back_that_code_is_not_signed(plane: ControlPlane) -> None:
    plane.create()
    answer = plane.call("GetFunctionCodeSigningConfig", FunctionName="f")
    assert answer == {"CodeSigningConfigArn": "", "FunctionName": "f"}


def test_the_account_shows_what_is_really_used(plane: ControlPlane) -> None:
    size = plane.create(Publish=True)["CodeSize"]
    layer = plane.call("PublishLayerVersion", LayerName="l", Content={"ZipFile": zip_of({"a": "b"})})
    settings = plane.call("GetAccountSettings")
    assert settings["AccountUsage"] == {"TotalCodeSize": 2 * size + layer["Content"]["CodeSize"], "FunctionCount": 1}
    assert settings["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert plane.call("GetAccountSettings", region="eu-west-1")["AccountUsage"]["FunctionCount"] == 0


def test_of_two_creations_at_once_one_is_refused(plane: ControlPlane) -> None:
    async def both() -> list[object]:
        attempts = (plane.operation("CreateFunction", **plane.creation("f")) for _ in range(2))
        return await asyncio.gather(*attempts, return_exceptions=True)

    outcomes = plane.run(both())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ResourceConflictException", "dict"]
