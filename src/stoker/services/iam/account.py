"""The account as a whole: how much there is of everything, and all of it at once."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import quotas
from stoker.identity.entities import Group, ManagedPolicy, Named, OidcProvider, Role, User
from stoker.identity.errors import NoSuchEntity
from stoker.identity.identities import Identities
from stoker.services.iam import words
from stoker.services.iam.policies import PolicyOperations
from stoker.wire.message import Call

Members = Mapping[str, Any]
_FILTERS = ("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")


class AccountOperations:
    """GetAccountSummary, GetAccountAuthorizationDetails, and lists of what an account cannot have here."""

    def __init__(self, identities: Identities, policies: PolicyOperations) -> None:
        self._identities = identities
        self._directory = identities.directory
        self._policies = policies

    async def get_account_summary(self, call: Call) -> Members:
        policies = self._directory.all(ManagedPolicy)
        return {
            "SummaryMap": {
                "Users": len(self._directory.all(User)),
                "UsersQuota": quotas.PER_ACCOUNT[User][1],
                "Groups": len(self._directory.all(Group)),
                "GroupsQuota": quotas.PER_ACCOUNT[Group][1],
                "Roles": len(self._directory.all(Role)),
                "RolesQuota": quotas.PER_ACCOUNT[Role][1],
                "Providers": len(self._directory.all(OidcProvider)),
                "Policies": len(policies),
                "PoliciesQuota": quotas.PER_ACCOUNT[ManagedPolicy][1],
                "PolicyVersionsInUse": sum(len(policy.versions) for policy in policies),
                "VersionsPerPolicyQuota": quotas.VERSIONS,
                "PolicySizeQuota": quotas.MANAGED_POLICY_SIZE,
                "AssumeRolePolicySizeQuota": quotas.TRUST_POLICY_SIZE,
                "UserPolicySizeQuota": quotas.INLINE_SIZE["user"],
                "GroupPolicySizeQuota": quotas.INLINE_SIZE["group"],
                "RolePolicySizeQuota": quotas.INLINE_SIZE["role"],
                "AccessKeysPerUserQuota": quotas.ACCESS_KEYS,
                "GroupsPerUserQuota": quotas.GROUPS_OF_A_USER,
                "AttachedPoliciesPerUserQuota": quotas.ATTACHED,
                "AttachedPoliciesPerGroupQuota": quotas.ATTACHED,
                "AttachedPoliciesPerRoleQuota": quotas.ATTACHED,
                "AccountAccessKeysPresent": 1,
                "AccountMFAEnabled": 0,
                "MFADevices": 0,
                "MFADevicesInUse": 0,
            }
        }

    async def list_account_aliases(self, call: Call) -> Members:
        """An account can be given none here, so it has none; Terraform and others ask."""
        return {"AccountAliases": [], "IsTruncated": False}

    async def get_account_password_policy(self, call: Call) -> Members:
        """Nobody has a password here."""
        raise NoSuchEntity(f"The Password Policy with domain name {self._directory.account} cannot be found.")

    async def list_saml_providers(self, call: Call) -> Members:
        return {"SAMLProviderList": []}

    async def list_server_certificates(self, call: Call) -> Members:
        return {"ServerCertificateMetadataList": [], "IsTruncated": False}

    async def get_account_authorization_details(self, call: Call) -> Members:
        wanted = call.params.get("Filter") or _FILTERS
        everything: list[Named] = []
        everything += self._directory.all(Group) if "Group" in wanted else []
        everything += self._directory.all(Role) if "Role" in wanted else []
        everything += self._directory.all(User) if "User" in wanted else []
        if "LocalManagedPolicy" in wanted:
            everything += self._directory.all(ManagedPolicy)
        if "AWSManagedPolicy" in wanted:
            # As on AWS: those of them that somebody has.
            everything += [
                policy for policy in self._directory.aws.values() if self._policies.members(policy)["AttachmentCount"]
            ]
        everything.sort(key=lambda each: each.arn)
        shown = words.page("Found", everything, call.params, lambda each: each.arn, lambda each: each)
        found = shown.pop("Found")
        return {
            "UserDetailList": [self._user(each) for each in found if isinstance(each, User)],
            "GroupDetailList": [self._group(each) for each in found if isinstance(each, Group)],
            "RoleDetailList": [self._role(each) for each in found if isinstance(each, Role)],
            "Policies": [self._policy(each) for each in found if isinstance(each, ManagedPolicy)],
            **shown,
        }

    def _user(self, user: User) -> Members:
        groups = [group.name for group in self._directory.groups_of(user)]
        return {**words.user_members(user), **self._held("User", user), "GroupList": groups}

    def _group(self, group: Group) -> Members:
        return {**words.group_members(group), **self._held("Group", group)}

    def _role(self, role: Role) -> Members:
        members = words.role_members(role)
        shown = {name: value for name, value in members.items() if name not in ("Description", "MaxSessionDuration")}
        used = words.last_used_members(role, self._identities.signers.last_use(role.id))
        return {**shown, **self._held("Role", role), "InstanceProfileList": [], "RoleLastUsed": used}

    def _held(self, kind: str, holder: User | Group | Role) -> Members:
        inline = [
            {"PolicyName": name, "PolicyDocument": words.document(text)} for name, text in sorted(holder.inline.items())
        ]
        attached = words.attached_members([self._directory.policy(arn) for arn in holder.attached])
        return {f"{kind}PolicyList": inline, "AttachedManagedPolicies": attached}

    def _policy(self, policy: ManagedPolicy) -> Members:
        versions = [words.version_members(policy, each, with_document=True) for each in policy.versions]
        return {**self._policies.members(policy), "PolicyVersionList": versions}
