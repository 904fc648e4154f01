"""IAM's operations in its own words. Source: "Actions, resources, and condition keys for AWS IAM"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoker.identity.directory import Directory
from stoker.identity.entities import Group, Role, User
from stoker.model.access import Access, AccessTable, Context, Resources, Where, everything

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
_OF_PROVIDERS = """
    GetOpenIDConnectProvider DeleteOpenIDConnectProvider AddClientIDToOpenIDConnectProvider
    RemoveClientIDFromOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint TagOpenIDConnectProvider
    UntagOpenIDConnectProvider ListOpenIDConnectProviderTags CreateOpenIDConnectProvider
"""
_OF_EVERYTHING = """
    ListUsers ListGroups ListRoles ListPolicies GetAccountSummary ListAccountAliases GetAccountAuthorizationDetails
    ListInstanceProfiles GetAccessKeyLastUsed SimulateCustomPolicy ListOpenIDConnectProviders
    ListVirtualMFADevices ListSAMLProviders ListServerCertificates GetAccountPasswordPolicy GenerateCredentialReport
    GetCredentialReport GetContextKeysForCustomPolicy
"""


def access_table(directory: Directory) -> AccessTable:
    """The directory knows paths, which stand in ARNs and not in requests."""
    rows: list[tuple[str, Resources | None]] = [
        (_OF_USERS, _named(directory, User)),
        (_OF_GROUPS, _named(directory, Group)),
        (_OF_ROLES, _named(directory, Role)),
        (_OF_POLICIES, _policy),
        (_OF_PROVIDERS, _provider),
        (_OF_EVERYTHING, None),
    ]
    context = _context_in(directory)
    return {
        **{
            operation: Access(action=f"iam:{operation}", resources=resources or everything, context=context)
            for operations, resources in rows
            for operation in operations.split()
        },
        **{
            operation: Access(action=f"iam:{operation}", resources=_simulated)
            for operation in ("SimulatePrincipalPolicy", "GetContextKeysForPrincipalPolicy")
        },
    }


def _context_in(directory: Directory) -> Callable[[Mapping[str, Any]], Context]:
    """What keeps an administrator of roles from giving out more than he has: the policies and boundaries that calls
    name, or the boundary that whom they are about has.
    """

    def context(params: Mapping[str, Any]) -> Context:
        found: dict[str, str | Sequence[str]] = {}
        if params.get("PolicyArn"):
            found["iam:PolicyARN"] = params["PolicyArn"]
        if (boundary := params.get("PermissionsBoundary") or _boundary(directory, params)) is not None:
            found["iam:PermissionsBoundary"] = boundary
        if params.get("TagKeys"):
            found["aws:TagKeys"] = list(params["TagKeys"])
        return found

    return context


def _boundary(directory: Directory, params: Mapping[str, Any]) -> str | None:
    role = directory.find(Role, params.get("RoleName", ""))
    user = directory.find(User, params.get("UserName", ""))
    return role.boundary if role is not None else user.boundary if user is not None else None


def _named(directory: Directory, kind: type[User] | type[Group] | type[Role]) -> Resources:
    """Under the name as it was given once: IAM finds it in upper and lower case, and policies do not."""
    word = kind.__name__

    def arn(where: Where, path: str, name: str) -> str:
        return f"arn:aws:iam::{where.account}:{kind.kind}{path}{name}"

    def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
        if kind is User and "UserName" not in params and ":user/" in where.caller:
            return [where.caller]
        asked = params.get(f"{word}Name", "*")
        found = directory.find(kind, asked)
        path, name = (found.path, found.name) if found is not None else (params.get("Path", "/"), asked)
        arns = [arn(where, path, name)]
        if params.get(f"New{word}Name") or params.get("NewPath"):
            arns.append(arn(where, params.get("NewPath") or path, params.get(f"New{word}Name") or name))
        return arns

    return resources


def _policy(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    made = f"arn:aws:iam::{where.account}:policy{params.get('Path', '/')}{params.get('PolicyName', '')}"
    return [params.get("PolicyArn") or made]


def _provider(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    made = str(params.get("Url", "")).removeprefix("https://").rstrip("/")
    return [params.get("OpenIDConnectProviderArn") or f"arn:aws:iam::{where.account}:oidc-provider/{made}"]


def _simulated(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("PolicySourceArn", ""))]
