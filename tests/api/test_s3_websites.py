"""Buckets as websites, at hosts of their own."""

import json
from typing import Any

import pytest

from fakes.live_server import LiveServer
from fakes.s3 import fetch, new_bucket, refusal


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = new_bucket(s3)
    s3.delete_public_access_block(Bucket=name)
    where = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": where}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    for key in ("index.html", "docs/index.html", "page.html", "404.html"):
        s3.put_object(Bucket=name, Key=key, Body=key.encode(), ContentType="text/html")
    return name


def put_website(s3: Any, bucket: str, **configuration: Any) -> None:
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)


def get(server: LiveServer, bucket: str, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Status, body and where it leads."""
    host = f"{bucket}.s3-website-us-east-1.amazonaws.com"
    status, headers, body = fetch(f"{server.endpoint}{path}", method, headers={"Host": host})
    return status, body.decode(), headers.get("location", "")


def test_a_bucket_is_a_website(live_server: LiveServer, s3: Any, bucket: str) -> None:
    assert "NoSuchWebsiteConfiguration" in get(live_server, bucket, "/")[1]
    put_website(s3, bucket, IndexDocument={"Suffix": "index.html"}, ErrorDocument={"Key": "404.html"})
    assert get(live_server, bucket, "/") == (200, "index.html", "")
    assert get(live_server, bucket, "/page.html?acl") == (200, "page.html", "")
    assert get(live_server, bucket, "/docs/") == (200, "docs/index.html", "")
    assert get(live_server, bucket, "/docs") == (302, "", "/docs/")
    assert get(live_server, bucket, "/none") == (404, "404.html", "")
    assert get(live_server, bucket, "/", "HEAD") == (200, "", "")
    host = f"{bucket}.s3-website-us-east-1.amazonaws.com"
    assert fetch(f"{live_server.endpoint}/none", body=b"a body", headers={"Host": host})[2] == b"404.html"
    assert get(live_server, bucket, "/page.html", "PUT")[0] == 405
    # What is private stays so.
    s3.delete_bucket_policy(Bucket=bucket)
    status, body, _ = get(live_server, bucket, "/page.html")
    assert status == 403 and "AccessDenied" in body and "<html>" in body


def test_a_website_sends_visitors_elsewhere(live_server: LiveServer, s3: Any, bucket: str) -> None:
    rules = [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"HostName": "other.example", "Protocol": "https", "HttpRedirectCode": "302"},
        },
    ]
    put_website(s3, bucket, IndexDocument={"Suffix": "index.html"}, RoutingRules=rules)
    assert s3.get_bucket_website(Bucket=bucket)["RoutingRules"] == rules
    host = f"http://{bucket}.s3-website-us-east-1.amazonaws.com"
    assert get(live_server, bucket, "/old/page")[::2] == (301, f"{host}/new/page")
    assert get(live_server, bucket, "/none")[::2] == (302, "https://other.example/none")
    s3.put_object(Bucket=bucket, Key="moved", WebsiteRedirectLocation="/page.html")
    assert get(live_server, bucket, "/moved")[::2] == (301, "/page.html")
    assert s3.head_object(Bucket=bucket, Key="moved")["WebsiteRedirectLocation"] == "/page.html"
    put_website(s3, bucket, RedirectAllRequestsTo={"HostName": "other.example", "Protocol": "https"})
    assert get(live_server, bucket, "/page.html")[::2] == (301, "https://other.example/page.html")


def test_a_website_that_cannot_be_is_refused(s3: Any, bucket: str) -> None:
    index = {"IndexDocument": {"Suffix": "index.html"}}
    bad: list[dict[str, Any]] = [
        {},
        {"IndexDocument": {"Suffix": "a/b"}},
        {**index, "RedirectAllRequestsTo": {"HostName": "h"}},
        {**index, "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "a", "ReplaceKeyPrefixWith": "b"}}]},
        {**index, "RoutingRules": [{"Redirect": {"HttpRedirectCode": "200"}}]},
    ]
    for configuration in bad:
        assert refusal(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)[1] == 400
    assert refusal(s3.get_bucket_website, Bucket=bucket) == ("NoSuchWebsiteConfiguration", 404)
    moved = refusal(s3.put_object, Bucket=bucket, Key="k", WebsiteRedirectLocation="nowhere")
    assert moved == ("InvalidRedirectLocation", 400)
