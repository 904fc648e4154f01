"""Whether a bucket's policy lets in everybody, and what blocks that. Pure.

Source: "Blocking public access to your Amazon S3 storage" in the S3 user guide, with its meaning of "public".
"""

import json
from collections.abc import Mapping
from typing import Any

from stoker.objects.bucket import Bucket

PUBLIC_ACCESS, POLICY = "public access block", "policy"
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# A statement that asks for one of these, by values without wildcards, is not for everybody.
_NARROWING = frozenset(
    {
        *("aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid"),
        *("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourceip"),
        *("s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointaccount", "s3:dataaccesspointarn"),
    }
)
_FIXING = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress")


def blocks_of(bucket: Bucket) -> Mapping[str, bool] | None:
    """What is blocked: everything in a new bucket, as on AWS since 2023. None where the configuration was deleted."""
    given = bucket.settings.get(PUBLIC_ACCESS, dict.fromkeys(BLOCKS, True))
    return given or None


def is_blocked(bucket: Bucket, block: str) -> bool:
    return (blocks_of(bucket) or {}).get(block, False)


def is_public(policy: str) -> bool:
    """Whether a policy, which is well-formed, allows something to everybody."""
    statements = json.loads(policy)["Statement"]
    return any(_is_public(each) for each in (statements if isinstance(statements, list) else [statements]))


def lets_strangers_in(bucket: Bucket) -> bool:
    """Whether those who have not signed may be asked about at all."""
    policy = bucket.settings.get(POLICY)
    return policy is not None and not (is_public(policy) and is_blocked(bucket, "RestrictPublicBuckets"))


def _is_public(statement: Mapping[str, Any]) -> bool:
    if statement["Effect"] != "Allow":
        return False
    principal = statement.get("Principal")
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    # NotPrincipal with Allow is everybody but some.
    if "NotPrincipal" not in statement and "*" not in (named if isinstance(named, list) else [named]):
        return False
    return not any(
        operator.lower().startswith(_FIXING) and key.lower() in _NARROWING and _is_fixed(value)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, value in keys.items()
    )


def _is_fixed(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(
        "*" not in str(each) and "?" not in str(each) and str(each) not in ("0.0.0.0/0", "::/0") for each in values
    )
