"""The same life of a function on PostgreSQL."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.control_plane import ControlPlane
from fakes.postgres import OPT_OUT, fresh_database, running_postgres
from fakes.zips import zip_of


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
