"""How much of everything there may be. Source: "IAM and AWS STS quotas" in the IAM User Guide; AWS's default values."""

import re
from collections.abc import Mapping

from stoker.identity.entities import Group, ManagedPolicy, Named, OidcProvider, Role, User
from stoker.identity.errors import InvalidInput, LimitExceeded

PER_ACCOUNT: Mapping[type[Named], tuple[str, int]] = {
    User: ("UsersPerAccount", 5000),
    Group: ("GroupsPerAccount", 300),
    Role: ("RolesPerAccount", 1000),
    ManagedPolicy: ("PoliciesPerAccount", 1500),
    OidcProvider: ("OpenIdConnectProvidersPerAccount", 100),
}
ACCESS_KEYS = 2
GROUPS_OF_A_USER = 10
ATTACHED = 10
TAGS = 50
VERSIONS = 5
AUDIENCES = 100
THUMBPRINTS = 5
# Characters without white space.
MANAGED_POLICY_SIZE = 6144
TRUST_POLICY_SIZE = 2048
INLINE_SIZE: Mapping[str, int] = {"user": 2048, "group": 5120, "role": 10240}
SESSION_POLICY_SIZE = 2048

_SPACE = re.compile(r"\s+")


def size(document: str) -> int:
    """A policy's size as quotas count it."""
    return len(_SPACE.sub("", document))


def check_managed_size(document: str) -> None:
    if size(document) > MANAGED_POLICY_SIZE:
        raise LimitExceeded.of("PolicySize", MANAGED_POLICY_SIZE)


def check_trust_size(document: str) -> None:
    if size(document) > TRUST_POLICY_SIZE:
        raise LimitExceeded.of("ACLSizePerRole", TRUST_POLICY_SIZE)


def check_inline_size(holder: Named, inline: Mapping[str, str]) -> None:
    """All of a holder's inline policies together."""
    most = INLINE_SIZE[holder.kind]
    if sum(map(size, inline.values())) > most:
        raise LimitExceeded(f"Maximum policy size of {most} bytes exceeded for {holder.kind} {holder.name}")


def tagged(tags: Mapping[str, str], added: Mapping[str, str]) -> Mapping[str, str]:
    """Tags with further ones: keys are told apart without their case, and the new spelling stays."""
    if reserved := [key for key in added if key.lower().startswith("aws:")]:
        raise InvalidInput(f"Tag keys that begin with aws: are AWS's own: {reserved[0]}")
    replaced = {key.lower() for key in added}
    merged = {**{key: value for key, value in tags.items() if key.lower() not in replaced}, **added}
    if len(merged) > TAGS:
        raise InvalidInput(f"The number of tags must not exceed {TAGS}.")
    return merged
