"""Uploads in parts: put together, listed, copied, given up, refused."""

import base64
import hashlib
import os
import zlib
from typing import Any

import pytest

from fakes.live_server import LiveServer
from fakes.s3 import content, new_bucket, refusal

MB = 1 << 20
PART = os.urandom(5 * MB)


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture(scope="module")
def bucket(s3: Any) -> str:
    return new_bucket(s3)


def begin(s3: Any, bucket: str, key: str, **options: Any) -> dict[str, str]:
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    return {"Bucket": bucket, "Key": key, "UploadId": upload_id}


def put_parts(s3: Any, where: dict[str, str], *bodies: bytes, **options: Any) -> list[dict[str, Any]]:
    done = []
    for number, body in enumerate(bodies, 1):
        answer = s3.upload_part(**where, PartNumber=number, Body=body, **options)
        sums = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        done.append({"PartNumber": number, "ETag": answer["ETag"], **sums})
    return done


def complete(s3: Any, where: dict[str, str], parts: list[dict[str, Any]], **options: Any) -> Any:
    return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, **options)


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_parts_make_an_object(s3: Any, bucket: str) -> None:
    where = begin(s3, bucket, "parts", ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    parts = put_parts(s3, where, PART, b"the end")
    assert [each["Size"] for each in s3.list_parts(**where)["Parts"]] == [5 * MB, 7]
    page = s3.list_parts(**where, MaxParts=1)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 1)
    assert refusal(s3.get_object, Bucket=bucket, Key="parts") == ("NoSuchKey", 404)
    made = complete(s3, where, parts)
    digests = b"".join(hashlib.md5(each).digest() for each in (PART, b"the end"))
    assert made["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    got = s3.get_object(Bucket=bucket, Key="parts")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (PART + b"the end", "a/b", {"m": "1"})
    # Over the seam, and one part by its number.
    assert content(s3, bucket, "parts", Range=f"bytes={5 * MB - 2}-{5 * MB + 2}") == PART[-2:] + b"the"
    second = s3.get_object(Bucket=bucket, Key="parts", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (b"the end", 2)
    # A client that did not hear the answer asks again.
    assert complete(s3, where, parts)["ETag"] == made["ETag"]


def test_a_part_can_be_sent_again_and_left_out(s3: Any, bucket: str) -> None:
    where = begin(s3, bucket, "again")
    put_parts(s3, where, b"wrong", b"too much")
    right = s3.upload_part(**where, PartNumber=1, Body=b"right")
    complete(s3, where, [{"PartNumber": 1, "ETag": right["ETag"]}])
    assert content(s3, bucket, "again") == b"right"


def test_parts_that_cannot_make_an_object_are_refused(s3: Any, bucket: str) -> None:
    where = begin(s3, bucket, "refused")
    parts = put_parts(s3, where, b"small", b"end")

    def refused(named: list[dict[str, Any]], **options: Any) -> tuple[str, int]:
        return refusal(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": named}, **options)

    assert refused(parts) == ("EntityTooSmall", 400)
    assert refused(parts[::-1]) == ("InvalidPartOrder", 400)
    assert refused([{**parts[0], "ETag": '"no"'}]) == ("InvalidPart", 400)
    assert refused([{"PartNumber": 3, "ETag": parts[0]["ETag"]}]) == ("InvalidPart", 400)
    assert refused(parts[:1], MpuObjectSize=1) == ("InvalidRequest", 400)
    assert refusal(s3.upload_part, **where, PartNumber=10_001, Body=b"") == ("InvalidArgument", 400)
    assert refusal(s3.upload_part, **{**where, "UploadId": "none"}, PartNumber=1, Body=b"") == ("NoSuchUpload", 404)
    s3.put_object(Bucket=bucket, Key="refused", Body=b"first")
    assert refused(parts[:1], IfNoneMatch="*") == ("PreconditionFailed", 412)
    s3.abort_multipart_upload(**where)
    assert refused(parts) == ("NoSuchUpload", 404)
    assert refusal(s3.abort_multipart_upload, **where) == ("NoSuchUpload", 404)
    assert content(s3, bucket, "refused") == b"first"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
def test_the_checksum_of_checksums(s3: Any, bucket: str, algorithm: str) -> None:
    where = begin(s3, bucket, algorithm, ChecksumAlgorithm=algorithm)
    parts = put_parts(s3, where, PART, b"end", ChecksumAlgorithm=algorithm)
    made = complete(s3, where, parts)
    assert made["ChecksumType"] == "COMPOSITE"
    assert made[f"Checksum{algorithm}"].endswith("-2")
    if algorithm == "CRC32":
        joined = b"".join(base64.b64decode(part["ChecksumCRC32"]) for part in parts)
        assert made["ChecksumCRC32"] == f"{crc32(joined)}-2"
    told = s3.get_object_attributes(Bucket=bucket, Key=algorithm, ObjectAttributes=["ObjectParts", "Checksum"])
    assert told["Checksum"][f"Checksum{algorithm}"] == made[f"Checksum{algorithm}"]
    assert [part["Size"] for part in told["ObjectParts"]["Parts"]] == [5 * MB, 3]


def test_the_checksum_of_the_whole_is_made_of_those_of_the_parts(s3: Any, bucket: str) -> None:
    where = begin(s3, bucket, "full", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = put_parts(s3, where, PART, b"end", ChecksumAlgorithm="CRC32")
    wrong = refusal(
        s3.complete_multipart_upload, **where, MultipartUpload={"Parts": parts}, ChecksumCRC32=crc32(b"other")
    )
    assert wrong == ("BadDigest", 400)
    made = complete(s3, where, parts, ChecksumCRC32=crc32(PART + b"end"), ChecksumType="FULL_OBJECT")
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (crc32(PART + b"end"), "FULL_OBJECT")
    bad = refusal(
        s3.create_multipart_upload, Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT"
    )
    assert bad == ("InvalidRequest", 400)


def test_a_part_may_be_copied_from_an_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=PART + b"0123456789")
    source = {"Bucket": bucket, "Key": "source"}
    where = begin(s3, bucket, "copied")
    whole = s3.upload_part_copy(**where, PartNumber=1, CopySource=source)["CopyPartResult"]["ETag"]
    some = s3.upload_part_copy(
        **where, PartNumber=2, CopySource=source, CopySourceRange=f"bytes={5 * MB}-{5 * MB + 4}"
    )["CopyPartResult"]["ETag"]
    beyond = refusal(s3.upload_part_copy, **where, PartNumber=3, CopySource=source, CopySourceRange=f"bytes=0-{6 * MB}")
    assert beyond == ("InvalidArgument", 400)
    complete(s3, where, [{"PartNumber": 1, "ETag": whole}, {"PartNumber": 2, "ETag": some}])
    assert content(s3, bucket, "copied") == PART + b"0123456789" + b"01234"


def test_uploads_are_listed_until_they_are_over(s3: Any) -> None:
    bucket = new_bucket(s3)
    begun = [begin(s3, bucket, key) for key in ("b", "a", "dir/x", "a")]
    found = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [each["Key"] for each in found["Uploads"]] == ["a", "a", "b"]
    assert found["CommonPrefixes"] == [{"Prefix": "dir/"}]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [each["Key"] for page in pages for each in page.get("Uploads", [])] == ["a", "a", "b", "dir/x"]
    for each in begun:
        s3.abort_multipart_upload(**each)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    begin(s3, bucket, "left")
    s3.delete_bucket(Bucket=bucket)
