"""S3 as its users have it: buckets of a test's own, refusals as values, and requests that no SDK makes."""

import http.client
import itertools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

_numbers = itertools.count(1)


def new_bucket(s3: Any, **options: Any) -> str:
    """A bucket that nobody else has."""
    name = f"bucket-of-test-{next(_numbers)}"
    s3.create_bucket(Bucket=name, **options)
    return name


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, int]:
    """The code and status with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def content(s3: Any, bucket: str, key: str, **params: Any) -> bytes:
    body: bytes = s3.get_object(Bucket=bucket, Key=key, **params)["Body"].read()
    return body


def fetch(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request as it is, without an SDK: status, headers in lower case, body."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()
