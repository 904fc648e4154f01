"""Managed policies, the account's own and AWS's."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import holders, policies
from stoker.identity.entities import Group, ManagedPolicy, Role, User
from stoker.identity.errors import NoSuchEntity
from stoker.identity.identities import Identities
from stoker.identity.policies import NewPolicy
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
NOTHING: Members = {}


class PolicyOperations:
    """CreatePolicy to DeletePolicy, versions, tags, and who has a policy."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._directory = identities.directory

    async def create_policy(self, call: Call) -> Members:
        params = call.params
        new = NewPolicy(
            name=params["PolicyName"],
            document=params["PolicyDocument"],
            path=params.get("Path", "/"),
            description=params.get("Description") or None,
            tags=words.tag_map(params.get("Tags")),
        )
        policy = await self._identities.change(lambda draft: policies.create_policy(draft, new))
        return {"Policy": {**self.members(policy), "Tags": words.tag_list(policy.tags) or None}}

    async def get_policy(self, call: Call) -> Members:
        policy = self._policy(call)
        return {"Policy": {**self.members(policy), "Tags": words.tag_list(policy.tags)}}

    async def list_policies(self, call: Call) -> Members:
        params = call.params
        scope = params.get("Scope", "All")
        known = [*(self._directory.all(ManagedPolicy) if scope != "AWS" else [])]
        known += self._directory.aws.values() if scope != "Local" else []
        usage = {"PermissionsPolicy": 0, "PermissionsBoundary": 1}.get(params.get("PolicyUsageFilter", ""))
        if params.get("OnlyAttached") or usage is not None:
            known = [policy for policy in known if self._is_used(policy, usage)]
        found = sorted(words.under(params.get("PathPrefix"), known, words.path_of), key=lambda policy: policy.arn)
        shown = words.page("Policies", found, params, lambda policy: policy.arn, self.members)
        for members in shown["Policies"]:
            # Only a single read shows it.
            del members["Description"]
        return shown

    async def delete_policy(self, call: Call) -> Members:
        await self._identities.change(lambda draft: policies.delete_policy(draft, call.params["PolicyArn"]))
        return NOTHING

    async def create_policy_version(self, call: Call) -> Members:
        params = call.params
        default = params.get("SetAsDefault", False)
        version = await self._identities.change(
            lambda draft: policies.add_version(draft, params["PolicyArn"], params["PolicyDocument"], default=default)
        )
        return {"PolicyVersion": words.version_members(self._policy(call), version, with_document=False)}

    async def get_policy_version(self, call: Call) -> Members:
        policy = self._policy(call)
        version = policies.version_of(policy, call.params["VersionId"])
        return {"PolicyVersion": words.version_members(policy, version, with_document=True)}

    async def list_policy_versions(self, call: Call) -> Members:
        policy = self._policy(call)
        newest_first = sorted(policy.versions, key=lambda version: -version.number)
        return words.page(
            "Versions",
            newest_first,
            call.params,
            # The page goes on with what sorts behind: a smaller number, here.
            lambda version: f"{1_000_000_000 - version.number:010d}",
            lambda version: words.version_members(policy, version, with_document=False),
        )

    async def delete_policy_version(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(
            lambda draft: policies.delete_version(draft, params["PolicyArn"], params["VersionId"])
        )
        return NOTHING

    async def set_default_policy_version(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(
            lambda draft: policies.set_default(draft, params["PolicyArn"], params["VersionId"])
        )
        return NOTHING

    async def tag_policy(self, call: Call) -> Members:
        arn, tags = call.params["PolicyArn"], words.tag_map(call.params["Tags"])
        await self._identities.change(lambda draft: holders.tag(draft, policies.own_policy(draft, arn), tags))
        return NOTHING

    async def untag_policy(self, call: Call) -> Members:
        arn, keys = call.params["PolicyArn"], call.params["TagKeys"]
        await self._identities.change(lambda draft: holders.untag(draft, policies.own_policy(draft, arn), keys))
        return NOTHING

    async def list_policy_tags(self, call: Call) -> Members:
        tags = sorted(words.tag_list(self._policy(call).tags), key=lambda tag: str(tag["Key"]))
        return words.page("Tags", tags, call.params, lambda tag: str(tag["Key"]), lambda tag: tag)

    async def list_entities_for_policy(self, call: Call) -> Members:
        policy, params = self._policy(call), call.params
        usage = {"PermissionsPolicy": 0, "PermissionsBoundary": 1}.get(params.get("PolicyUsageFilter", ""))
        wanted = params.get("EntityFilter")
        found = [
            holder
            for holder in words.under(params.get("PathPrefix"), self._holders(policy, usage), words.path_of)
            if wanted in (None, type(holder).__name__)
        ]
        shown = words.page("Found", found, params, lambda holder: f"{holder.kind}/{holder.folded}", lambda it: it)
        groups, roles, users = (
            [
                {f"{kind.__name__}Name": each.name, f"{kind.__name__}Id": each.id}
                for each in shown["Found"]
                if isinstance(each, kind)
            ]
            for kind in (Group, Role, User)
        )
        del shown["Found"]
        return {"PolicyGroups": groups, "PolicyRoles": roles, "PolicyUsers": users, **shown}

    def members(self, policy: ManagedPolicy) -> dict[str, Any]:
        """A policy, and how many have it."""
        return words.policy_members(
            policy, attached=len(self._holders(policy, 0)), bounding=len(self._holders(policy, 1))
        )

    def _holders(self, policy: ManagedPolicy, usage: int | None) -> list[User | Group | Role]:
        """Who has a policy attached (0), for a boundary (1) or either (None), by kind and name."""
        arn = policy.arn
        everybody: list[User | Group | Role] = [
            *self._directory.all(Group),
            *self._directory.all(Role),
            *self._directory.all(User),
        ]
        return [
            each
            for each in everybody
            if (usage != 1 and arn in each.attached) or (usage != 0 and arn == getattr(each, "boundary", None))
        ]

    def _is_used(self, policy: ManagedPolicy, usage: int | None) -> bool:
        return bool(self._holders(policy, usage))

    def _policy(self, call: Call) -> ManagedPolicy:
        arn = call.params["PolicyArn"]
        try:
            return self._directory.policy(arn)
        except NoSuchEntity:
            raise NoSuchEntity(f"Policy {arn} was not found.") from None
