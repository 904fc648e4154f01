"""The account's own managed policies and their versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stoker.identity import quotas
from stoker.identity.aws_policies import PREFIX
from stoker.identity.documents import DocumentKind
from stoker.identity.draft import Draft
from stoker.identity.entities import Group, ManagedPolicy, PolicyVersion, Role, User, new_id
from stoker.identity.errors import DeleteConflict, InvalidInput, LimitExceeded, NoSuchEntity
from stoker.model.errors import AccessDeniedException


@dataclass(frozen=True, kw_only=True)
class NewPolicy:
    """What CreatePolicy is given."""

    name: str
    document: str
    path: str = "/"
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def create_policy(draft: Draft, new: NewPolicy) -> ManagedPolicy:
    _check_document(draft, new.document)
    policy = ManagedPolicy(
        account=draft.account,
        id=new_id(ManagedPolicy.id_prefix),
        name=new.name,
        path=new.path,
        created=draft.now,
        modified=draft.now,
        description=new.description,
        tags=quotas.tagged({}, new.tags),
        versions=(PolicyVersion(number=1, document=new.document, created=draft.now),),
    )
    draft.check_new(policy, f"A policy called {new.name} already exists. Duplicate names are not allowed.")
    draft.put(policy)
    return policy


def add_version(draft: Draft, arn: str, document: str, *, default: bool) -> PolicyVersion:
    """A new version, in force at once if it is the `default`."""
    policy = own_policy(draft, arn)
    _check_document(draft, document)
    if len(policy.versions) >= quotas.VERSIONS:
        raise LimitExceeded(
            f"A managed policy can have up to {quotas.VERSIONS} versions. "
            "Before you create a new version, you must delete an existing version."
        )
    version = PolicyVersion(number=policy.next_version, document=document, created=draft.now)
    changed = replace(
        policy,
        versions=(*policy.versions, version),
        next_version=policy.next_version + 1,
        default_version=version.number if default else policy.default_version,
        modified=draft.now,
    )
    draft.put(changed)
    return version


def delete_version(draft: Draft, arn: str, version_id: str) -> None:
    policy = own_policy(draft, arn)
    version = version_of(policy, version_id)
    if version.number == policy.default_version:
        raise DeleteConflict("Cannot delete the default version of a policy.")
    draft.put(replace(policy, versions=tuple(each for each in policy.versions if each is not version)))


def set_default(draft: Draft, arn: str, version_id: str) -> None:
    """Put another version in force."""
    policy = own_policy(draft, arn)
    number = version_of(policy, version_id).number
    draft.put(replace(policy, default_version=number, modified=draft.now))


def delete_policy(draft: Draft, arn: str) -> None:
    """Raises DeleteConflict while anybody has the policy, or while it has other versions than the default."""
    policy = own_policy(draft, arn)
    holders: list[User | Group | Role] = [*draft.all(User), *draft.all(Group), *draft.all(Role)]
    if any(arn in each.attached or arn == getattr(each, "boundary", None) for each in holders):
        raise DeleteConflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy."
        )
    draft.remove(policy)


def own_policy(draft: Draft, arn: str) -> ManagedPolicy:
    """A policy that the account may change."""
    if arn.startswith(PREFIX):
        raise AccessDeniedException(f"Policy {arn} is AWS's own and cannot be changed.")
    return draft.policy(arn)


def version_of(policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    """The version of an id like `v2`; raises NoSuchEntity."""
    number = version_id.removeprefix("v")
    if not number.isdecimal():
        raise InvalidInput(f"{version_id} is not a version id.")
    version = policy.version(int(number))
    if version is None:
        raise NoSuchEntity(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")
    return version


def _check_document(draft: Draft, document: str) -> None:
    draft.check_document(document, DocumentKind.IDENTITY)
    quotas.check_managed_size(document)
