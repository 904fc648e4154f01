"""Groups and who is in them."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import holders, users
from stoker.identity.entities import Group, User, new_id
from stoker.identity.identities import Identities
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
NOTHING: Members = {}


class GroupOperations:
    """CreateGroup to DeleteGroup, and membership."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._directory = identities.directory

    async def create_group(self, call: Call) -> Members:
        params = call.params
        group = await self._identities.change(
            lambda draft: holders.create(
                draft,
                Group(
                    account=draft.account,
                    id=new_id(Group.id_prefix),
                    name=params["GroupName"],
                    path=params.get("Path", "/"),
                    created=draft.now,
                ),
            )
        )
        return {"Group": words.group_members(group)}

    async def get_group(self, call: Call) -> Members:
        group = self._directory.get(Group, call.params["GroupName"])
        members = self._directory.members_of(group)
        shown = words.page(
            "Users", members, call.params, words.name_of, lambda user: words.listed(words.user_members(user))
        )
        return {"Group": words.group_members(group), **shown}

    async def list_groups(self, call: Call) -> Members:
        found = words.under(call.params.get("PathPrefix"), self._directory.all(Group), words.path_of)
        return words.page("Groups", found, call.params, words.name_of, words.group_members)

    async def list_groups_for_user(self, call: Call) -> Members:
        groups = self._directory.groups_of(self._directory.get(User, call.params["UserName"]))
        return words.page("Groups", groups, call.params, words.name_of, words.group_members)

    async def update_group(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(
            lambda draft: holders.rename(
                draft, draft.get(Group, params["GroupName"]), params.get("NewGroupName"), params.get("NewPath")
            )
        )
        return NOTHING

    async def delete_group(self, call: Call) -> Members:
        await self._identities.change(lambda draft: users.delete_group(draft, call.params["GroupName"]))
        return NOTHING

    async def add_user_to_group(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(lambda draft: users.join(draft, params["GroupName"], params["UserName"]))
        return NOTHING

    async def remove_user_from_group(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(lambda draft: users.leave(draft, params["GroupName"], params["UserName"]))
        return NOTHING
