"""Users, groups, roles, managed policies and access keys as IAM keeps them: values, each whole with what it holds."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, kw_only=True)
class Named:
    """What everything in IAM has. `id` is unique for ever, unlike the name; `created` in seconds since the epoch."""

    kind: ClassVar[str]
    id_prefix: ClassVar[str]

    account: str
    id: str
    name: str
    path: str = "/"
    created: float

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:{self.kind}{self.path}{self.name}"

    @property
    def folded(self) -> str:
        """The name as IAM tells it from others: not by its case."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Group(Named):
    """A group: policies for whoever is in it. `inline` is JSON by name, `attached` managed policies' ARNs."""

    kind = "group"
    id_prefix = "AGPA"

    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class User(Named):
    """A user. `groups` are ids; `boundary` is a managed policy's ARN."""

    kind = "user"
    id_prefix = "AIDA"

    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Role(Named):
    """A role. `trust` is the JSON that says who may assume it; `max_session_s` the longest session, in seconds.

    `used` and `used_region` are when and where its sessions last signed, as of when that was written down.
    """

    kind = "role"
    id_prefix = "AROA"

    trust: str
    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    max_session_s: int = 3600
    used: float | None = None
    used_region: str | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyVersion:
    """One version of a managed policy: its JSON, and when it was made."""

    number: int
    document: str
    created: float


@dataclass(frozen=True, kw_only=True)
class ManagedPolicy(Named):
    """A managed policy, the account's own or one of AWS's (whose account is `aws`). `versions` are oldest first."""

    kind = "policy"
    id_prefix = "ANPA"

    modified: float
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[PolicyVersion, ...]
    default_version: int = 1
    next_version: int = 2

    def version(self, number: int) -> PolicyVersion | None:
        return next((each for each in self.versions if each.number == number), None)

    @property
    def document(self) -> str:
        """The JSON in force."""
        return next(each.document for each in self.versions if each.number == self.default_version)


@dataclass(frozen=True, kw_only=True)
class OidcProvider(Named):
    """Somebody else who says who people are, by OpenID Connect. The name is its issuer's URL without `https://`.

    `audiences` are the client ids that its tokens may be for. `thumbprints` are only kept, as on AWS: its certificate
    has to be good by the roots that this machine trusts.
    """

    kind = "oidc-provider"
    id_prefix = "OIDC"

    audiences: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"https://{self.name}"


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """A user's access key. The secret is sealed; `used` is when it last signed, as far as that was written down."""

    id: str
    user_id: str
    active: bool = True
    created: float
    sealed: bytes = field(repr=False)
    used: float | None = None
    used_service: str | None = None
    used_region: str | None = None


Holder: TypeAlias = User | Group | Role
"""What policies can be put into and attached to."""

Entity: TypeAlias = User | Group | Role | ManagedPolicy | OidcProvider | AccessKey


def new_id(prefix: str) -> str:
    """A unique id: AWS's are 21 characters, and its access keys' 20."""
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(17))
