"""Buckets, and lists of what is in them."""

import itertools
from typing import Any

import pytest

from fakes.live_server import LiveServer
from fakes.s3 import new_bucket, refusal

KEYS = ["", "a", "a/1", "a/2", "a/b/3", "b", "c/1", "z ü+&<>.txt"][1:]


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> str:
    name = new_bucket(s3)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def names(page: dict[str, Any]) -> list[str]:
    return [each["Key"] for each in page.get("Contents", [])]


def prefixes(page: dict[str, Any]) -> list[str]:
    return [each["Prefix"] for each in page.get("CommonPrefixes", [])]


def test_keys_are_listed_in_their_order(s3: Any, bucket: str) -> None:
    page = s3.list_objects_v2(Bucket=bucket)
    assert names(page) == KEYS
    assert (page["KeyCount"], page["IsTruncated"]) == (len(KEYS), False)
    assert names(s3.list_objects(Bucket=bucket)) == KEYS
    assert names(s3.list_objects_v2(Bucket=bucket, StartAfter="a/2")) == KEYS[3:]
    assert "Owner" in s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]


def test_a_delimiter_rolls_up(s3: Any, bucket: str) -> None:
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert (names(page), prefixes(page)) == (["a", "b", "z ü+&<>.txt"], ["a/", "c/"])
    below = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="a/")
    assert (names(below), prefixes(below)) == (["a/1", "a/2"], ["a/b/"])
    assert s3.list_objects_v2(Bucket=bucket, Prefix="none")["KeyCount"] == 0


@pytest.mark.parametrize(
    ("operation", "size", "delimiter"), [*itertools.product(["list_objects", "list_objects_v2"], [1, 2, 3], ["", "/"])]
)
def test_pages_make_the_whole(s3: Any, bucket: str, operation: str, size: int, delimiter: str) -> None:
    whole = getattr(s3, operation)(Bucket=bucket, Delimiter=delimiter)
    pages = [
        *s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter=delimiter, PaginationConfig={"PageSize": size})
    ]
    assert [name for page in pages for name in names(page)] == names(whole)
    assert [prefix for page in pages for prefix in prefixes(page)] == prefixes(whole)
    assert all(len(names(page)) + len(prefixes(page)) <= size for page in pages)


def test_bad_pages_are_refused(s3: Any, bucket: str) -> None:
    for params in ({"MaxKeys": -1}, {"ContinuationToken": "bad"}, {"ContinuationToken": ""}, {"EncodingType": "x"}):
        assert refusal(s3.list_objects_v2, Bucket=bucket, **params) == ("InvalidArgument", 400)
    empty = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (names(empty), empty["IsTruncated"]) == ([], False)


def test_buckets_are_made_found_and_deleted(s3: Any, live_server: LiveServer) -> None:
    assert refusal(s3.create_bucket, Bucket="No_Name") == ("InvalidBucketName", 400)
    away = live_server.client("s3", region_name="eu-west-1")
    assert refusal(away.create_bucket, Bucket="in-dublin") == ("IllegalLocationConstraintException", 400)
    away.create_bucket(Bucket="in-dublin", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    again = {"Bucket": "in-dublin", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    assert refusal(away.create_bucket, **again) == ("BucketAlreadyOwnedByYou", 409)
    assert s3.get_bucket_location(Bucket="in-dublin")["LocationConstraint"] == "eu-west-1"
    assert s3.head_bucket(Bucket="in-dublin")["BucketRegion"] == "eu-west-1"
    assert "in-dublin" in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert s3.list_buckets(Prefix="in-d", MaxBuckets=5)["Buckets"][0]["BucketRegion"] == "eu-west-1"
    away.delete_bucket(Bucket="in-dublin")
    assert refusal(s3.head_bucket, Bucket="in-dublin") == ("404", 404)
    assert refusal(s3.delete_bucket, Bucket="in-dublin") == ("NoSuchBucket", 404)
    missing = refusal(s3.list_objects_v2, Bucket="in-dublin")
    assert missing == ("NoSuchBucket", 404)


def test_configurations_are_kept_or_refused(s3: Any) -> None:
    bucket = new_bucket(s3)
    assert refusal(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    tags = [{"Key": "team", "Value": "red"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [rule]
    put = s3.put_object(Bucket=bucket, Key="logs/1", Body=b"x")
    head = s3.head_object(Bucket=bucket, Key="logs/1")
    assert 'rule-id="old"' in head["Expiration"] and put["ETag"] == head["ETag"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    gone = refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    assert gone == ("NoSuchLifecycleConfiguration", 404)
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "000000000000"}, '
    policy += '"Action": "s3:*", "Resource": "arn:aws:s3:::some-other-bucket"}]}'
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=policy) == ("MalformedPolicy", 400)
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy="{") == ("MalformedPolicy", 400)
    assert refusal(s3.get_bucket_replication, Bucket=bucket)[1] == 404
    assert refusal(s3.get_object_lock_configuration, Bucket=bucket)[1] == 404
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    unbuilt = {
        s3.put_bucket_replication: {"ReplicationConfiguration": {"Role": "r", "Rules": []}},
        s3.put_object_lock_configuration: {},
        s3.put_bucket_logging: {
            "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "log/"}}
        },
        s3.put_bucket_request_payment: {"RequestPaymentConfiguration": {"Payer": "Requester"}},
        s3.put_bucket_accelerate_configuration: {"AccelerateConfiguration": {"Status": "Enabled"}},
    }
    for call, params in unbuilt.items():
        assert refusal(call, Bucket=bucket, **params) == ("NotImplemented", 501)


def test_what_no_bucket_has_is_told_as_aws_tells_it(s3: Any) -> None:
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for kind in ("analytics", "intelligent_tiering", "inventory", "metrics"):
        assert getattr(s3, f"list_bucket_{kind}_configurations")(Bucket=bucket)["IsTruncated"] is False
        named = getattr(s3, f"get_bucket_{kind}_configuration")
        assert refusal(named, Bucket=bucket, Id="x") == ("NoSuchConfiguration", 404)
    for locked in (s3.get_object_legal_hold, s3.get_object_retention):
        assert refusal(locked, Bucket=bucket, Key="k") == ("InvalidRequest", 400)
        assert refusal(locked, Bucket=bucket, Key="none") == ("NoSuchKey", 404)
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"]["Status"] == "Disabled"
    s3.delete_bucket_replication(Bucket=bucket)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": "Suspended"})


def test_terraform_finds_what_it_waits_for(s3: Any) -> None:
    """It reads until the answers say what it has asked for."""
    bucket = new_bucket(s3)
    rules = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]}
    size = "all_storage_classes_128K"
    put = s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration=rules, TransitionDefaultMinimumObjectSize=size
    )
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert put["TransitionDefaultMinimumObjectSize"] == got["TransitionDefaultMinimumObjectSize"] == size
    varied = {"LifecycleConfiguration": rules, "TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    assert refusal(s3.put_bucket_lifecycle_configuration, Bucket=bucket, **varied) == ("NotImplemented", 501)
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refusal(s3.get_bucket_ownership_controls, Bucket=bucket) == ("OwnershipControlsNotFoundError", 404)
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
