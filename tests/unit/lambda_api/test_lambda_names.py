"""Functions can be named in many ways."""

import pytest

from fakes.control_plane import ACCOUNT, ControlPlane
from stoker.model.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    ResourceNotFoundException,
    ServiceError,
)

ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"


@pytest.mark.parametrize("name", ["f", f"{ACCOUNT}:function:f", "function:f", ARN, f"us-east-1:{ACCOUNT}:function:f"])
@pytest.mark.parametrize(
    ("suffix", "qualifier", "arn"),
    [
        ("", None, ARN),
        (":1", None, f"{ARN}:1"),
        ("", "1", f"{ARN}:1"),
        (":1", "1", f"{ARN}:1"),
        (":$LATEST", None, f"{ARN}:$LATEST"),
    ],
)
def test_every_form_of_a_name_finds_the_function(
    plane: ControlPlane, name: str, suffix: str, qualifier: str | None, arn: str
) -> None:
    plane.create(Publish=True)
    given = {"Qualifier": qualifier} if qualifier else {}
    assert plane.call("GetFunctionConfiguration", FunctionName=name + suffix, **given)["FunctionArn"] == arn


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        (
            {"FunctionName": f"{ARN}:1", "Qualifier": "2"},
            InvalidParameterValueException,
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            {"FunctionName": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"},
            ResourceNotFoundException,
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
        ),
        ({"FunctionName": "g"}, ResourceNotFoundException, f"Function not found: {ARN[:-1]}g"),
        ({"FunctionName": "f", "Qualifier": "1221"}, ResourceNotFoundException, f"Function not found: {ARN}:1221"),
    ],
)
def test_a_name_that_leads_nowhere(
    plane: ControlPlane, params: dict[str, str], kind: type[ServiceError], message: str
) -> None:
    plane.create()
    with pytest.raises(kind) as refused:
        plane.call("GetFunction", **params)
    assert refused.value.message == message


def test_the_function_of_another_account_is_denied(plane: ControlPlane) -> None:
    foreign = "arn:aws:lambda:us-east-1:999999999999:function:f"
    with pytest.raises(AccessDeniedException) as refused:
        plane.call("GetFunction", FunctionName=foreign)
    assert refused.value.message == (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: lambda:GetFunction on resource: {foreign} "
        "because no resource-based policy allows the lambda:GetFunction action"
    )


def test_invoking_what_is_not_there_names_the_version_looked_for(plane: ControlPlane) -> None:
    with pytest.raises(ResourceNotFoundException) as refused:
        plane.call("Invoke", FunctionName="f", InvocationType="DryRun")
    assert refused.value.message == f"Function not found: {ARN}:$LATEST"
