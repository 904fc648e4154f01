"""What a form may send, as whoever signed it has said: the policy document of a POST. Pure.

Source: "POST Policy" in the API reference of Amazon S3.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.objects.errors import AccessDenied, InvalidPolicyDocument

# Fields that a policy cannot, or need not, speak of.
_FREE = frozenset({"policy", "x-amz-signature", "signature", "awsaccesskeyid", "file", "x-amz-security-token"})
_IGNORED = "x-ignore-"
_LENGTH = "content-length-range"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`field` is in lower case and without its `$`."""

    kind: str
    field: str
    value: str

    def holds(self, fields: Mapping[str, str]) -> bool:
        sent = fields.get(self.field, "")
        return sent == self.value if self.kind == "eq" else sent.startswith(self.value)

    def __str__(self) -> str:
        return json.dumps([self.kind, f"${self.field}", self.value])


@dataclass(frozen=True, kw_only=True)
class PostPolicy:
    """`expires` in seconds since the epoch. A file has to have at least `least` and at most `most` bytes."""

    expires: float
    conditions: Sequence[Condition]
    least: int = 0
    most: int | None = None

    def check(self, fields: Mapping[str, str], now: float) -> None:
        """Raises AccessDenied for fields that are not as the policy says; `fields` has the bucket, too."""
        if now > self.expires:
            raise AccessDenied("Invalid according to Policy: Policy expired.")
        for condition in self.conditions:
            if not condition.holds(fields):
                raise AccessDenied(f"Invalid according to Policy: Policy Condition failed: {condition}")
        spoken_of = {condition.field for condition in self.conditions} | _FREE | {"bucket"}
        extra = [name for name in fields if name not in spoken_of and not name.startswith(_IGNORED)]
        if extra:
            raise AccessDenied(f"Invalid according to Policy: Extra input fields: {', '.join(extra)}")


def parse_policy(text: str) -> PostPolicy:
    """The policy that a form sends in base64; raises InvalidPolicyDocument."""
    try:
        document = json.loads(base64.b64decode(text, validate=True))
        expires = datetime.fromisoformat(document["expiration"])
        if expires.tzinfo is None:
            expires = expires.replace(tzinfo=UTC)
        given = document["conditions"]
        ranges = [each for each in given if isinstance(each, list) and each[0] == _LENGTH]
        conditions = [one for each in given if each not in ranges for one in _conditions(each)]
        least, most = (int(ranges[-1][1]), int(ranges[-1][2])) if ranges else (0, None)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidPolicyDocument("Invalid Policy: Invalid JSON.") from error
    return PostPolicy(expires=expires.timestamp(), conditions=conditions, least=least, most=most)


def _conditions(given: Any) -> Sequence[Condition]:
    if isinstance(given, dict):
        return [Condition(kind="eq", field=name.lower(), value=str(value)) for name, value in given.items()]
    kind, field, value = given
    if kind.lower() not in ("eq", "starts-with") or not field.startswith("$"):
        raise ValueError(given)
    return [Condition(kind=kind.lower(), field=field[1:].lower(), value=str(value))]
