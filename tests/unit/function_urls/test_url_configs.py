"""CreateFunctionUrlConfig to DeleteFunctionUrlConfig, as a client sees them."""

import json
import re
from typing import Any

import pytest

from fakes.control_plane import ACCOUNT, ControlPlane
from stoker.functions.urls import GuardedUrl
from stoker.model.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceNotFoundException,
)

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


def make(plane: ControlPlane, **params: Any) -> dict[str, Any]:
    return plane.call("CreateFunctionUrlConfig", **{"FunctionName": "f", "AuthType": "NONE", **params})


def url_id(config: dict[str, Any]) -> str:
    found = re.fullmatch(r"http://([a-z2-7]{32})\.lambda-url\.us-east-1\.localhost:4566/", config["FunctionUrl"])
    assert found is not None
    return found[1]


def load(plane: ControlPlane, config: dict[str, Any]) -> GuardedUrl | None:
    """What a call of the URL finds, by way of the cache."""
    urls = plane.registry.urls
    return urls.cached(url_id(config)) or plane.run(urls.load(url_id(config)))


def test_a_url_is_made_shown_changed_and_deleted(plane: ControlPlane) -> None:
    plane.create()
    made = make(plane, Cors={"AllowOrigins": ["*"], "MaxAge": 5})
    assert (made["FunctionArn"], made["AuthType"], made["Cors"]) == (ARN, "NONE", {"AllowOrigins": ["*"], "MaxAge": 5})
    assert not {"LastModifiedTime", "InvokeMode"} & made.keys()
    plane.clock.advance(1)
    changed = plane.call("UpdateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM")
    shown = plane.call("GetFunctionUrlConfig", FunctionName="f")
    assert (shown["AuthType"], shown["Cors"], shown["InvokeMode"]) == ("AWS_IAM", made["Cors"], "BUFFERED")
    assert shown["FunctionUrl"] == changed["FunctionUrl"] == made["FunctionUrl"]
    assert shown["LastModifiedTime"] > shown["CreationTime"] == made["CreationTime"]
    plane.call("DeleteFunctionUrlConfig", FunctionName="f")
    with pytest.raises(ResourceNotFoundException, match="The resource you requested does not exist"):
        plane.call("GetFunctionUrlConfig", FunctionName="f")
    assert load(plane, made) is None


def test_rules_that_say_nothing_remove_what_was_there(plane: ControlPlane) -> None:
    plane.create()
    make(plane, Cors={"AllowOrigins": ["*"]})
    assert "Cors" not in plane.call("UpdateFunctionUrlConfig", FunctionName="f", Cors={})


def test_an_alias_has_a_url_of_its_own_and_both_are_listed(plane: ControlPlane) -> None:
    plane.create()
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
    own, alias = make(plane), make(plane, Qualifier="live")
    assert alias["FunctionArn"] == f"{ARN}:live"
    first = plane.call("ListFunctionUrlConfigs", FunctionName="f", MaxItems=1)
    second = plane.call("ListFunctionUrlConfigs", FunctionName="f", MaxItems=1, Marker=first["NextMarker"])
    listed = [*first["FunctionUrlConfigs"], *second["FunctionUrlConfigs"]]
    assert [each["FunctionUrl"] for each in listed] == [own["FunctionUrl"], alias["FunctionUrl"]]
    assert "NextMarker" not in second


def test_what_is_not_there_or_there_already_is_told_in_aws_s_words(plane: ControlPlane) -> None:
    with pytest.raises(ResourceNotFoundException, match="Function does not exist"):
        make(plane)
    plane.create()
    with pytest.raises(ResourceNotFoundException, match="Function does not exist"):
        make(plane, Qualifier="nobody")
    make(plane)
    with pytest.raises(ResourceConflictException, match=f"functionArn = {ARN}.*FunctionUrlConfig exists"):
        make(plane)


def test_the_invoke_mode_is_kept_and_changed(plane: ControlPlane) -> None:
    plane.create()
    assert make(plane, InvokeMode="RESPONSE_STREAM")["InvokeMode"] == "RESPONSE_STREAM"
    plane.call("UpdateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    assert plane.call("GetFunctionUrlConfig", FunctionName="f")["InvokeMode"] == "RESPONSE_STREAM"
    plane.call("UpdateFunctionUrlConfig", FunctionName="f", InvokeMode="BUFFERED")
    assert plane.call("GetFunctionUrlConfig", FunctionName="f")["InvokeMode"] == "BUFFERED"


def test_a_method_that_nothing_obeys_is_refused(plane: ControlPlane) -> None:
    plane.create()
    with pytest.raises(InvalidParameterValueException, match="BREW"):
        make(plane, Cors={"AllowMethods": ["BREW"]})


def test_deleting_the_function_or_the_alias_deletes_its_url(plane: ControlPlane) -> None:
    plane.create()
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
    own, alias = make(plane), make(plane, Qualifier="live")
    assert load(plane, own) is not None
    assert load(plane, alias) is not None
    plane.call("DeleteAlias", FunctionName="f", Name="live")
    assert load(plane, alias) is None
    plane.call("DeleteFunction", FunctionName="f")
    assert load(plane, own) is None


def test_a_change_of_the_policy_is_seen_by_the_next_call(plane: ControlPlane) -> None:
    plane.create()
    made = make(plane)
    guarded = load(plane, made)
    assert guarded is not None
    assert guarded.policy is None
    params = {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"}
    plane.call("AddPermission", **params)
    guarded = load(plane, made)
    assert guarded is not None
    assert guarded.policy is not None and json.loads(guarded.policy)["Statement"][0]["Sid"] == "s"
    plane.call("RemovePermission", FunctionName="f", StatementId="s")
    guarded = load(plane, made)
    assert guarded is not None
    assert guarded.policy is None


def test_a_url_outlives_a_restart(plane: ControlPlane) -> None:
    plane.create()
    made = make(plane, Cors={"AllowMethods": ["GET"], "AllowCredentials": True})
    plane.restart()
    shown = plane.call("GetFunctionUrlConfig", FunctionName="f")
    assert (shown["FunctionUrl"], shown["Cors"]) == (made["FunctionUrl"], made["Cors"])
