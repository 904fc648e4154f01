"""A bucket as a value, and what its name may be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stoker.objects.errors import InvalidBucketName

ENABLED, SUSPENDED = "Enabled", "Suspended"
NULL_VERSION = "null"
# Source: "General purpose bucket naming rules" in the S3 user guide.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket with its configurations. `versioning` is empty while it was never asked for.

    `settings` are configurations by what S3 calls them (`policy`, `cors`, `lifecycle`, `notification`, `tagging`, …).
    """

    id: int
    name: str
    region: str
    created: float
    versioning: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"


def check_name(name: str) -> None:
    """Raises InvalidBucketName."""
    bad = (
        _NAME.fullmatch(name) is None
        or ".." in name
        or _ADDRESS.fullmatch(name) is not None
        or name.startswith(_PREFIXES)
        or name.endswith(_SUFFIXES)
    )
    if bad:
        raise InvalidBucketName(BucketName=name)
