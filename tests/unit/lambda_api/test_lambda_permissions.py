"""Resource policies and tags as a client sees them."""

import json
from typing import Any

import pytest

from fakes.control_plane import ACCOUNT, ControlPlane
from stoker.model.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceError,
)

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def allow(plane: ControlPlane, sid: str = "s", **params: Any) -> dict[str, Any]:
    defaults = {"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    answer = plane.call("AddPermission", StatementId=sid, **{**defaults, **params})
    return json.loads(answer["Statement"])  # type: ignore[no-any-return]


def policy_of(plane: ControlPlane, **params: Any) -> list[dict[str, Any]]:
    policy = json.loads(plane.call("GetPolicy", FunctionName="f", **params)["Policy"])
    assert (policy["Version"], policy["Id"]) == ("2012-10-17", "default")
    return policy["Statement"]  # type: ignore[no-any-return]


def test_a_permission_is_a_statement_with_its_conditions(plane: ControlPlane) -> None:
    plane.create()
    statement = allow(plane, SourceArn="arn:aws:s3:::bucket", SourceAccount=ACCOUNT)
    assert statement == {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    }
    assert policy_of(plane) == [statement]


@pytest.mark.parametrize(
    ("principal", "element"),
    [
        ("*", "*"),
        ("111122223333", {"AWS": "arn:aws:iam::111122223333:root"}),
        ("arn:aws:iam::111122223333:role/r", {"AWS": "arn:aws:iam::111122223333:role/r"}),
        ("events.amazonaws.com", {"Service": "events.amazonaws.com"}),
    ],
)
def test_every_kind_of_principal(plane: ControlPlane, principal: str, element: object) -> None:
    plane.create()
    assert allow(plane, Principal=principal)["Principal"] == element


def test_each_qualifier_has_a_policy_of_its_own(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        assert allow(plane, Qualifier=qualifier)["Resource"] == f"{ARN}:{qualifier}"
        assert len(policy_of(plane, Qualifier=qualifier)) == 1
    with pytest.raises(ResourceNotFoundException):
        policy_of(plane)


def test_a_permission_is_removed_and_the_policy_with_the_last_one(plane: ControlPlane) -> None:
    plane.create()
    allow(plane, "a")
    allow(plane, "b")
    plane.call("RemovePermission", FunctionName="f", StatementId="a")
    assert [statement["Sid"] for statement in policy_of(plane)] == ["b"]
    plane.call("RemovePermission", FunctionName="f", StatementId="b")
    with pytest.raises(ResourceNotFoundException) as refused:
        policy_of(plane)
    assert refused.value.message == "The resource you requested does not exist."


@pytest.mark.parametrize(
    ("params", "kind", "words"),
    [
        ({}, ResourceConflictException, "The statement id (s) provided already exists."),
        ({"Qualifier": "$LATEST"}, InvalidParameterValueException, "do not support adding policies for $LATEST"),
        ({"Principal": "nobody"}, InvalidParameterValueException, "The provided principal was invalid."),
        ({"Qualifier": "none"}, ResourceNotFoundException, f"Cannot find alias arn: {ARN}:none"),
        ({"Qualifier": "7"}, ResourceNotFoundException, f"Function not found: {ARN}:7"),
        ({"FunctionUrlAuthType": "NONE"}, InvalidParameterValueException, "lambda:InvokeFunctionUrl"),
        ({"RevisionId": "stale"}, PreconditionFailedException, "The Revision Id provided does not match"),
    ],
)
def test_a_permission_that_is_refused(
    plane: ControlPlane, params: dict[str, str], kind: type[ServiceError], words: str
) -> None:
    plane.create()
    allow(plane)
    with pytest.raises(kind) as refused:
        allow(plane, **params)
    assert words in refused.value.message


def test_a_policy_may_have_20_kb(plane: ControlPlane) -> None:
    plane.create()
    with pytest.raises(PolicyLengthExceededException) as refused:
        for number in range(200):
            allow(plane, f"{number:0100}")
    assert refused.value.message.endswith("is bigger than the limit (20480).")
    kept = plane.call("GetPolicy", FunctionName="f")["Policy"]
    assert 20_000 < len(kept) <= 20_480


def test_a_policy_shares_its_revision_with_the_function_and_disturbs_no_environment(plane: ControlPlane) -> None:
    plane.create()
    before = plane.call("GetFunctionConfiguration", FunctionName="f")["RevisionId"]
    served = plane.run(plane.registry.resolve("us-east-1", "f", None))
    allow(plane)
    after = plane.call("GetFunctionConfiguration", FunctionName="f")["RevisionId"]
    assert after != before
    assert plane.call("GetPolicy", FunctionName="f")["RevisionId"] == after
    plane.restart()
    assert plane.run(plane.registry.resolve("us-east-1", "f", None)) == served


def test_removing_what_is_not_there(plane: ControlPlane) -> None:
    plane.create()
    with pytest.raises(ResourceNotFoundException) as refused:
        plane.call("RemovePermission", FunctionName="f", StatementId="s")
    assert refused.value.message == "No policy is associated with the given resource."
    allow(plane)
    with pytest.raises(ResourceNotFoundException) as refused:
        plane.call("RemovePermission", FunctionName="f", StatementId="t")
    assert refused.value.message == "Statement t is not found in resource policy."


def test_tags_are_added_replaced_and_removed(plane: ControlPlane) -> None:
    plane.create(Tags={"a": "1"})
    plane.call("TagResource", Resource=ARN, Tags={"a": "2", "b": "3"})
    assert plane.call("ListTags", Resource=ARN) == {"Tags": {"a": "2", "b": "3"}}
    assert plane.call("GetFunction", FunctionName="f")["Tags"] == {"a": "2", "b": "3"}
    plane.call("UntagResource", Resource=ARN, TagKeys=["a", "b", "never"])
    assert plane.call("ListTags", Resource=ARN) == {"Tags": {}}
    assert "Tags" not in plane.call("GetFunction", FunctionName="f")


def test_a_function_may_have_50_tags(plane: ControlPlane) -> None:
    fifty = {f"k{number}": "v" for number in range(50)}
    plane.create(Tags=fifty)
    for attempt in (
        lambda: plane.call("TagResource", Resource=ARN, Tags={"one more": "v"}),
        lambda: plane.create("g", Tags={**fifty, "one more": "v"}),
    ):
        with pytest.raises(InvalidParameterValueException) as refused:
            attempt()
        assert refused.value.message == "Number of tags exceeds resource tag limit."
    assert len(plane.call("ListTags", Resource=ARN)["Tags"]) == 50


def test_only_functions_have_tags(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    for qualifier in ("1", "$LATEST", "never"):
        with pytest.raises(InvalidParameterValueException) as refused:
            plane.call("ListTags", Resource=f"{ARN}:{qualifier}")
        assert refused.value.message.startswith("Tags on function aliases and versions are not supported.")
    with pytest.raises(ResourceNotFoundException) as missing:
        plane.call("ListTags", Resource=f"{ARN}2")
    assert missing.value.message == f"Function not found: {ARN}2"
