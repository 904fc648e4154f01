"""Reserved and provisioned concurrency: the rules, as a client meets them."""

import pytest

from fakes.control_plane import ControlPlane
from stoker.model.errors import (
    InvalidParameterValueException,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceConflictException,
    ResourceNotFoundException,
)

BELOW = "Specified {} for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."


def reserve(plane: ControlPlane, count: int, name: str = "f") -> None:
    plane.call("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=count)


def provision(plane: ControlPlane, count: int, qualifier: str = "1", name: str = "f") -> dict[str, object]:
    return plane.call(
        "PutProvisionedConcurrencyConfig",
        FunctionName=name,
        Qualifier=qualifier,
        ProvisionedConcurrentExecutions=count,
    )


def unreserved(plane: ControlPlane, region: str = "us-east-1") -> int:
    limit: int = plane.call("GetAccountSettings", region)["AccountLimit"]["UnreservedConcurrentExecutions"]
    return limit


def provisioned(plane: ControlPlane, name: str = "f") -> list[str]:
    configs = plane.call("ListProvisionedConcurrencyConfigs", FunctionName=name)["ProvisionedConcurrencyConfigs"]
    return [config["FunctionArn"].rpartition(":")[2] for config in configs]


def test_a_reservation_is_set_shown_everywhere_and_lifted(plane: ControlPlane) -> None:
    plane.create()
    assert "Concurrency" not in plane.call("GetFunction", FunctionName="f")
    assert plane.call("GetFunctionConcurrency", FunctionName="f") == {}
    reserve(plane, 7)
    assert plane.call("GetFunctionConcurrency", FunctionName="f") == {"ReservedConcurrentExecutions": 7}
    assert plane.call("GetFunction", FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 7}
    assert unreserved(plane) == 993
    assert unreserved(plane, "eu-west-1") == 1000
    plane.call("DeleteFunctionConcurrency", FunctionName="f")
    assert unreserved(plane) == 1000


def test_a_hundred_stay_for_functions_without_a_reservation(plane: ControlPlane) -> None:
    plane.create()
    plane.create("g")
    reserve(plane, 900)
    with pytest.raises(InvalidParameterValueException) as refused:
        reserve(plane, 1, "g")
    assert refused.value.message == BELOW.format("ReservedConcurrentExecutions")
    with pytest.raises(InvalidParameterValueException):
        reserve(plane, 901)
    reserve(plane, 0, "g")
    reserve(plane, 899)
    reserve(plane, 1, "g")


def test_reservations_outlive_a_restart_and_not_their_function(plane: ControlPlane) -> None:
    plane.create()
    reserve(plane, 5)
    plane.restart()
    assert plane.registry.reservations.of(("us-east-1", "f")) == 5
    plane.call("DeleteFunction", FunctionName="f")
    assert plane.registry.reservations.of(("us-east-1", "f")) is None
    plane.create()
    assert (plane.call("GetFunctionConcurrency", FunctionName="f"), unreserved(plane)) == ({}, 1000)


def test_only_a_function_has_a_reservation_and_it_must_be_there(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    with pytest.raises(InvalidParameterValueException, match="permitted on Lambda functions only"):
        reserve(plane, 1, "f:1")
    for operation in ("GetFunctionConcurrency", "DeleteFunctionConcurrency"):
        with pytest.raises(ResourceNotFoundException, match="Function not found: arn:aws:lambda:us-east-1"):
            plane.call(operation, FunctionName="g")


def test_provisioned_concurrency_is_set_listed_and_removed(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    answer = provision(plane, 3, "live")
    assert answer == {
        "RequestedProvisionedConcurrentExecutions": 3,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": "2023-11-14T22:13:20.000+0000",
    }
    assert plane.call("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live") == answer
    assert provisioned(plane) == ["live"]
    assert unreserved(plane) == 997
    for _ in range(2):
        plane.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")
    with pytest.raises(ProvisionedConcurrencyConfigNotFoundException, match="No Provisioned Concurrency Config found"):
        plane.call("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")


def test_provisioned_concurrency_lists_in_pages(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.update(Timeout=9)
    plane.call("PublishVersion", FunctionName="f")
    provision(plane, 1, "1")
    provision(plane, 1, "2")
    page = plane.call("ListProvisionedConcurrencyConfigs", FunctionName="f", MaxItems=1)
    rest = plane.call("ListProvisionedConcurrencyConfigs", FunctionName="f", Marker=page["NextMarker"])
    assert len(page["ProvisionedConcurrencyConfigs"]) == len(rest["ProvisionedConcurrencyConfigs"]) == 1


def test_what_can_change_is_not_provisioned(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="latest", FunctionVersion="$LATEST")
    for qualifier in ("$LATEST", "latest"):
        with pytest.raises(InvalidParameterValueException, match="cannot be applied to unpublished function versions"):
            provision(plane, 1, qualifier)
    with pytest.raises(InvalidParameterValueException, match="must be an alias or a published version"):
        plane.call("GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="$LATEST")
    with pytest.raises(ResourceNotFoundException, match="Cannot find alias arn"):
        provision(plane, 1, "absent")
    with pytest.raises(ResourceNotFoundException, match="Function not found"):
        provision(plane, 1, "9")


def test_a_version_is_provisioned_by_one_name_only(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    provision(plane, 1, "1")
    with pytest.raises(ResourceConflictException, match="already Provisioned version"):
        provision(plane, 1, "live")
    plane.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
    provision(plane, 1, "live")
    with pytest.raises(ResourceConflictException, match="pointed by a Provisioned Concurrency alias"):
        provision(plane, 1, "1")


def test_an_alias_that_shares_out_its_invocations_is_not_provisioned(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.update(Timeout=9)
    plane.call("PublishVersion", FunctionName="f")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    with pytest.raises(InvalidParameterValueException, match="Alias with weights can not be used"):
        provision(plane, 1, "live")


def test_provisioned_concurrency_fits_into_the_reservation_or_the_pool(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    reserve(plane, 5)
    with pytest.raises(InvalidParameterValueException, match="should not be greater than the reserved"):
        provision(plane, 6)
    provision(plane, 5)
    assert unreserved(plane) == 995
    with pytest.raises(InvalidParameterValueException, match=r"total provisioned concurrency \[5\]"):
        reserve(plane, 4)
    plane.call("DeleteFunctionConcurrency", FunctionName="f")
    assert unreserved(plane) == 995
    with pytest.raises(InvalidParameterValueException) as refused:
        provision(plane, 901)
    assert refused.value.message == BELOW.format("ConcurrentExecutions")


def test_provisioned_concurrency_goes_with_its_alias_its_version_and_its_function(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    provision(plane, 1, "live")
    plane.call("DeleteAlias", FunctionName="f", Name="live")
    assert provisioned(plane) == []
    provision(plane, 1)
    plane.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert provisioned(plane) == []
    plane.call("PublishVersion", FunctionName="f")
    plane.call("DeleteFunction", FunctionName="f")
    plane.create()
    assert provisioned(plane) == []


@pytest.mark.parametrize("qualifier", ["1", "live"])
def test_snapstart_and_provisioned_concurrency_do_not_go_together(plane: ControlPlane, qualifier: str) -> None:
    plane.create(Runtime="python3.12", SnapStart={"ApplyOn": "PublishedVersions"})
    plane.call("PublishVersion", FunctionName="f")
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    with pytest.raises(InvalidParameterValueException, match="not supported for SnapStart enabled functions"):
        provision(plane, 1, qualifier)


def test_an_alias_takes_its_provisioned_concurrency_only_where_it_could_have_been_given(plane: ControlPlane) -> None:
    plane.create(Runtime="python3.12", Publish=True)
    plane.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    provision(plane, 1, "live")
    plane.update(SnapStart={"ApplyOn": "PublishedVersions"})
    plane.call("PublishVersion", FunctionName="f")

    def lead(version: str, **routing: object) -> None:
        plane.call("UpdateAlias", FunctionName="f", Name="live", FunctionVersion=version, **routing)

    for refused, text in (("$LATEST", "unpublished function versions"), ("2", "SnapStart enabled functions")):
        with pytest.raises(InvalidParameterValueException, match=text):
            lead(refused)
    with pytest.raises(InvalidParameterValueException, match="SnapStart enabled functions"):
        lead("1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}})
    plane.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="live")
    lead("2")
