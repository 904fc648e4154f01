"""Users and their access keys."""

from collections.abc import Mapping
from typing import Any

from stoker.identity import holders, users
from stoker.identity.entities import User
from stoker.identity.errors import NoSuchEntity, ValidationError
from stoker.identity.identities import Identities
from stoker.services.iam import words
from stoker.wire.message import Call

Members = Mapping[str, Any]
NOTHING: Members = {}
# How a service that nobody named yet is written: AWS's own words for a key that was never used.
_NEVER = "N/A"


class UserOperations:
    """CreateUser to DeleteUser, and keys. Where no UserName is given, the caller's own is meant."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._directory = identities.directory

    async def create_user(self, call: Call) -> Members:
        params = call.params
        tags = words.tag_map(params.get("Tags"))
        user = await self._identities.change(
            lambda draft: users.create_user(
                draft,
                params["UserName"],
                path=params.get("Path", "/"),
                boundary=params.get("PermissionsBoundary"),
                tags=tags,
            )
        )
        return {"User": words.user_members(user)}

    async def get_user(self, call: Call) -> Members:
        return {"User": words.user_members(self._directory.get(User, self._user_name(call)))}

    async def list_users(self, call: Call) -> Members:
        found = words.under(call.params.get("PathPrefix"), self._directory.all(User), words.path_of)
        return words.page(
            "Users", found, call.params, words.name_of, lambda user: words.listed(words.user_members(user))
        )

    async def update_user(self, call: Call) -> Members:
        params = call.params
        await self._identities.change(
            lambda draft: holders.rename(
                draft, draft.get(User, params["UserName"]), params.get("NewUserName"), params.get("NewPath")
            )
        )
        return NOTHING

    async def delete_user(self, call: Call) -> Members:
        await self._identities.change(lambda draft: users.delete_user(draft, call.params["UserName"]))
        return NOTHING

    async def create_access_key(self, call: Call) -> Members:
        name = self._user_name(call)
        made = await self._identities.change(lambda draft: users.create_key(draft, name, self._identities.seal))
        return {"AccessKey": words.new_key_members(made, name)}

    async def list_access_keys(self, call: Call) -> Members:
        user = self._directory.get(User, self._user_name(call))
        keys = sorted(self._directory.keys_of(user), key=lambda key: key.id)
        return words.page(
            "AccessKeyMetadata", keys, call.params, lambda key: key.id, lambda key: words.key_members(key, user.name)
        )

    async def update_access_key(self, call: Call) -> Members:
        name, params = self._user_name(call), call.params
        if params["Status"] not in ("Active", "Inactive"):
            raise ValidationError("The status of an access key is Active or Inactive.")
        active = params["Status"] == "Active"
        await self._identities.change(lambda draft: users.update_key(draft, name, params["AccessKeyId"], active=active))
        return NOTHING

    async def delete_access_key(self, call: Call) -> Members:
        name = self._user_name(call)
        await self._identities.change(lambda draft: users.delete_key(draft, name, call.params["AccessKeyId"]))
        return NOTHING

    async def get_access_key_last_used(self, call: Call) -> Members:
        key = self._directory.key(call.params["AccessKeyId"])
        user = self._directory.by_id(User, key.user_id) if key is not None else None
        if key is None or user is None:
            raise NoSuchEntity(f"The Access Key with id {call.params['AccessKeyId']} cannot be found.")
        use = self._identities.signers.last_use(key.id)
        _, used, service, region = use or (key.id, key.used, key.used_service, key.used_region)
        return {
            "UserName": user.name,
            "AccessKeyLastUsed": {
                "LastUsedDate": None if used is None else words.moment(used),
                "ServiceName": service or _NEVER,
                "Region": region or _NEVER,
            },
        }

    async def get_login_profile(self, call: Call) -> Members:
        """Users have no passwords here: there is nothing that one could log into."""
        user = self._directory.get(User, self._user_name(call))
        raise NoSuchEntity(f"Login Profile for User {user.name} cannot be found.")

    delete_login_profile = get_login_profile

    async def list_mfa_devices(self, call: Call) -> Members:
        return self._none_of(call, "MFADevices")

    async def list_virtual_mfa_devices(self, call: Call) -> Members:
        return {"VirtualMFADevices": [], "IsTruncated": False}

    async def list_ssh_public_keys(self, call: Call) -> Members:
        return self._none_of(call, "SSHPublicKeys")

    async def list_signing_certificates(self, call: Call) -> Members:
        return self._none_of(call, "Certificates")

    async def list_service_specific_credentials(self, call: Call) -> Members:
        self._directory.get(User, self._user_name(call))
        return {"ServiceSpecificCredentials": []}

    def _none_of(self, call: Call, member: str) -> Members:
        """Terraform asks for these before it deletes a user. They cannot be made, so there are none."""
        self._directory.get(User, self._user_name(call))
        return {member: [], "IsTruncated": False}

    def _user_name(self, call: Call) -> str:
        name: str | None = call.params.get("UserName")
        if name is None:
            user = self._directory.by_id(User, call.principal.user_id)
            if user is None:
                raise ValidationError("Must specify userName when calling with non-User credentials")
            name = user.name
        return name
