"""Condition keys that AWS has a value for and Stoker does not: a policy that asks for one is not guessed at.

A missing key makes a Deny that looks for it pass by. So whoever is held to such a policy is told what is missing. Keys
of what cannot be here anyway (a VPC, an organisation) are missing on AWS as well, and mean what they mean there.
"""

# In lower case; where a key goes on with a name of somebody's, its beginning.
_UNKNOWN = (
    "aws:referer",
    "aws:useragent",
    "dynamodb:attributes",
    "dynamodb:leadingkeys",
    "events:detail.",
    "iam:associatedresourcearn",
    "lambda:sourcefunctionarn",
    "s3:authtype",
    "s3:existingobjecttag/",
    "s3:object-lock-",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:x-amz-content-sha256",
    "s3:x-amz-grant-",
)


def unknown_keys(action: str, asks_for: frozenset[str]) -> tuple[str, ...]:
    """Those of the keys (in lower case) that the action has on AWS, and here only where whoever asks tells them."""
    vendors = ("aws", action.partition(":")[0])
    return tuple(key for key in sorted(asks_for) if key.startswith(_UNKNOWN) and key.partition(":")[0] in vendors)
