"""Roles."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import roles
from stoker.identity.entities import Role
from stoker.identity.identities import Identities
from stoker.identity.roles import NewRole
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
NOTHING: Members = {}


class RoleOperations:
    """CreateRole to DeleteRole."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._directory = identities.directory

    async def create_role(self, call: Call) -> Members:
        params = call.params
        new = NewRole(
            name=params["RoleName"],
            trust=params["AssumeRolePolicyDocument"],
            path=params.get("Path", "/"),
            description=params.get("Description") or None,
            max_session_s=params.get("MaxSessionDuration", roles.DEFAULT_SESSION_S),
            boundary=params.get("PermissionsBoundary"),
            tags=words.tag_map(params.get("Tags")),
        )
        role = await self._identities.change(lambda draft: roles.create_role(draft, new))
        return {"Role": words.role_members(role)}

    async def get_role(self, call: Call) -> Members:
        role = self._directory.get(Role, call.params["RoleName"])
        used = words.last_used_members(role, self._identities.signers.last_use(role.id))
        return {"Role": {**words.role_members(role), "RoleLastUsed": used}}

    async def list_roles(self, call: Call) -> Members:
        found = words.under(call.params.get("PathPrefix"), self._directory.all(Role), words.path_of)
        return words.page(
            "Roles", found, call.params, words.name_of, lambda role: words.listed(words.role_members(role))
        )

    async def update_role(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(
            lambda draft: roles.update_role(
                draft,
                params["RoleName"],
                description=params.get("Description"),
                max_session_s=params.get("MaxSessionDuration"),
            )
        )
        return NOTHING

    async def update_role_description(self, call: Call) -> Members:
        params = call.params
        role = await self._identities.change(
            lambda draft: roles.update_role(
                draft, params["RoleName"], description=params["Description"], max_session_s=None
            )
        )
        return {"Role": words.role_members(role)}

    async def update_assume_role_policy(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(
            lambda draft: roles.update_trust(draft, params["RoleName"], params["PolicyDocument"])
        )
        return NOTHING

    async def delete_role(self, call: Call) -> Members:
        await self._identities.change(lambda draft: roles.delete_role(draft, call.params["RoleName"]))
        return NOTHING

    async def list_instance_profiles_for_role(self, call: Call) -> Members:
        """Terraform asks before it deletes a role. There are no instances, hence no profiles of them."""
        self._directory.get(Role, call.params["RoleName"])
        return {"InstanceProfiles": [], "IsTruncated": False}

    async def list_instance_profiles(self, call: Call) -> Members:
        return {"InstanceProfiles": [], "IsTruncated": False}
