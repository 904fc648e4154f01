"""What a call needs to be allowed: IAM's name for it, what it is done to, and what else a policy may ask about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Condition keys with their values: `s3:prefix`, `lambda:FunctionArn`, …
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a call is made: what an ARN is built from. `caller` is the ARN of who makes it, for calls about himself."""

    region: str
    account: str
    caller: str = ""


Resources = Callable[[Mapping[str, Any], Where], Sequence[str]]


def arn_here(arn: str, where: Where) -> str:
    """An ARN as one of this account and region, which is how a service reads the name in it. What it says of another
    partition, region or account would otherwise be a way around a policy that denies. Anything else stays as it is.
    """
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return arn
    return f"arn:aws:{parts[2]}:{where.region}:{where.account}:{parts[5]}"


def everything(_params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    """For actions that IAM does not tie to a resource."""
    return ["*"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """One operation's row in the table of its service. Source: AWS's Service Authorization Reference.

    `resources` gives the ARNs that the call's parameters name; each has to be allowed. `context` gives the service's
    own condition keys, `local_context` those that are ARNs; the global ones are everybody's. `also` are rows that have
    to be allowed as well: a role that is handed over has to be one that the caller may pass.
    """

    action: str
    resources: Resources = everything
    context: Callable[[Mapping[str, Any]], Context] = field(default=lambda _params: {})
    local_context: Callable[[Mapping[str, Any], Where], Context] = field(default=lambda _params, _where: {})
    also: "Sequence[Access]" = ()
    instead: "Callable[[Mapping[str, Any]], Access | None]" = field(default=lambda _params: None)
    """Another row for some parameters of the operation: to read a version of an object is an action of its own."""


# By operation, as botocore names it. None: whoever has signed may.
AccessTable = Mapping[str, Access | None]
