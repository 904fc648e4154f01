"""Regions: a resource lives in the one that its request names, and any will do."""

import re
from collections.abc import Sequence

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")

# What is offered, besides the one that a session is in: AWS's own that are on without being asked for.
REGIONS: Sequence[str] = (
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
