"""Roles: who may assume them, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stoker.identity import holders, quotas
from stoker.identity.documents import DocumentKind
from stoker.identity.draft import Draft
from stoker.identity.entities import Role, new_id

DEFAULT_SESSION_S = 3600


@dataclass(frozen=True, kw_only=True)
class NewRole:
    """What CreateRole is given."""

    name: str
    trust: str
    path: str = "/"
    description: str | None = None
    max_session_s: int = DEFAULT_SESSION_S
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def create_role(draft: Draft, new: NewRole) -> Role:
    _check_trust(draft, new.trust)
    role = Role(
        account=draft.account,
        id=new_id(Role.id_prefix),
        name=new.name,
        path=new.path,
        created=draft.now,
        trust=new.trust,
        description=new.description,
        max_session_s=new.max_session_s,
        boundary=draft.boundary(new.boundary) if new.boundary is not None else None,
        tags=quotas.tagged({}, new.tags),
    )
    return holders.create(draft, role)


def update_role(draft: Draft, name: str, *, description: str | None, max_session_s: int | None) -> Role:
    """What was not given stays. An empty description removes what there was."""
    role = draft.get(Role, name)
    changed = replace(
        role,
        description=role.description if description is None else description or None,
        max_session_s=max_session_s or role.max_session_s,
    )
    draft.put(changed)
    return changed


def update_trust(draft: Draft, name: str, trust: str) -> None:
    role = draft.get(Role, name)
    _check_trust(draft, trust)
    draft.put(replace(role, trust=trust))


def delete_role(draft: Draft, name: str) -> None:
    """Raises DeleteConflict while policies are attached to the role or in it."""
    role = draft.get(Role, name)
    holders.check_empty(role)
    draft.remove(role)


def _check_trust(draft: Draft, trust: str) -> None:
    draft.check_document(trust, DocumentKind.TRUST)
    quotas.check_trust_size(trust)
