"""The same life of a function on PostgreSQL, and what is asked of documents in SQL."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.control_plane import ControlPlane
from fakes.postgres import OPT_OUT, fresh_database, running_postgres
from fakes.zips import zip_of
from stoker.model.function import FunctionVersion


@pytest.fixture
def postgres_plane(tmp_path: Path) -> Iterator[ControlPlane]:
    if os.environ.get(OPT_OUT) == "1":
        pytest.skip(f"{OPT_OUT}=1")
    with running_postgres() as server, fresh_database(server, f"t{uuid.uuid4().hex}") as url:
        plane = ControlPlane(tmp_path, url)
        yield plane
        plane.close()


def test_everything_works_on_postgresql_too(postgres_plane: ControlPlane) -> None:
    plane = postgres_plane
    arn = plane.call("PublishLayerVersion", LayerName="l", Content={"ZipFile": zip_of({"x": "y"})})["LayerVersionArn"]
    for name in ("b-1", "a_2", "a-1"):
        plane.create(name, Publish=True, Layers=[arn], Tags={"k": "v"})
    plane.update("b-1", Timeout=9)
    plane.call("PublishVersion", FunctionName="b-1")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    plane.call("CreateAlias", FunctionName="b-1", Name="live", FunctionVersion="1", RoutingConfig=routing)
    plane.call("AddPermission", FunctionName="b-1", StatementId="s", Action="lambda:*", Principal="*")
    seen, marker = [], {}
    while len(seen) < 9:
        page = plane.call("ListFunctions", FunctionVersion="ALL", MaxItems=2, **marker)
        seen += [(item["FunctionName"], item["Version"]) for item in page["Functions"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert len(seen) == len(set(seen)) == 7
    assert plane.call("ListLayers")["Layers"][0]["LatestMatchingVersion"]["LayerVersionArn"] == arn
    assert plane.call("GetAccountSettings")["AccountUsage"]["FunctionCount"] == 3
    plane.restart()
    assert plane.run(plane.registry.resolve("us-east-1", "b-1", "live")).function.version == "2"
    plane.call("DeleteFunction", FunctionName="b-1")
    plane.pass_grace()
    assert len(plane.call("ListFunctions")["Functions"]) == 2


def names_of_snapshots(plane: ControlPlane) -> list[str]:
    """What is to be made again after a restart, of three versions, of which one has no snapshot."""

    async def takes(function: FunctionVersion) -> bool:
        return function.name != "refused"

    plane.registry.optimise_by(takes)
    for name in ("older", "refused", "younger"):
        plane.clock.advance(1)
        plane.create(name, Runtime="python3.12", Publish=True, SnapStart={"ApplyOn": "PublishedVersions"}, settle=False)
        plane.settle()
    plane.restart()
    return [function.name for function in plane.run(plane.registry.optimized())]


def test_after_a_restart_it_is_known_who_had_a_snapshot(plane: ControlPlane) -> None:
    assert names_of_snapshots(plane) == ["younger", "older"]


def test_postgresql_knows_who_had_a_snapshot(postgres_plane: ControlPlane) -> None:
    assert names_of_snapshots(postgres_plane) == ["younger", "older"]
