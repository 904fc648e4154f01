"""What is put into and attached to users, groups and roles: the same operations for each, under names of their own."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.identity import holders
from stoker.identity.entities import Group, Role, User
from stoker.identity.identities import Identities
from stoker.services.iam import words
from stoker.wire.message import Call
from stoker.wire.operations import Method

Members = Mapping[str, Any]
NOTHING: Members = {}


class HolderOperations:
    """Operations on the policies, boundary and tags of one kind of holder."""

    def __init__(self, identities: Identities, kind: type[User] | type[Group] | type[Role]) -> None:
        self._identities = identities
        self._directory = identities.directory
        self._kind = kind
        self._name = f"{kind.__name__}Name"

    def operations(self) -> Mapping[str, Method]:
        """What is served, by the operations' names in snake case."""
        kind = self._kind.kind
        shared: dict[str, Method] = {
            f"put_{kind}_policy": self.put_policy,
            f"get_{kind}_policy": self.get_policy,
            f"list_{kind}_policies": self.list_policies,
            f"delete_{kind}_policy": self.delete_policy,
            f"attach_{kind}_policy": self.attach_policy,
            f"detach_{kind}_policy": self.detach_policy,
            f"list_attached_{kind}_policies": self.list_attached_policies,
        }
        if self._kind is Group:
            return shared
        return {
            **shared,
            f"put_{kind}_permissions_boundary": self.put_permissions_boundary,
            f"delete_{kind}_permissions_boundary": self.delete_permissions_boundary,
            f"tag_{kind}": self.tag,
            f"untag_{kind}": self.untag,
            f"list_{kind}_tags": self.list_tags,
        }

    async def put_policy(self, call: Call) -> Members:
        params = call.params
        return await self._change(call, holders.put_inline, params["PolicyName"], params["PolicyDocument"])

    async def get_policy(self, call: Call) -> Members:
        holder, name = self._holder(call), call.params["PolicyName"]
        document = words.document(holders.inline_of(holder, name))
        return {self._name: holder.name, "PolicyName": name, "PolicyDocument": document}

    async def list_policies(self, call: Call) -> Members:
        names = sorted(self._holder(call).inline)
        return words.page("PolicyNames", names, call.params, lambda name: name, lambda name: name)

    async def delete_policy(self, call: Call) -> Members:
        return await self._change(call, holders.delete_inline, call.params["PolicyName"])

    async def attach_policy(self, call: Call) -> Members:
        return await self._change(call, holders.attach, call.params["PolicyArn"])

    async def detach_policy(self, call: Call) -> Members:
        return await self._change(call, holders.detach, call.params["PolicyArn"])

    async def list_attached_policies(self, call: Call) -> Members:
        attached = [self._directory.policy(arn) for arn in self._holder(call).attached]
        found = words.under(call.params.get("PathPrefix"), attached, words.path_of)
        found.sort(key=words.name_of)
        return words.page(
            "AttachedPolicies", found, call.params, words.name_of, lambda policy: words.attached_members([policy])[0]
        )

    async def put_permissions_boundary(self, call: Call) -> Members:
        return await self._change(call, holders.bound, call.params["PermissionsBoundary"])

    async def delete_permissions_boundary(self, call: Call) -> Members:
        return await self._change(call, holders.bound, None)

    async def tag(self, call: Call) -> Members:
        return await self._change(call, holders.tag, words.tag_map(call.params["Tags"]))

    async def untag(self, call: Call) -> Members:
        return await self._change(call, holders.untag, call.params["TagKeys"])

    async def list_tags(self, call: Call) -> Members:
        # A role's tags are not those of a group, which has none: `operations` leaves this out for groups.
        holder: Any = self._holder(call)
        tags = sorted(words.tag_list(holder.tags), key=lambda tag: str(tag["Key"]))
        return words.page("Tags", tags, call.params, lambda tag: str(tag["Key"]), lambda tag: tag)

    async def _change(self, call: Call, rule: Callable[..., None], *given: Any) -> Members:
        name = call.params[self._name]
        await self._identities.change(lambda draft: rule(draft, draft.get(self._kind, name), *given))
        return NOTHING

    def _holder(self, call: Call) -> User | Group | Role:
        return self._directory.get(self._kind, call.params[self._name])
