"""What users, groups and roles have in common: inline policies, attached policies, boundaries, tags, names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from stoker.identity import quotas
from stoker.identity.documents import DocumentKind
from stoker.identity.draft import Draft
from stoker.identity.entities import Group, ManagedPolicy, OidcProvider, Role, User
from stoker.identity.errors import DeleteConflict, LimitExceeded, NoSuchEntity

H = TypeVar("H", bound=User | Group | Role)
B = TypeVar("B", bound=User | Role)
T = TypeVar("T", bound=User | Role | ManagedPolicy | OidcProvider)

_QUOTA = {User: "PoliciesPerUser", Group: "PoliciesPerGroup", Role: "PoliciesPerRole"}


def put_inline(draft: Draft, holder: H, name: str, document: str) -> None:
    """Add or replace an inline policy."""
    draft.check_document(document, DocumentKind.IDENTITY)
    inline = {**holder.inline, name: document}
    quotas.check_inline_size(holder, inline)
    draft.put(replace(holder, inline=inline))


def inline_of(holder: H, name: str) -> str:
    """The JSON of an inline policy; raises NoSuchEntity."""
    if name not in holder.inline:
        raise NoSuchEntity(f"The {holder.kind} policy with name {name} cannot be found.")
    return holder.inline[name]


def delete_inline(draft: Draft, holder: H, name: str) -> None:
    inline_of(holder, name)
    draft.put(replace(holder, inline={each: text for each, text in holder.inline.items() if each != name}))


def attach(draft: Draft, holder: H, arn: str) -> None:
    """Attach a managed policy; nothing happens if it is attached already."""
    policy = draft.policy(arn)
    if arn in holder.attached:
        return
    if len(holder.attached) >= quotas.ATTACHED:
        raise LimitExceeded.of(_QUOTA[type(holder)], quotas.ATTACHED)
    draft.check_document(policy.document, DocumentKind.IDENTITY)
    draft.put(replace(holder, attached=(*holder.attached, arn)))


def detach(draft: Draft, holder: H, arn: str) -> None:
    if arn not in holder.attached:
        raise NoSuchEntity(f"Policy {arn} was not found.")
    draft.put(replace(holder, attached=tuple(each for each in holder.attached if each != arn)))


def bound(draft: Draft, holder: B, arn: str | None) -> None:
    """Set the permissions boundary, or remove it."""
    if arn is None and holder.boundary is None:
        raise NoSuchEntity(f"{holder.kind.capitalize()} {holder.name} does not have a permissions boundary.")
    draft.put(replace(holder, boundary=draft.boundary(arn) if arn is not None else None))


def tag(draft: Draft, entity: T, tags: Mapping[str, str]) -> None:
    draft.put(replace(entity, tags=quotas.tagged(entity.tags, tags)))


def untag(draft: Draft, entity: T, keys: Sequence[str]) -> None:
    """Remove tags, whatever the case of their keys; one that is not there is no mistake."""
    gone = {key.lower() for key in keys}
    draft.put(replace(entity, tags={key: value for key, value in entity.tags.items() if key.lower() not in gone}))


def rename(draft: Draft, holder: H, name: str | None, path: str | None) -> None:
    """Another name or path, under which everything stays."""
    renamed = replace(holder, name=name or holder.name, path=path or holder.path)
    draft.check_name(renamed, taken(renamed))
    draft.put(renamed)


def check_empty(holder: H) -> None:
    """Raises DeleteConflict while policies are attached to a holder or in it."""
    if holder.attached:
        raise DeleteConflict("Cannot delete entity, must detach all policies first.")
    if holder.inline:
        raise DeleteConflict("Cannot delete entity, must delete policies first.")


def taken(entity: User | Group | Role) -> str:
    """What is said of a name that another has."""
    return f"{type(entity).__name__} with name {entity.name} already exists."


def create(draft: Draft, entity: H) -> H:
    """A new holder."""
    draft.check_new(entity, taken(entity))
    draft.put(entity)
    return entity
