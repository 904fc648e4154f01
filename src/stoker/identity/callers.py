"""Who a decision is about, and how a policy's Principal element names it.

Source: "AWS JSON policy elements: Principal" and "NotPrincipal" in the IAM user guide.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from msgspec import Struct, field

from stoker.model.principal import Principal, Session

Kind: TypeAlias = Literal["Account", "User", "AssumedRole", "Federated", "Service", "Anonymous"]


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks. `arn` is what AccessDenied calls it; `issuer_arn` the user's, or the role's with its path.

    A service has neither, but `service` (`s3.amazonaws.com`); whoever did not sign has nothing. `session` is that of
    temporary credentials.
    """

    kind: Kind
    account: str = ""
    arn: str = ""
    issuer_arn: str = ""
    user_id: str = ""
    service: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None

    @classmethod
    def of(cls, principal: Principal, issuer_arn: str = "", tags: Mapping[str, str] | None = None) -> "Caller":
        """The caller that a verified principal is. A role's ARN has no path here unless `issuer_arn` tells it."""
        service, _, account, resource = principal.arn.split(":", 5)[2:]
        kind: Kind = "User"
        issuer = issuer_arn or principal.arn
        if service == "sts" and resource.startswith("assumed-role/"):
            kind = "AssumedRole"
            session = principal.session
            role = f"arn:aws:iam::{account}:role/{resource.split('/')[1]}"
            issuer = issuer_arn or (session.issuer_arn if session else "") or role
        elif resource == "root":
            kind, issuer = "Account", principal.arn
        return cls(
            kind=kind,
            account=account,
            arn=principal.arn,
            issuer_arn=issuer,
            user_id=principal.user_id,
            tags={} if kind == "Account" else tags or {},
            session=principal.session,
        )

    @classmethod
    def of_service(cls, service: str) -> "Caller":
        """A service that acts of its own accord, for a resource of somebody's."""
        return cls(kind="Service", arn=service, service=service)

    @classmethod
    def of_provider(cls, account: str, provider_arn: str) -> "Caller":
        """Somebody for whom an identity provider answers."""
        return cls(kind="Federated", account=account, arn=provider_arn)

    @property
    def name(self) -> str:
        """A user's name; empty for everybody else."""
        return self.issuer_arn.rpartition("/")[2] if self.kind == "User" else ""


ANONYMOUS = Caller(kind="Anonymous", arn="anonymous")


class Naming(IntEnum):
    """How closely a policy names a caller: the closer, the less stands in the way of what it allows."""

    NOT = 0
    ACCOUNT = 1
    """By its account: that only lets the account's own policies decide."""
    BROAD = 2
    """By its role, or as anybody: boundary and session policies still limit it."""
    EXACT = 3
    """By its own ARN, a user's or a session's."""


@dataclass(frozen=True, kw_only=True)
class Principals:
    """A Principal element. `aws` has ARNs and account numbers, `federated` identity providers' ARNs."""

    aws: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    anybody: bool = False

    def naming(self, caller: Caller) -> Naming:
        """How it names a caller, most closely."""
        if caller.kind == "Service":
            named = self.anybody or caller.service in self.services
            return Naming.EXACT if named else Naming.NOT
        if caller.kind == "Federated":
            return Naming.EXACT if self.anybody or caller.arn in self.federated else Naming.NOT
        if caller.arn in self.aws and caller.kind != "Account":
            return Naming.EXACT
        if self.anybody or (caller.issuer_arn in self.aws and caller.kind == "AssumedRole"):
            return Naming.BROAD
        if caller.account and not self.aws.isdisjoint((caller.account, f"arn:aws:iam::{caller.account}:root")):
            return Naming.ACCOUNT
        return Naming.NOT
