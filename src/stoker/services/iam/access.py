"""IAM's operations in its own words. Source: "Actions, resources, and condition keys for AWS IAM"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoker.identity.directory import Directory
from stoker.identity.entities import Group, Role, User
from stoker.model.access import Access, AccessTable, Resources, Where

_OF_USERS = """
    CreateUser GetUser UpdateUser DeleteUser TagUser UntagUser ListUserTags PutUserPermissionsBoundary
    DeleteUserPermissionsBoundary CreateAccessKey ListAccessKeys UpdateAccessKey DeleteAccessKey ListGroupsForUser
    PutUserPolicy GetUserPolicy ListUserPolicies DeleteUserPolicy AttachUserPolicy DetachUserPolicy
    ListAttachedUserPolicies GetLoginProfile DeleteLoginProfile ListMFADevices ListSSHPublicKeys
    ListSigningCertificates ListServiceSpecificCredentials
"""
_OF_GROUPS = """
    CreateGroup GetGroup UpdateGroup DeleteGroup AddUserToGroup RemoveUserFromGroup PutGroupPolicy GetGroupPolicy
    ListGroupPolicies DeleteGroupPolicy AttachGroupPolicy DetachGroupPolicy ListAttachedGroupPolicies
"""
_OF_ROLES = """
    CreateRole GetRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy DeleteRole TagRole UntagRole
    ListRoleTags PutRolePermissionsBoundary DeleteRolePermissionsBoundary PutRolePolicy GetRolePolicy ListRolePolicies
    DeleteRolePolicy AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole
"""
_OF_POLICIES = """
    CreatePolicy GetPolicy DeletePolicy CreatePolicyVersion GetPolicyVersion ListPolicyVersions DeletePolicyVersion
    SetDefaultPolicyVersion TagPolicy UntagPolicy ListPolicyTags ListEntitiesForPolicy
"""
_OF_EVERYTHING = """
    ListUsers ListGroups ListRoles ListPolicies GetAccountSummary ListAccountAliases GetAccountAuthorizationDetails
    ListInstanceProfiles GetAccessKeyLastUsed SimulateCustomPolicy SimulatePrincipalPolicy
"""


def access_table(directory: Directory) -> AccessTable:
    """The directory knows paths, which stand in ARNs and not in requests."""
    rows: list[tuple[str, Resources | None]] = [
        (_OF_USERS, _named(directory, User)),
        (_OF_GROUPS, _named(directory, Group)),
        (_OF_ROLES, _named(directory, Role)),
        (_OF_POLICIES, _policy),
        (_OF_EVERYTHING, None),
    ]
    return {
        operation: _access(operation, resources) for operations, resources in rows for operation in operations.split()
    }


def _access(operation: str, resources: Resources | None) -> Access:
    action = f"iam:{operation}"
    if resources is None:
        return Access(action=action)
    return Access(action=action, resources=resources, context=_context)


def _context(params: Mapping[str, Any]) -> Mapping[str, str | Sequence[str]]:
    """What keeps an administrator of roles from giving out more than he has."""
    named = {"iam:PolicyARN": params.get("PolicyArn"), "iam:PermissionsBoundary": params.get("PermissionsBoundary")}
    found: dict[str, str | Sequence[str]] = {key: value for key, value in named.items() if value is not None}
    if params.get("TagKeys"):
        found["aws:TagKeys"] = list(params["TagKeys"])
    return found


def _named(directory: Directory, kind: type[User] | type[Group] | type[Role]) -> Callable[..., Sequence[str]]:
    def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
        name = params.get(f"{kind.__name__}Name", "*")
        found = directory.find(kind, name)
        path = found.path if found is not None else params.get("Path", "/")
        return [f"arn:aws:iam::{where.account}:{kind.kind}{path}{name}"]

    return resources


def _policy(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    made = f"arn:aws:iam::{where.account}:policy{params.get('Path', '/')}{params.get('PolicyName', '')}"
    return [params.get("PolicyArn") or made]
