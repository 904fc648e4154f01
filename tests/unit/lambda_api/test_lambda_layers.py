"""Layers as a client sees them."""

from pathlib import Path
from typing import Any

import pytest

from fakes.control_plane import ACCOUNT, ControlPlane
from fakes.zips import zip_of
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException

LAYER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:"


def publish(plane: ControlPlane, name: str = "l", files: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    content = {"ZipFile": zip_of(files or {"python/lib.py": f"name = '{name}'"})}
    return plane.call("PublishLayerVersion", LayerName=name, Content=content, **params)


def opt_of(plane: ControlPlane, name: str = "f") -> Path:
    function = plane.run(plane.registry.resolve("us-east-1", name, None)).function
    root = plane.run(plane.registry.prepared(function)).layers_root
    assert root is not None
    return root


def test_a_layer_version_has_its_content_and_says_what_it_is_for(plane: ControlPlane) -> None:
    layer = publish(plane, CompatibleRuntimes=["python3.11"], LicenseInfo="MIT", Description="d")
    assert layer["LayerVersionArn"] == f"{LAYER}l:1"
    assert layer["CreatedDate"] == "2023-11-14T22:13:20.000+0000"
    found = plane.call("GetLayerVersion", LayerName=f"{LAYER}l", VersionNumber=1)
    assert found == layer
    assert plane.call("GetLayerVersionByArn", Arn=f"{LAYER}l:1") == layer


def test_layer_version_numbers_are_never_used_again(plane: ControlPlane) -> None:
    assert [publish(plane)["Version"] for _ in range(2)] == [1, 2]
    for version in (1, 2, 7):
        plane.call("DeleteLayerVersion", LayerName="l", VersionNumber=version)
    assert publish(plane)["Version"] == 3
    for version in (1, 7):
        with pytest.raises(ResourceNotFoundException):
            plane.call("GetLayerVersion", LayerName="l", VersionNumber=version)
    with pytest.raises(InvalidParameterValueException) as refused:
        plane.call("GetLayerVersion", LayerName="l", VersionNumber=0)
    assert refused.value.message == "Layer Version Cannot be less than 1"


def test_layers_are_listed_with_their_newest_matching_version(plane: ControlPlane) -> None:
    publish(plane, "b", CompatibleRuntimes=["python3.11"])
    publish(plane, "b", CompatibleRuntimes=["nodejs20.x"])
    publish(plane, "a")

    def listed(**params: Any) -> list[tuple[str, int]]:
        layers = plane.call("ListLayers", **params)["Layers"]
        return [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in layers]

    assert listed() == [("a", 1), ("b", 2)]
    assert listed(CompatibleRuntime="python3.11") == [("b", 1)]
    assert listed(CompatibleRuntime="python3.11", CompatibleArchitecture="arm64") == []
    page = plane.call("ListLayers", MaxItems=1)
    assert listed(Marker=page["NextMarker"]) == [("b", 2)]


def test_the_versions_of_a_layer_are_listed_newest_first(plane: ControlPlane) -> None:
    for _ in range(3):
        publish(plane)
    page = plane.call("ListLayerVersions", LayerName="l", MaxItems=2)
    rest = plane.call("ListLayerVersions", LayerName="l", Marker=page["NextMarker"])
    assert [layer["Version"] for layer in page["LayerVersions"] + rest["LayerVersions"]] == [3, 2, 1]
    assert "Content" not in page["LayerVersions"][0]
    assert plane.call("ListLayerVersions", LayerName="none") == {"LayerVersions": []}


def test_layers_are_laid_over_each_other_in_their_order(plane: ControlPlane) -> None:
    arns = [
        publish(plane, name, {"python/lib.py": name, f"bin/{name}": name})["LayerVersionArn"] for name in ("a", "b")
    ]
    plane.create(Layers=arns)
    opt = opt_of(plane)
    assert (opt / "python/lib.py").read_text() == "b"
    assert sorted(path.name for path in (opt / "bin").iterdir()) == ["a", "b"]
    plane.update(Layers=arns[::-1])
    assert (opt_of(plane) / "python/lib.py").read_text() == "a"
    shown = plane.call("GetFunctionConfiguration", FunctionName="f")["Layers"]
    assert [layer["Arn"] for layer in shown] == arns[::-1]
    plane.update(Layers=[])
    assert "Layers" not in plane.call("GetFunctionConfiguration", FunctionName="f")


def test_a_deleted_layer_stays_with_the_functions_that_have_it(plane: ControlPlane) -> None:
    arn = publish(plane)["LayerVersionArn"]
    plane.create(Layers=[arn])
    plane.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    plane.pass_grace()
    plane.update(Layers=[arn], Timeout=9)
    assert (opt_of(plane) / "python/lib.py").exists()
    with pytest.raises(InvalidParameterValueException) as refused:
        plane.create("g", Layers=[arn])
    assert refused.value.message == f"Layer version {arn} does not exist."


def test_a_function_may_have_5_layers_of_5_names_in_its_region(plane: ControlPlane) -> None:
    arns = [publish(plane, f"l{number}")["LayerVersionArn"] for number in range(6)]
    second = publish(plane, "l0")["LayerVersionArn"]
    refusals = {
        "Cannot reference more than 5 layers.": arns,
        "Two different versions of the same layer are not allowed to be referenced in the same function. "
        f"{arns[0]} and {second} are versions of the same layer.": [arns[0], second],
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.": [
            arns[0].replace("us-east-1", "eu-west-1")
        ],
        f"Layer version {LAYER}none:1 does not exist.": [f"{LAYER}none:1"],
    }
    for message, layers in refusals.items():
        with pytest.raises(InvalidParameterValueException) as refused:
            plane.create(Layers=layers)
        assert refused.value.message == message
    plane.create(Layers=arns[:5])
