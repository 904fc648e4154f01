"""Objects through boto3 against a live server: put, read, conditions, ranges, checksums, copies, deletes, tags."""

import base64
import hashlib
import os
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from fakes.live_server import LiveServer
from fakes.s3 import content, fetch, new_bucket, refusal

MB = 1 << 20


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> str:
    return new_bucket(s3)


def test_an_object_comes_back_with_all_it_was_given(s3: Any, bucket: str) -> None:
    put = s3.put_object(
        Bucket=bucket,
        Key="given/ä b+c//.txt",
        Body=b"hello",
        ContentType="text/plain",
        CacheControl="no-store",
        ContentEncoding="identity",
        ContentDisposition='attachment; filename="x"',
        Metadata={"colour": "blue"},
        Tagging="team=red&x=",
        StorageClass="STANDARD_IA",
    )
    got = s3.get_object(Bucket=bucket, Key="given/ä b+c//.txt")
    assert got["Body"].read() == b"hello"
    assert got["ETag"] == put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert (got["ContentType"], got["CacheControl"], got["ContentEncoding"]) == ("text/plain", "no-store", "identity")
    assert (got["Metadata"], got["TagCount"], got["StorageClass"]) == ({"colour": "blue"}, 2, "STANDARD_IA")
    assert got["ServerSideEncryption"] == "AES256"
    assert "VersionId" not in got
    assert (got["LastModified"] - datetime.now(UTC)).total_seconds() < 60


def test_what_is_not_there_is_refused_as_aws_does(s3: Any, bucket: str) -> None:
    assert refusal(s3.get_object, Bucket=bucket, Key="none") == ("NoSuchKey", 404)
    assert refusal(s3.head_object, Bucket=bucket, Key="none") == ("404", 404)
    assert refusal(s3.get_object, Bucket="no-such-bucket-here", Key="none") == ("NoSuchBucket", 404)
    assert refusal(s3.put_object, Bucket="no-such-bucket-here", Key="none", Body=b"x") == ("NoSuchBucket", 404)
    assert refusal(s3.get_object, Bucket=bucket, Key="none", VersionId="bad") == ("NoSuchVersion", 404)
    assert refusal(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"x") == ("KeyTooLongError", 400)
    assert refusal(s3.put_object, Bucket=bucket, Key="k", StorageClass="NONE") == ("InvalidStorageClass", 400)
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Metadata={"m": "v" * 2048}) == ("MetadataTooLarge", 400)
    assert refusal(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == ("AccessControlListNotSupported", 400)


def test_what_nothing_would_obey_is_not_built(s3: Any, bucket: str) -> None:
    for params in ({"ServerSideEncryption": "aws:kms"}, {"StorageClass": "GLACIER"}, {"ObjectLockMode": "GOVERNANCE"}):
        assert refusal(s3.put_object, Bucket=bucket, Key="k", **params) == ("NotImplemented", 501)


def test_a_range_is_a_part(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="range", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="range", Range="bytes=2-4")
    assert (got["Body"].read(), got["ContentRange"], got["ContentLength"]) == (b"234", "bytes 2-4/10", 3)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert content(s3, bucket, "range", Range="bytes=-3") == b"789"
    assert content(s3, bucket, "range", Range="bytes=8-100") == b"89"
    assert refusal(s3.get_object, Bucket=bucket, Key="range", Range="bytes=10-") == ("InvalidRange", 416)


def test_conditions_decide_about_reading(s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="condition", Body=b"x")["ETag"]
    now = datetime.now(UTC)
    where = {"Bucket": bucket, "Key": "condition"}
    assert refusal(s3.get_object, **where, IfNoneMatch=etag) == ("304", 304)
    assert refusal(s3.get_object, **where, IfModifiedSince=now + timedelta(hours=1)) == ("304", 304)
    assert refusal(s3.get_object, **where, IfMatch='"other"') == ("PreconditionFailed", 412)
    assert refusal(s3.head_object, **where, IfUnmodifiedSince=now - timedelta(hours=1)) == ("412", 412)
    assert s3.get_object(**where, IfMatch=etag, IfUnmodifiedSince=now - timedelta(hours=1))["ETag"] == etag


def test_conditions_decide_about_writing(s3: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "written-once"}
    etag = s3.put_object(**where, Body=b"1", IfNoneMatch="*")["ETag"]
    assert refusal(s3.put_object, **where, Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert refusal(s3.put_object, **where, Body=b"2", IfMatch='"other"') == ("PreconditionFailed", 412)
    assert refusal(s3.put_object, Bucket=bucket, Key="absent", Body=b"2", IfMatch=etag) == ("NoSuchKey", 404)
    s3.put_object(**where, Body=b"2", IfMatch=etag)
    assert content(s3, bucket, "written-once") == b"2"


def test_checksums_are_verified_kept_and_shown(s3: Any, bucket: str) -> None:
    data = os.urandom(3000)
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        put = s3.put_object(Bucket=bucket, Key=algorithm, Body=data, ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
        assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]
        assert head["ChecksumType"] == "FULL_OBJECT"
    expected = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    assert s3.head_object(Bucket=bucket, Key="CRC32", ChecksumMode="ENABLED")["ChecksumCRC32"] == expected
    wrong = base64.b64encode(b"\0" * 4).decode()
    assert refusal(s3.put_object, Bucket=bucket, Key="bad", Body=data, ChecksumCRC32=wrong) == ("BadDigest", 400)
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert refusal(s3.put_object, Bucket=bucket, Key="bad", Body=data, ContentMD5=md5) == ("BadDigest", 400)
    assert refusal(s3.put_object, Bucket=bucket, Key="bad", Body=data, ContentMD5="junk") == ("InvalidDigest", 400)
    assert refusal(s3.get_object, Bucket=bucket, Key="bad") == ("NoSuchKey", 404)


def test_without_a_checksum_s3_makes_one(live_server: LiveServer, bucket: str) -> None:
    quiet = live_server.client("s3", config=Config(request_checksum_calculation="when_required"))
    assert quiet.put_object(Bucket=bucket, Key="quiet", Body=b"x")["ChecksumCRC64NVME"]


@pytest.mark.parametrize("settings", [{}, {"payload_signing_enabled": True}], ids=["trailer", "signed"])
def test_large_objects_stream_both_ways(live_server: LiveServer, bucket: str, settings: dict[str, Any]) -> None:
    s3 = live_server.client("s3", config=Config(s3=settings))
    data = os.urandom(9 * MB + 17)
    s3.put_object(Bucket=bucket, Key="large", Body=data)
    assert content(s3, bucket, "large") == data
    assert content(s3, bucket, "large", Range=f"bytes={5 * MB}-{5 * MB + 9}") == data[5 * MB : 5 * MB + 10]


def test_a_body_that_was_changed_on_its_way_is_never_seen(s3: Any, bucket: str) -> None:
    def change(request: Any, **_kwargs: Any) -> None:
        request.body = b"evil!"

    meddler = s3.meta.events
    meddler.register("before-send.s3.PutObject", change)
    try:
        signed = {"ContentMD5": base64.b64encode(hashlib.md5(b"hello").digest()).decode()}
        code, status = refusal(s3.put_object, Bucket=bucket, Key="changed", Body=b"hello", **signed)
    finally:
        meddler.unregister("before-send.s3.PutObject", change)
    assert status in (400, 403), code
    assert refusal(s3.get_object, Bucket=bucket, Key="changed") == ("NoSuchKey", 404)


def test_copies_keep_or_replace_what_the_source_has(s3: Any, bucket: str) -> None:
    s3.put_object(
        Bucket=bucket, Key="from here", Body=b"copy me", ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1"
    )
    source = {"Bucket": bucket, "Key": "from here"}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)["CopyObjectResult"]
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"], got["TagCount"]) == (
        b"copy me",
        "a/b",
        {"m": "1"},
        1,
    )
    assert copied["ETag"] == got["ETag"]
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"})
    assert s3.head_object(Bucket=bucket, Key="to")["Metadata"] == {"n": "2"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="from here", CopySource=source) == ("InvalidRequest", 400)
    other = refusal(s3.copy_object, Bucket=bucket, Key="to", CopySource=source, CopySourceIfMatch="other")
    assert other == ("PreconditionFailed", 412)
    missing = {"Bucket": bucket, "Key": "missing"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="to", CopySource=missing) == ("NoSuchKey", 404)


def test_deletes_are_repeatable_and_may_come_by_the_thousand(s3: Any, bucket: str) -> None:
    keys = [f"gone/{number}" for number in range(20)]
    for key in keys[:3]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    named = {"Objects": [{"Key": key} for key in keys]}
    assert [each["Key"] for each in s3.delete_objects(Bucket=bucket, Delete=named)["Deleted"]] == keys
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={**named, "Quiet": True})
    s3.delete_object(Bucket=bucket, Key="never was")
    assert s3.list_objects_v2(Bucket=bucket, Prefix="gone/")["KeyCount"] == 0
    too_many = {"Objects": [{"Key": str(number)} for number in range(1001)]}
    assert refusal(s3.delete_objects, Bucket=bucket, Delete=too_many) == ("MalformedXML", 400)


def test_tags_are_changed_apart_from_the_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"")
    where = {"Bucket": bucket, "Key": "tagged"}
    s3.put_object_tagging(**where, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_object_tagging(**where)["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3.delete_object_tagging(**where)
    assert s3.get_object_tagging(**where)["TagSet"] == []
    many = [{"Key": str(number), "Value": ""} for number in range(11)]
    assert refusal(s3.put_object_tagging, **where, Tagging={"TagSet": many}) == ("BadRequest", 400)
    twice = [{"Key": "a", "Value": ""}] * 2
    assert refusal(s3.put_object_tagging, **where, Tagging={"TagSet": twice}) == ("InvalidTag", 400)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_links_work_for_whoever_has_them(live_server: LiveServer, bucket: str, version: str) -> None:
    s3 = live_server.client("s3", config=Config(signature_version=version))
    where = {"Bucket": bucket, "Key": "pre signed/ü+.txt"}
    assert fetch(s3.generate_presigned_url("put_object", Params=where), "PUT", b"by link")[0] == 200
    for call in ("list_objects_v2", "get_bucket_versioning"):
        assert fetch(s3.generate_presigned_url(call, Params={"Bucket": bucket}), "GET")[0] == 200
    link = s3.generate_presigned_url("get_object", Params={**where, "ResponseContentType": "x/y"})
    status, headers, body = fetch(link)
    assert (status, headers["content-type"], body) == (200, "x/y", b"by link")
    status, _, body = fetch(link.replace("%2B.txt", "%2B.doc"))
    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
    assert fetch(link.replace("Signature=", "Signature=x"))[0] == 403


def test_files_travel_in_parts_and_threads(s3: Any, bucket: str, tmp_path: Path) -> None:
    data = os.urandom(21 * MB)
    (tmp_path / "file").write_bytes(data)
    s3.upload_file(str(tmp_path / "file"), bucket, "by-file")
    s3.download_file(bucket, "by-file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data
    assert s3.head_object(Bucket=bucket, Key="by-file")["ETag"].endswith('-3"')


def test_a_bucket_may_be_in_the_hosts_name(live_server: LiveServer, bucket: str) -> None:
    s3 = live_server.client("s3")
    s3.put_object(Bucket=bucket, Key="hosted", Body=b"by host")
    virtual = live_server.client(
        "s3",
        endpoint_url=f"http://localhost:{live_server.port}",
        config=Config(s3={"addressing_style": "virtual"}),
    )
    link = virtual.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "hosted"})
    assert link.startswith(f"http://{bucket}.localhost:")
    host = f"{bucket}.localhost:{live_server.port}"
    assert fetch(link.replace(host, f"127.0.0.1:{live_server.port}"), headers={"Host": host})[2] == b"by host"


def test_a_client_that_waits_for_leave_to_send_may_go_on_after_a_refusal(s3: Any, bucket: str) -> None:
    """What it did not send must not be looked for in its next request."""
    for _ in range(3):
        assert refusal(s3.put_object, Bucket="no-such-bucket-here", Key="k", Body=b"x" * 100) == ("NoSuchBucket", 404)
        s3.put_object(Bucket=bucket, Key="after-a-refusal", Body=b"x")
