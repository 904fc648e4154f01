"""S3's virtual-hosted addresses: the bucket as a part of the host's name, made a part of the path.

Source: "Virtual hosting of general purpose buckets" in the S3 user guide. Besides hosts with a label `s3`
(`bucket.s3.us-east-1.amazonaws.com`, `bucket.s3.example.org`) the names under `localhost` are buckets.
"""

import re

from stoker.wire.message import Request

_BUCKET = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?:s3[a-z0-9-]*\.[a-z0-9.-]+|localhost)")


def bucket_of_host(host: str) -> str | None:
    """The bucket that a host names; None where it names none, as for path-style addresses."""
    found = _BUCKET.fullmatch(host.rpartition(":")[0] if ":" in host else host)
    return None if found is None or found[1] == "s3" else found[1]


def path_style(request: Request) -> Request:
    """The request as a path-style one. Its signature is that of the request as it was sent."""
    bucket = bucket_of_host(request.host)
    return request if bucket is None else request.at(f"/{bucket}{request.path}")
