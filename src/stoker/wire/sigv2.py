"""Signature Version 2 in a query string: what boto3 and the AWS CLI still presign with in us-east-1.

Source: "Signing and authenticating REST requests (AWS signature version 2)" in the S3 developer guide.
"""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from stoker.wire.message import Request

ACCESS_KEY, SIGNATURE, EXPIRES = "AWSAccessKeyId", "Signature", "Expires"
# The field of a form that names the key; its policy is signed as it is sent.
FORM_KEY = "awsaccesskeyid"
TOKEN = "x-amz-security-token"
# The region that this signature is of: it names none, and is used where S3 began.
REGION = "us-east-1"
# The parameters that are signed.
_SUBRESOURCES = frozenset(
    [
        *("acl", "accelerate", "analytics", "cors", "delete", "encryption", "inventory", "lifecycle", "location"),
        *("logging", "metrics", "notification", "partNumber", "policy", "requestPayment", "restore", "tagging"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
        *("torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"),
    ]
)


def is_signed_so(query: str) -> bool:
    return f"{ACCESS_KEY}=" in query and f"{SIGNATURE}=" in query


def query_of(request: Request) -> Mapping[str, str]:
    return dict(parse_qsl(request.query, keep_blank_values=True))


def sign(secret: str, request: Request, bucket: str | None) -> str:
    """The signature that a request should have. `bucket` is the one that its host names."""
    query, headers = query_of(request), request.headers
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    if TOKEN in query:
        amz[TOKEN] = query[TOKEN]
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in sorted(amz.items()))
    text = "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            query.get(EXPIRES, ""),
            lines + _resource(request, bucket),
        )
    )
    return encode(secret, text.encode())


def encode(secret: str, text: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha1")).decode("ascii")


def _resource(request: Request, bucket: str | None) -> str:
    path = (f"/{bucket}" if bucket is not None else "") + request.path
    if path.count("/") == 1:
        # A bucket alone has a slash behind it, whether it was sent with one or not.
        path += "/"
    asked = []
    for part in sorted(request.query.split("&")):
        name, equals, value = part.partition("=")
        if name in _SUBRESOURCES:
            asked.append(f"{name}={unquote(value)}" if equals else name)
    return f"{path}?{'&'.join(asked)}" if asked else path
