"""What is kept on disk, and for how long."""

import hashlib

from fakes.control_plane import ControlPlane
from fakes.zips import zip_of


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


HELLO = digest(zip_of())
OTHER = zip_of({"app.py": "other = 1"})


def test_code_goes_after_the_last_version_that_needs_it(plane: ControlPlane) -> None:
    plane.create(Publish=True)
    plane.call("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    plane.settle()
    plane.pass_grace()
    assert plane.directories("packages") == {HELLO, digest(OTHER)}
    plane.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert HELLO in plane.directories("packages")
    plane.pass_grace()
    assert plane.directories("packages") == {digest(OTHER)}
    assert not plane.blobs.path(HELLO).exists()


def test_code_that_another_function_shares_stays(plane: ControlPlane) -> None:
    plane.create("a")
    plane.create("b")
    plane.call("DeleteFunction", FunctionName="a")
    plane.pass_grace()
    assert plane.directories("packages") == {HELLO}
    assert plane.blobs.path(HELLO).exists()


def test_merged_layers_go_with_the_function(plane: ControlPlane) -> None:
    layer = plane.call("PublishLayerVersion", LayerName="l", Content={"ZipFile": OTHER})["LayerVersionArn"]
    plane.create(Layers=[layer])
    assert len(plane.directories("layersets")) == 1
    plane.call("DeleteFunction", FunctionName="f")
    plane.pass_grace()
    assert plane.directories("layersets") == set()
    assert plane.blobs.path(digest(OTHER)).exists()
    plane.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    plane.pass_grace()
    assert not plane.blobs.path(digest(OTHER)).exists()


def test_a_restart_removes_what_nobody_needs_and_keeps_what_is_needed(plane: ControlPlane) -> None:
    plane.create("gone", Code={"ZipFile": OTHER})
    plane.create("kept")
    plane.call("DeleteFunction", FunctionName="gone")
    kept = plane.root / "packages" / HELLO
    inode = kept.stat().st_ino
    (plane.root / "packages" / "unfinished-x" / "deep").mkdir(parents=True)
    plane.restart()
    assert plane.directories("packages") == {HELLO}
    assert kept.stat().st_ino == inode
    assert not plane.blobs.path(digest(OTHER)).exists()


def test_code_of_a_refused_function_is_not_kept_for_ever(plane: ControlPlane) -> None:
    try:
        plane.create(Code={"ZipFile": OTHER}, Layers=["arn:aws:lambda:us-east-1:123456789012:layer:none:1"])
    except Exception as refused:
        assert "does not exist" in str(refused)
    assert plane.blobs.path(digest(OTHER)).exists()
    plane.restart()
    assert not plane.blobs.path(digest(OTHER)).exists()


def test_after_a_reboot_everything_is_unpacked_anew(plane: ControlPlane) -> None:
    plane.create()
    package = plane.root / "packages" / HELLO
    (package / "app.py").write_bytes(b"")
    (plane.root / "packages" / "boot_id").write_text("the boot before")
    plane.restart()
    function = plane.run(plane.registry.resolve("us-east-1", "f", None)).function
    plane.run(plane.registry.prepared(function))
    assert (package / "app.py").read_text().startswith("def handler")


def test_a_link_to_code_holds_for_ten_minutes_and_for_nothing_else(plane: ControlPlane) -> None:
    url = plane.links.sign(HELLO)
    path, query = url.removeprefix("http://127.0.0.1:4566/_stoker/code/").split("?")
    assert path == HELLO
    parameters = dict(pair.split("=") for pair in query.split("&"))
    assert plane.links.verify(HELLO, parameters)
    assert not plane.links.verify(digest(OTHER), parameters)
    assert not plane.links.verify(HELLO, {**parameters, "Expires": str(int(parameters["Expires"]) + 1)})
    assert not plane.links.verify(HELLO, {**parameters, "Expires": "9" * 5000})
    assert not plane.links.verify(HELLO, {})
    plane.clock.advance(601)
    assert not plane.links.verify(HELLO, parameters)


def test_get_function_says_where_the_zip_can_be_had(plane: ControlPlane) -> None:
    plane.create()
    code = plane.call("GetFunction", FunctionName="f")["Code"]
    assert code["RepositoryType"] == "S3"
    assert code["Location"] == plane.links.sign(HELLO)
    assert plane.code.zip_path(HELLO).read_bytes() == zip_of()
