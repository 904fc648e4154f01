"""The managed policies of AWS that serverless work attaches, by their documented content: a file each beside this."""

import hashlib
import json
from base64 import b32encode
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files

from stoker.identity.entities import ManagedPolicy, PolicyVersion

OWNER = "aws"
PREFIX = f"arn:aws:iam::{OWNER}:policy/"


def load_aws_policies() -> Mapping[str, ManagedPolicy]:
    """By ARN. Reads some dozens of files: in a thread."""
    folder = files("stoker.identity") / "aws_documents"
    policies = [_policy(json.loads(each.read_text())) for each in folder.iterdir() if each.name.endswith(".json")]
    return {policy.arn: policy for policy in policies}


def _policy(known: Mapping[str, object]) -> ManagedPolicy:
    arn = str(known["arn"])
    path, _, name = arn.removeprefix(PREFIX.removesuffix("/")).rpartition("/")
    number = int(str(known["version"]).removeprefix("v"))
    modified = _seconds(known["updated"])
    document = json.dumps(known["document"], indent=4)
    return ManagedPolicy(
        account=OWNER,
        # AWS publishes no list of their ids; clients only look at it as at an opaque name.
        id="ANPA" + b32encode(hashlib.sha256(arn.encode()).digest())[:17].decode("ascii"),
        name=name,
        path=f"{path}/",
        created=_seconds(known["created"]),
        modified=modified,
        versions=(PolicyVersion(number=number, document=document, created=modified),),
        default_version=number,
        next_version=number + 1,
    )


def _seconds(text: object) -> float:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
