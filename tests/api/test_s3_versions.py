"""Versions of objects: kept, shown, brought back, removed for good."""

from typing import Any

import pytest

from fakes.live_server import LiveServer
from fakes.s3 import content, new_bucket, refusal


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = new_bucket(s3)
    set_versioning(s3, name, "Enabled")
    return name


def set_versioning(s3: Any, bucket: str, status: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3: Any, bucket: str, body: bytes, key: str = "k") -> str:
    version: str = s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    return version


def listed(s3: Any, bucket: str) -> list[tuple[str, str, bool, str]]:
    """All versions as they are listed: kind, key, whether it is the latest, id."""
    found = s3.list_object_versions(Bucket=bucket)
    rows = [("version", each) for each in found.get("Versions", [])]
    rows += [("marker", each) for each in found.get("DeleteMarkers", [])]
    return [(kind, each["Key"], each["IsLatest"], each["VersionId"]) for kind, each in rows]


def test_every_version_is_kept_and_can_be_had(s3: Any, bucket: str) -> None:
    first, second = put(s3, bucket, b"one"), put(s3, bucket, b"two")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert content(s3, bucket, "k") == b"two"
    old = s3.get_object(Bucket=bucket, Key="k", VersionId=first)
    assert (old["Body"].read(), old["VersionId"]) == (b"one", first)
    assert listed(s3, bucket) == [("version", "k", True, second), ("version", "k", False, first)]
    assert s3.head_object(Bucket=bucket, Key="k", VersionId=first)["ContentLength"] == 3
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert copied["CopySourceVersionId"] == first
    assert content(s3, bucket, "k") == b"one"
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}
    s3.put_object_tagging(Bucket=bucket, Key="k", VersionId=first, Tagging=tags)
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=first)["TagSet"] == tags["TagSet"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k", VersionId=second)["TagSet"] == []


def test_a_delete_marks_and_removing_the_marker_brings_back(s3: Any, bucket: str) -> None:
    version = put(s3, bucket, b"one")
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"] is True
    gone = s3.list_objects_v2(Bucket=bucket)
    assert gone["KeyCount"] == 0
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refusal(s3.get_object, Bucket=bucket, Key="k", VersionId=marker) == ("MethodNotAllowed", 405)
    assert listed(s3, bucket) == [("version", "k", False, version), ("marker", "k", True, marker)]
    assert s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)["DeleteMarker"] is True
    assert content(s3, bucket, "k") == b"one"
    assert refusal(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    assert s3.delete_object(Bucket=bucket, Key="k", VersionId=version)["VersionId"] == version
    assert listed(s3, bucket) == []
    s3.delete_bucket(Bucket=bucket)


def test_the_version_before_is_the_newest_when_the_newest_is_removed(s3: Any, bucket: str) -> None:
    put(s3, bucket, b"one")
    second = put(s3, bucket, b"two")
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert content(s3, bucket, "k") == b"one"
    assert [each["Size"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [3]


def test_what_was_there_before_versions_is_the_null_version(s3: Any) -> None:
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    set_versioning(s3, bucket, "Enabled")
    put(s3, bucket, b"with")
    assert content(s3, bucket, "k", VersionId="null") == b"before"
    set_versioning(s3, bucket, "Suspended")
    s3.put_object(Bucket=bucket, Key="k", Body=b"after")
    assert content(s3, bucket, "k", VersionId="null") == b"after"
    assert len(listed(s3, bucket)) == 2
    assert s3.delete_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    kinds = [(kind, version == "null") for kind, _, _, version in listed(s3, bucket)]
    assert kinds == [("version", False), ("marker", True)]


def test_several_are_deleted_at_once_with_versions_and_without(s3: Any, bucket: str) -> None:
    first, _ = put(s3, bucket, b"one"), put(s3, bucket, b"two", "other")
    wanted = [{"Key": "k", "VersionId": first}, {"Key": "other"}, {"Key": "other", "VersionId": "bad"}]
    told = s3.delete_objects(Bucket=bucket, Delete={"Objects": wanted})["Deleted"]
    assert told[0] == {"Key": "k", "VersionId": first}
    assert told[1]["DeleteMarker"] is True
    assert [kind for kind, *_ in listed(s3, bucket)] == ["version", "marker"]


def test_versions_are_listed_page_by_page(s3: Any, bucket: str) -> None:
    for key in ("a", "b", "b", "b", "dir/c", "dir/d"):
        put(s3, bucket, b"x", key)
    s3.delete_object(Bucket=bucket, Key="b")
    whole = s3.list_object_versions(Bucket=bucket)
    pages = [*s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})]
    kinds = ("Versions", "DeleteMarkers")
    for kind in kinds:
        seen = [each for page in pages for each in page.get(kind, [])]
        assert [(each["Key"], each["VersionId"], each["IsLatest"]) for each in seen] == [
            (each["Key"], each["VersionId"], each["IsLatest"]) for each in whole[kind]
        ]
    rolled = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert rolled["CommonPrefixes"] == [{"Prefix": "dir/"}]
    code, _ = refusal(s3.list_object_versions, Bucket=bucket, VersionIdMarker="x")
    assert code == "InvalidArgument"
