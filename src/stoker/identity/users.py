"""Users, their groups and their access keys."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stoker.identity import holders, quotas, rows
from stoker.identity.draft import Draft
from stoker.identity.entities import AccessKey, Group, User, new_id
from stoker.identity.errors import DeleteConflict, LimitExceeded, NoSuchEntity
from stoker.identity.sealing import Seal

_KEY_PREFIX = "AKIA"


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """An access key with its secret: the only time that it is shown."""

    key: AccessKey
    secret: str = field(repr=False)


def create_user(draft: Draft, name: str, *, path: str, boundary: str | None, tags: Mapping[str, str]) -> User:
    user = User(
        account=draft.account,
        id=new_id(User.id_prefix),
        name=name,
        path=path,
        created=draft.now,
        boundary=draft.boundary(boundary) if boundary is not None else None,
        tags=quotas.tagged({}, tags),
    )
    return holders.create(draft, user)


def delete_user(draft: Draft, name: str) -> None:
    """Raises DeleteConflict while the user holds anything."""
    user = draft.get(User, name)
    holders.check_empty(user)
    if draft.keys_of(user):
        raise DeleteConflict("Cannot delete entity, must delete access keys first.")
    if user.groups:
        raise DeleteConflict("Cannot delete entity, must remove users from group first.")
    draft.remove(user)


def join(draft: Draft, group_name: str, user_name: str) -> None:
    """Put a user into a group; nothing happens if it is there already."""
    group, user = draft.get(Group, group_name), draft.get(User, user_name)
    if group.id in user.groups:
        return
    if len(user.groups) >= quotas.GROUPS_OF_A_USER:
        raise LimitExceeded.of("GroupsPerUser", quotas.GROUPS_OF_A_USER)
    draft.put(replace(user, groups=(*user.groups, group.id)))


def leave(draft: Draft, group_name: str, user_name: str) -> None:
    group, user = draft.get(Group, group_name), draft.get(User, user_name)
    if group.id not in user.groups:
        raise NoSuchEntity(f"User {user_name} is not in the group {group_name}.")
    draft.put(replace(user, groups=tuple(each for each in user.groups if each != group.id)))


def delete_group(draft: Draft, name: str) -> None:
    """Raises DeleteConflict while the group holds anything or anybody."""
    group = draft.get(Group, name)
    if any(group.id in user.groups for user in draft.all(User)):
        raise DeleteConflict("Cannot delete entity, must remove users from group first.")
    holders.check_empty(group)
    draft.remove(group)


def create_key(draft: Draft, user_name: str, seal: Seal) -> NewKey:
    user = draft.get(User, user_name)
    if len(draft.keys_of(user)) >= quotas.ACCESS_KEYS:
        raise LimitExceeded.of("AccessKeysPerUser", quotas.ACCESS_KEYS)
    key_id, secret = new_id(_KEY_PREFIX)[:20], secrets.token_urlsafe(30)
    key = AccessKey(id=key_id, user_id=user.id, created=draft.now, sealed=seal.close(secret, key_id))
    draft.put(key)
    return NewKey(key=key, secret=secret)


def update_key(draft: Draft, user_name: str, key_id: str, *, active: bool) -> None:
    draft.put(replace(_key(draft, user_name, key_id), active=active))


def delete_key(draft: Draft, user_name: str, key_id: str) -> None:
    draft.remove(_key(draft, user_name, key_id))


def _key(draft: Draft, user_name: str, key_id: str) -> AccessKey:
    user, key = draft.get(User, user_name), rows.find_key(draft.conn, key_id)
    if key is None or key.user_id != user.id:
        raise NoSuchEntity(f"The Access Key with id {key_id} cannot be found.")
    return key
