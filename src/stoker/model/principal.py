"""Who makes a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, kw_only=True)
class Session:
    """What temporary credentials say beyond whose they are.

    `issuer_arn` and `issuer_id` are those of the role that was assumed (the ARN has the role's path, unlike the
    session's own), or of the user or account that asked for a session token. What the session may do is also bounded by
    its `policies` (JSON documents) and `policy_arns` (managed policies), if there are any. Those of its tags whose keys
    are `transitive` go on to sessions that it makes. `issued` is in seconds since the epoch.
    """

    issuer_arn: str
    issuer_id: str
    policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    source_identity: str | None = None
    issued: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A verified caller: the account, the ARN IAM would name, and the access key it signed with.

    `user_id` is IAM's unique id: the account's for its root, AIDA… for a user, `AROA…:session` for a role's session.
    """

    account: str
    arn: str
    user_id: str
    access_key: str
    session: Session | None = None

    @cached_property
    def is_operator(self) -> bool:
        """Whether it is the account itself: the root key, whose holder runs this Stoker."""
        return self.arn.endswith(":root") and self.arn.split(":", 3)[2] == "iam"

    @cached_property
    def issuer(self) -> str:
        """The ARN of the user or role whose quotas its calls use up, whatever its sessions are called."""
        return self.arn if self.session is None else self.session.issuer_arn

    @cached_property
    def is_session(self) -> bool:
        """Whether it is a role's session."""
        return self.arn.split(":", 3)[2] == "sts"
