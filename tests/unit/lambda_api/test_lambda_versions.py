"""Published versions and aliases as a client sees them."""

import hashlib
from base64 import b64encode
from collections import Counter

import pytest

from fakes.control_plane import ACCOUNT, ControlPlane
from fakes.zips import zip_of
from stoker.model.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceError,
    ValidationException,
)

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def numbers(plane: ControlPlane) -> list[str]:
    return [item["Version"] for item in plane.call("ListVersionsByFunction", FunctionName="f")["Versions"]]


def publish_two(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.update(Timeout=9)
    plane.call("PublishVersion", FunctionName="f")


def test_a_version_keeps_what_was_published_under_an_arn_of_its_own(plane: ControlPlane) -> None:
    plane.create(Timeout=5)
    version = plane.call("PublishVersion", FunctionName="f", Description="first")
    assert (version["FunctionArn"], version["State"]) == (f"{ARN}:1", "Active")
    plane.update(Timeout=6)
    kept = plane.call("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    assert (kept["Timeout"], kept["Description"], kept["Version"]) == (5, "first", "1")


def test_nothing_new_is_published_when_nothing_changed(plane: ControlPlane) -> None:
    plane.create()
    first = plane.call("PublishVersion", FunctionName="f", Description="one")
    again = plane.call("PublishVersion", FunctionName="f", Description="two")
    assert (again["Version"], again["RevisionId"]) == ("1", first["RevisionId"])
    plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=zip_of())
    plane.settle()
    assert plane.call("PublishVersion", FunctionName="f")["Version"] == "1"
    plane.update(Description="changed")
    assert plane.call("PublishVersion", FunctionName="f")["Version"] == "2"


def test_publishing_changes_the_revision_of_latest(plane: ControlPlane) -> None:
    plane.create()
    before = plane.call("GetFunctionConfiguration", FunctionName="f")["RevisionId"]
    plane.call("PublishVersion", FunctionName="f")
    assert plane.call("GetFunctionConfiguration", FunctionName="f")["RevisionId"] != before


def test_publishing_does_not_disturb_running_environments(plane: ControlPlane) -> None:
    plane.create()
    before = plane.run(plane.registry.resolve("us-east-1", "f", None)).function.revision_id
    announced = len(plane.changes)
    plane.call("PublishVersion", FunctionName="f")
    plane.restart()
    assert plane.run(plane.registry.resolve("us-east-1", "f", None)).function.revision_id == before
    assert len(plane.changes) == announced


def test_a_function_can_be_created_and_updated_with_a_version_at_once(plane: ControlPlane) -> None:
    plane.pause()
    created = plane.create(Publish=True, settle=False)
    assert (created["Version"], created["FunctionArn"], created["State"]) == ("1", ARN, "Pending")
    plane.settle()
    plane.pause()
    code = zip_of({"app.py": "x = 1"})
    updated = plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=code, Publish=True)
    assert (updated["Version"], updated["FunctionArn"], updated["State"]) == ("2", f"{ARN}:2", "Pending")
    assert "LastUpdateStatus" not in updated
    plane.settle()
    assert plane.call("GetFunctionConfiguration", FunctionName="f", Qualifier="2")["State"] == "Active"


def test_the_code_to_publish_can_be_made_sure_of(plane: ControlPlane) -> None:
    plane.create()
    sha = b64encode(hashlib.sha256(zip_of()).digest()).decode()
    with pytest.raises(InvalidParameterValueException) as refused:
        plane.call("PublishVersion", FunctionName="f", CodeSha256="other")
    assert refused.value.message == (
        f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({sha}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    assert plane.call("PublishVersion", FunctionName="f", CodeSha256=sha)["Version"] == "1"


def test_version_numbers_are_never_used_again(plane: ControlPlane) -> None:
    publish_two(plane)
    plane.call("DeleteFunction", FunctionName="f", Qualifier="2")
    assert numbers(plane) == ["$LATEST", "1"]
    assert plane.call("PublishVersion", FunctionName="f")["Version"] == "3"
    plane.call("DeleteFunction", FunctionName="f")
    assert plane.create(Publish=True)["Version"] == "4"


def test_versions_are_listed_in_pages(plane: ControlPlane) -> None:
    publish_two(plane)
    page = plane.call("ListVersionsByFunction", FunctionName="f", MaxItems=2)
    assert [item["FunctionArn"] for item in page["Versions"]] == [f"{ARN}:$LATEST", f"{ARN}:1"]
    rest = plane.call("ListVersionsByFunction", FunctionName="f", MaxItems=2, Marker=page["NextMarker"])
    assert [item["Version"] for item in rest["Versions"]] == ["2"]


@pytest.mark.parametrize(
    ("qualifier", "kind", "message"),
    [
        ("$LATEST", InvalidParameterValueException, "$LATEST version cannot be deleted without deleting the function."),
        ("live", InvalidParameterValueException, "Deletion of aliases is not currently supported."),
        ("1", ResourceConflictException, "Unable to delete version because the following aliases reference it: [live]"),
        ("2", ResourceConflictException, "Unable to delete version because the following aliases reference it: [live]"),
    ],
)
def test_what_is_in_use_is_not_deleted(
    plane: ControlPlane, qualifier: str, kind: type[ServiceError], message: str
) -> None:
    publish_two(plane)
    routing = {"AdditionalVersionWeights": {"2": 0.1}}
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    with pytest.raises(kind) as refused:
        plane.call("DeleteFunction", FunctionName="f", Qualifier=qualifier)
    assert refused.value.message == message


def test_an_alias_has_an_arn_and_leads_to_its_version(plane: ControlPlane) -> None:
    publish_two(plane)
    alias = plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert alias.pop("RevisionId")
    assert alias == {"AliasArn": f"{ARN}:live", "Name": "live", "FunctionVersion": "1", "Description": ""}
    found = plane.call("GetFunction", FunctionName="f", Qualifier="live")["Configuration"]
    assert (found["FunctionArn"], found["Version"]) == (f"{ARN}:live", "1")


def test_an_alias_that_moves_takes_invocations_with_it_at_once(plane: ControlPlane) -> None:
    publish_two(plane)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")

    def invoked() -> tuple[str, str]:
        target = plane.run(plane.registry.resolve("us-east-1", "f", "live"))
        return target.function.version, target.invoked_arn

    assert invoked() == ("1", f"{ARN}:live")
    plane.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
    assert invoked() == ("2", f"{ARN}:live")


def test_weights_send_their_part_of_the_invocations_elsewhere(plane: ControlPlane) -> None:
    publish_two(plane)
    routing = {"AdditionalVersionWeights": {"2": 0.2}}
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    seen: Counter[str] = Counter()
    for hundredth in range(100):
        plane.chance = hundredth / 100
        seen[plane.run(plane.registry.resolve("us-east-1", "f", "live")).function.version] += 1
    assert seen == {"1": 80, "2": 20}
    answer = plane.call("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={})
    assert "RoutingConfig" not in answer
    plane.chance = 0.0
    assert plane.run(plane.registry.resolve("us-east-1", "f", "live")).function.version == "1"


@pytest.mark.parametrize(
    ("version", "weights", "kind", "words"),
    [
        ("1", {"2": 0.1, "3": 0.1}, InvalidParameterValueException, "cannot be greater than 1"),
        ("1", {"2": 1.1}, ValidationException, "Value '{2=1.1}' at 'routingConfig.additionalVersionWeights'"),
        ("1", {"$LATEST": 0.1}, ValidationException, "Map keys must satisfy constraint"),
        ("1", {"1": 0.1}, InvalidParameterValueException, "already included in routing configuration"),
        ("$LATEST", {"1": 0.1}, InvalidParameterValueException, "$LATEST is not supported for an alias"),
        ("1", {"7": 0.1}, ResourceNotFoundException, f"Function not found: {ARN}:7"),
        ("7", {}, ResourceNotFoundException, f"Function not found: {ARN}:7"),
    ],
)
def test_a_routing_that_cannot_be_is_refused(
    plane: ControlPlane, version: str, weights: dict[str, float], kind: type[ServiceError], words: str
) -> None:
    publish_two(plane)
    routing = {"AdditionalVersionWeights": weights}
    with pytest.raises(kind) as refused:
        plane.call("CreateAlias", FunctionName="f", Name="a", FunctionVersion=version, RoutingConfig=routing)
    assert words in refused.value.message


def test_an_alias_changes_only_if_it_is_as_the_caller_believes(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    alias = plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    changed = plane.call("UpdateAlias", FunctionName="f", Name="live", Description="d", RevisionId=alias["RevisionId"])
    assert changed["Description"] == "d"
    with pytest.raises(PreconditionFailedException):
        plane.call("UpdateAlias", FunctionName="f", Name="live", RevisionId=alias["RevisionId"])


def test_aliases_are_listed_by_name_and_by_version(plane: ControlPlane) -> None:
    publish_two(plane)
    for name, version in (("c", "2"), ("a", "1"), ("b", "1")):
        plane.call("CreateAlias", FunctionName="f", Name=name, FunctionVersion=version)
    page = plane.call("ListAliases", FunctionName="f", MaxItems=2)
    rest = plane.call("ListAliases", FunctionName="f", Marker=page["NextMarker"])
    assert [alias["Name"] for alias in page["Aliases"] + rest["Aliases"]] == ["a", "b", "c"]
    to_first = plane.call("ListAliases", FunctionName="f", FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in to_first] == ["a", "b"]


def test_an_alias_that_is_not_there(plane: ControlPlane) -> None:
    plane.create()
    with pytest.raises(ResourceNotFoundException) as refused:
        plane.call("GetAlias", FunctionName="f", Name="live")
    assert refused.value.message == f"Cannot find alias arn: {ARN}:live"
    with pytest.raises(ResourceNotFoundException) as refused:
        plane.call("GetFunction", FunctionName="f", Qualifier="live")
    assert refused.value.message == f"Function not found: {ARN}:live"
    plane.call("DeleteAlias", FunctionName="f", Name="live")


def test_a_name_is_given_to_one_alias_only(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    with pytest.raises(ResourceConflictException) as refused:
        plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert refused.value.message == f"Alias already exists: {ARN}:live"
