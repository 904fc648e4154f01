"""Buckets as browsers use them: preflights, forms, and objects that everybody may read."""

import json
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from fakes.live_server import LiveServer
from fakes.s3 import content, fetch, new_bucket, refusal

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
PAGE = "https://page.example"


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    return new_bucket(s3)


def url_of(live_server: LiveServer, bucket: str, key: str = "") -> str:
    return f"{live_server.endpoint}/{bucket}" + (f"/{urllib.parse.quote(key)}" if key else "")


def open_to_all(s3: Any, bucket: str, *actions: str) -> None:
    s3.delete_public_access_block(Bucket=bucket)
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": resources}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def form(fields: Mapping[str, str], data: bytes, filename: str = "photo.jpg") -> tuple[bytes, dict[str, str]]:
    """A form as a browser sends it: its body and its headers."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: image/jpeg'
    parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode())
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def send(post: Mapping[str, Any], data: bytes, **fields: str) -> tuple[int, dict[str, str], bytes]:
    body, headers = form({**post["fields"], **fields}, data)
    return fetch(post["url"], "POST", body, headers)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_form_that_was_signed_puts_a_file(live_server: LiveServer, s3: Any, bucket: str, version: str) -> None:
    signer = live_server.client("s3", config=Config(signature_version=version))
    asked = {"x-amz-meta-by": "browser", "success_action_status": "201", "Content-Type": "image/jpeg"}
    conditions = [{name: value} for name, value in asked.items()] + [["content-length-range", 1, 2_000_000]]
    post = signer.generate_presigned_post(bucket, "up/${filename}", Fields=asked, Conditions=conditions)
    data = b"\r\n--not the end\r\n" * 100_000
    status, headers, body = send(post, data)
    assert (status, headers["content-type"]) == (201, "application/xml")
    assert b"<Key>up/photo.jpg</Key>" in body
    got = s3.get_object(Bucket=bucket, Key="up/photo.jpg")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (data, "image/jpeg", {"by": "browser"})


def test_a_form_does_what_its_policy_says_and_nothing_else(s3: Any, bucket: str) -> None:
    post = s3.generate_presigned_post(bucket, "k", Conditions=[["content-length-range", 2, 5]])
    assert send(post, b"good")[0] == 204
    refused = {
        b"EntityTooSmall": send(post, b"x"),
        b"EntityTooLarge": send(post, b"x" * 6),
        b"Policy Condition failed": send(post, b"good", key="other"),
        b"Extra input fields: x-amz-meta-a": send(post, b"good", **{"x-amz-meta-a": "b"}),
        b"SignatureDoesNotMatch": send(post, b"good", signature="bad"),
        b"Policy expired": send(s3.generate_presigned_post(bucket, "k", ExpiresIn=-1), b"good"),
    }
    assert {text: text in body for text, (_, _, body) in refused.items()} == dict.fromkeys(refused, True)
    assert content(s3, bucket, "k") == b"good"


def test_a_form_is_answered_as_it_asks(s3: Any, bucket: str) -> None:
    asked = {"success_action_redirect": "https://page.example/done?n=1"}
    post = s3.generate_presigned_post(bucket, "k", Fields=asked, Conditions=[asked])
    status, headers, _ = send(post, b"x")
    assert status == 303
    assert headers["location"].startswith(f"https://page.example/done?n=1&bucket={bucket}&key=k&etag=")


def test_a_broken_form_is_refused_and_leaves_nothing(live_server: LiveServer, s3: Any, bucket: str) -> None:
    post = s3.generate_presigned_post(bucket, "broken")
    body, headers = form(post["fields"], b"x" * 1000)
    assert b"MalformedPOSTRequest" in fetch(post["url"], "POST", body[:-20], headers)[2]
    assert b"exactly one file" in fetch(post["url"], "POST", body[:300], headers)[2]
    assert b"MalformedPOSTRequest" in fetch(post["url"], "POST", body, {"Content-Type": "multipart/form-data"})[2]
    unsigned, headers = form({"key": "broken"}, b"x")
    assert fetch(post["url"], "POST", unsigned, headers)[0] == 403
    assert refusal(s3.head_object, Bucket=bucket, Key="broken") == ("404", 404)


def test_only_pages_that_a_bucket_names_may_use_it(live_server: LiveServer, s3: Any, bucket: str) -> None:
    url = url_of(live_server, bucket, "k")
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "X-Amz-Date"}
    assert b"CORS is not enabled" in fetch(url, "OPTIONS", headers=asks)[2]
    rule = {
        "AllowedOrigins": ["https://*.example"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["x-amz-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    }
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers, _ = fetch(url, "OPTIONS", headers=asks)
    assert (status, headers["access-control-allow-origin"], headers["access-control-max-age"]) == (200, PAGE, "60")
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "x-amz-date"
    for changed in ({"Origin": "https://evil.test"}, {"Access-Control-Request-Headers": "authorization"}):
        assert fetch(url, "OPTIONS", headers={**asks, **changed})[0] == 403
    assert fetch(url, "OPTIONS", headers={"Origin": PAGE})[0] == 400
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    status, headers, body = fetch(link, headers={"Origin": PAGE})
    assert (status, body, headers["access-control-allow-origin"]) == (200, b"x", PAGE)
    assert headers["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in fetch(link, headers={"Origin": "https://evil.test"})[1]
    # A page has to be able to read why it was refused.
    assert fetch(url, headers={"Origin": PAGE})[1]["access-control-allow-origin"] == PAGE


def test_strangers_read_what_a_policy_opens_to_everybody(live_server: LiveServer, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="open/a", Body=b"for all", ContentType="text/plain")
    url = url_of(live_server, bucket, "open/a")
    status, _, body = fetch(url)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body
    open_to_all(s3, bucket, "s3:GetObject")
    status, headers, body = fetch(url, headers={"Range": "bytes=0-2"})
    assert (status, headers["content-type"], body) == (206, "text/plain", b"for")
    assert fetch(url, "HEAD")[0] == 200
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    # Who may not list does not hear what is there; nobody writes.
    assert fetch(url_of(live_server, bucket, "none"))[0] == 403
    assert fetch(url_of(live_server, bucket))[0] == 403
    assert fetch(url, "PUT", b"x")[0] == 403
    assert fetch(url, "DELETE")[0] == 403
    assert fetch(f"{live_server.endpoint}/")[0] == 403


def test_an_unsigned_client_lists_and_writes_where_it_may(live_server: LiveServer, s3: Any, bucket: str) -> None:
    open_to_all(s3, bucket, "s3:GetObject", "s3:PutObject", "s3:ListBucket")
    unsigned = live_server.client("s3", config=Config(signature_version=UNSIGNED))
    unsigned.put_object(Bucket=bucket, Key="a", Body=b"by nobody")
    assert content(unsigned, bucket, "a") == b"by nobody"
    assert [each["Key"] for each in unsigned.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]
    assert refusal(unsigned.get_object, Bucket=bucket, Key="none") == ("NoSuchKey", 404)
    assert refusal(unsigned.delete_object, Bucket=bucket, Key="a") == ("AccessDenied", 403)


def test_new_buckets_block_what_is_public(live_server: LiveServer, s3: Any, bucket: str) -> None:
    everything = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == everything
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        ],
    }
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=json.dumps(document)) == ("AccessDenied", 403)
    open_to_all(s3, bucket, "s3:GetObject")
    assert refusal(s3.get_public_access_block, Bucket=bucket) == ("NoSuchPublicAccessBlockConfiguration", 404)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert fetch(url_of(live_server, bucket, "k"))[0] == 200
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert fetch(url_of(live_server, bucket, "k"))[0] == 403
    assert content(s3, bucket, "k") == b"x"
