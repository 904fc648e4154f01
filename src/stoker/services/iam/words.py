"""What IAM keeps, in the words of its answers; and a page of a list."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from stoker.identity.entities import AccessKey, Group, ManagedPolicy, Named, PolicyVersion, Role, User
from stoker.identity.errors import InvalidInput, ValidationError
from stoker.identity.signers import Use
from stoker.identity.users import NewKey

T = TypeVar("T")
Members = dict[str, Any]

DEFAULT_PAGE_ITEMS = 100


def user_members(user: User) -> Members:
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": moment(user.created),
        "PermissionsBoundary": _boundary(user.boundary),
        "Tags": tag_list(user.tags) or None,
    }


def group_members(group: Group) -> Members:
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": group.arn,
        "CreateDate": moment(group.created),
    }


def role_members(role: Role) -> Members:
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": moment(role.created),
        "AssumeRolePolicyDocument": document(role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_s,
        "PermissionsBoundary": _boundary(role.boundary),
        "Tags": tag_list(role.tags) or None,
    }


def last_used_members(role: Role, use: Use | None) -> Members:
    """When a role's sessions last signed; `use` is what is known better than in the store. Empty if they never did."""
    _, used, _, region = use or (role.id, role.used, "", role.used_region)
    return {} if used is None else {"LastUsedDate": moment(used), "Region": region}


def listed(members: Members) -> Members:
    """As ListUsers and ListRoles have it: without what only a single read shows."""
    return {name: value for name, value in members.items() if name not in ("PermissionsBoundary", "Tags")}


def policy_members(policy: ManagedPolicy, *, attached: int, bounding: int) -> Members:
    """`attached` and `bounding` are how many entities have the policy, and have it for a boundary."""
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": True,
        "Description": policy.description,
        "CreateDate": moment(policy.created),
        "UpdateDate": moment(policy.modified),
    }


def version_members(policy: ManagedPolicy, version: PolicyVersion, *, with_document: bool) -> Members:
    return {
        "Document": document(version.document) if with_document else None,
        "VersionId": f"v{version.number}",
        "IsDefaultVersion": version.number == policy.default_version,
        "CreateDate": moment(version.created),
    }


def key_members(key: AccessKey, user_name: str) -> Members:
    return {
        "UserName": user_name,
        "AccessKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": moment(key.created),
    }


def new_key_members(made: NewKey, user_name: str) -> Members:
    return {**key_members(made.key, user_name), "SecretAccessKey": made.secret}


def attached_members(policies: Sequence[ManagedPolicy]) -> list[Members]:
    return [{"PolicyName": policy.name, "PolicyArn": policy.arn} for policy in policies]


def tag_list(tags: Mapping[str, str]) -> list[Members]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Sequence[Mapping[str, str]] | None) -> Mapping[str, str]:
    """Raises for a key that comes twice, in whatever case."""
    given = {tag["Key"]: tag["Value"] for tag in tags or ()}
    if len({key.lower() for key in given}) < len(tags or ()):
        raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return given


def document(text: str) -> str:
    """A policy as IAM answers it: percent-encoded, which its clients undo."""
    return quote(text, safe="")


def moment(seconds: float) -> datetime:
    """To the second, as IAM has its times."""
    return datetime.fromtimestamp(int(seconds), UTC)


def page(
    name: str, items: Sequence[T], params: Mapping[str, Any], key: Callable[[T], str], show: Callable[[T], Any]
) -> Members:
    """A page of `items`, which are in the order of their `key`, under `name`."""
    limit = params.get("MaxItems", DEFAULT_PAGE_ITEMS)
    after = _read_marker(params["Marker"]) if params.get("Marker") else None
    rest = [item for item in items if after is None or key(item) > after]
    shown = rest[:limit]
    more = len(rest) > limit
    marker = base64.urlsafe_b64encode(key(shown[-1]).encode()).decode("ascii") if more else None
    return {name: [show(item) for item in shown], "IsTruncated": more, "Marker": marker}


def under(path_prefix: str | None, entities: Sequence[T], path: Callable[[T], str]) -> list[T]:
    """Those whose path begins with a prefix."""
    return [entity for entity in entities if path(entity).startswith(path_prefix or "/")]


def path_of(entity: Named) -> str:
    return entity.path


def name_of(entity: Named) -> str:
    return entity.folded


def _boundary(arn: str | None) -> Members | None:
    return None if arn is None else {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def _read_marker(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker.encode("ascii")).decode()
    except (binascii.Error, UnicodeError):
        raise ValidationError("Invalid Marker.") from None
