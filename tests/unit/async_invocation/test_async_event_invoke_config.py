"""Event invoke configs and recursion, as their callers see them."""

from typing import Any

import pytest

from fakes.control_plane import ACCOUNT, ControlPlane
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException, ServiceError

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
EMPTY = {"OnSuccess": {}, "OnFailure": {}}


@pytest.fixture
def f(plane: ControlPlane) -> ControlPlane:
    plane.create("f")
    plane.call("PublishVersion", FunctionName="f")
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    return plane


def put(plane: ControlPlane, **params: Any) -> dict[str, Any]:
    return plane.call("PutFunctionEventInvokeConfig", **{"FunctionName": "f", **params})


def text_of(plane: ControlPlane, operation: str, **params: Any) -> tuple[type[ServiceError], str]:
    with pytest.raises(ServiceError) as refused:
        plane.call(operation, **{"FunctionName": "f", **params})
    return type(refused.value), refused.value.message


def test_a_config_is_shown_as_it_was_set_and_what_was_not_set_is_absent(f: ControlPlane) -> None:
    answer = put(f, MaximumRetryAttempts=0)
    assert answer.pop("LastModified").timestamp() == f.clock.time()
    assert answer == {"FunctionArn": f"{ARN}:f:$LATEST", "MaximumRetryAttempts": 0, "DestinationConfig": EMPTY}
    assert f.call("GetFunctionEventInvokeConfig", FunctionName="f")["FunctionArn"] == f"{ARN}:f:$LATEST"


def test_a_put_replaces_and_an_update_keeps(f: ControlPlane) -> None:
    put(f, MaximumEventAgeInSeconds=60)
    assert "MaximumEventAgeInSeconds" not in put(f, MaximumRetryAttempts=1)
    changed = f.call("UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=90)
    assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (1, 90)


def test_each_qualifier_has_a_config_of_its_own(f: ControlPlane) -> None:
    put(f, MaximumRetryAttempts=0)
    put(f, MaximumRetryAttempts=1, Qualifier="1")
    put(f, MaximumRetryAttempts=2, FunctionName="f:live")
    first = f.call("ListFunctionEventInvokeConfigs", FunctionName="f", MaxItems=2)
    rest = f.call("ListFunctionEventInvokeConfigs", FunctionName="f", Marker=first["NextMarker"])
    listed = [*first["FunctionEventInvokeConfigs"], *rest["FunctionEventInvokeConfigs"]]
    assert [each["FunctionArn"].rpartition(":")[2] for each in listed] == ["$LATEST", "1", "live"]
    assert [each["MaximumRetryAttempts"] for each in listed] == [0, 1, 2]


def test_a_config_goes_with_what_it_is_attached_to(f: ControlPlane) -> None:
    for qualifier in ("$LATEST", "1", "live"):
        put(f, MaximumRetryAttempts=0, Qualifier=qualifier)
    f.call("DeleteFunctionEventInvokeConfig", FunctionName="f")
    f.call("DeleteAlias", FunctionName="f", Name="live")
    f.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert f.call("ListFunctionEventInvokeConfigs", FunctionName="f")["FunctionEventInvokeConfigs"] == []
    put(f, MaximumRetryAttempts=0)
    f.call("DeleteFunction", FunctionName="f")
    f.create("f")
    assert f.call("ListFunctionEventInvokeConfigs", FunctionName="f")["FunctionEventInvokeConfigs"] == []


@pytest.mark.parametrize("operation", ["Get", "Delete", "Update"])
def test_a_config_that_is_not_there_is_said_so_with_its_arn(f: ControlPlane, operation: str) -> None:
    params = {"MaximumRetryAttempts": 1} if operation == "Update" else {}
    refused = text_of(f, f"{operation}FunctionEventInvokeConfig", Qualifier="live", **params)
    assert refused == (ResourceNotFoundException, f"The function {ARN}:f:live doesn't have an EventInvokeConfig")


def test_a_function_or_qualifier_that_is_not_there_cannot_have_one(f: ControlPlane) -> None:
    missing = (ResourceNotFoundException, "The function doesn't exist.")
    for params in ({"FunctionName": "g"}, {"Qualifier": "9"}, {"Qualifier": "dead"}):
        assert text_of(f, "PutFunctionEventInvokeConfig", MaximumRetryAttempts=1, **params) == missing
    assert text_of(f, "UpdateFunctionEventInvokeConfig", MaximumRetryAttempts=1, FunctionName="g") == missing
    assert text_of(f, "ListFunctionEventInvokeConfigs", FunctionName="g") == missing


def test_a_config_must_say_something(f: ControlPlane) -> None:
    text = "You must specify at least one of error handling or destination setting."
    assert text_of(f, "PutFunctionEventInvokeConfig") == (InvalidParameterValueException, text)
    assert put(f, DestinationConfig={"OnFailure": {}})["DestinationConfig"] == EMPTY


def test_functions_may_be_destinations(f: ControlPlane) -> None:
    f.create("g")
    destinations = {"OnSuccess": {"Destination": f"{ARN}:g"}, "OnFailure": {"Destination": f"{ARN}:g:$LATEST"}}
    assert put(f, DestinationConfig=destinations)["DestinationConfig"] == destinations
    assert put(f, DestinationConfig={"OnSuccess": {"Destination": ""}})["DestinationConfig"] == EMPTY


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        (f"{ARN}:f", "You can't specify the function as a destination for itself."),
        (f"{ARN}:absent", f"The destination ARN {ARN}:absent is invalid."),
        (f"{ARN}:f2:9", f"The destination ARN {ARN}:f2:9 is invalid."),
        (
            "arn:aws:iam::1:role/x",
            "The provided destination config DestinationConfig("
            "onSuccess=OnSuccess(destination=arn:aws:iam::1:role/x), onFailure=null) is invalid.",
        ),
        (
            "arn:aws:s3:::bucket",
            "The provided destination config DestinationConfig("
            "onSuccess=OnSuccess(destination=arn:aws:s3:::bucket), onFailure=null) is invalid.",
        ),
    ],
)
def test_a_destination_that_cannot_be_is_refused(f: ControlPlane, arn: str, text: str) -> None:
    config = {"OnSuccess": {"Destination": arn}}
    refused = text_of(f, "PutFunctionEventInvokeConfig", DestinationConfig=config)
    assert refused == (InvalidParameterValueException, text)


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",
        f"arn:aws:sns:us-east-1:{ACCOUNT}:t",
        f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/b",
        "arn:aws:s3:::bucket",
    ],
)
def test_failures_may_go_to_queues_topics_buses_and_buckets(f: ControlPlane, arn: str) -> None:
    config = {"OnFailure": {"Destination": arn}}
    assert put(f, DestinationConfig=config)["DestinationConfig"]["OnFailure"] == {"Destination": arn}


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:sns:eu-west-1:{ACCOUNT}:t",
        f"arn:aws:sns:us-east-1:{ACCOUNT}:t.fifo",
        f"arn:aws:events:us-east-1:{ACCOUNT}:rule/b",
        f"arn:aws:s3:us-east-1:{ACCOUNT}:bucket",
        "arn:aws:s3:::",
        "arn:aws:sqs",
    ],
)
def test_what_names_no_place_for_results_is_refused(f: ControlPlane, arn: str) -> None:
    refused = text_of(f, "PutFunctionEventInvokeConfig", DestinationConfig={"OnFailure": {"Destination": arn}})
    assert refused == (InvalidParameterValueException, f"The destination ARN {arn} is invalid.")


def test_loops_are_stopped_unless_a_function_allows_them(f: ControlPlane) -> None:
    assert f.call("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Terminate"}
    for mode in ("Allow", "Allow", "Terminate", "Allow"):
        f.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop=mode)
        assert f.call("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": mode}
    f.call("DeleteFunction", FunctionName="f")
    assert text_of(f, "GetFunctionRecursionConfig") == (ResourceNotFoundException, f"Function not found: {ARN}:f")
    f.create("f")
    assert f.call("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Terminate"}
