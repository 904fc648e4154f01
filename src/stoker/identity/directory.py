"""Everything that IAM keeps, in memory: who there is, and what is attached to whom.

Requests are decided by it, so nothing here waits. It is loaded at the start and changed after each committed write.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from stoker.identity.documents import Document, DocumentKind, parse_document
from stoker.identity.draft import Change
from stoker.identity.entities import AccessKey, Entity, Group, Holder, ManagedPolicy, Named, OidcProvider, Role, User
from stoker.identity.errors import NoSuchEntity
from stoker.identity.principal_policies import PrincipalPolicies
from stoker.model.principal import Principal, Session

N = TypeVar("N", bound=User | Group | Role | ManagedPolicy | OidcProvider)
_PARSED = 8192
_SESSIONS = 8192
_KINDS: tuple[type[Entity], ...] = (User, Group, Role, ManagedPolicy, OidcProvider, AccessKey)
_NOBODY = PrincipalPolicies(exists=False)


class Directory:
    """One account's users, groups, roles, policies and keys. Only the event loop's thread changes it.

    `aws` are AWS's managed policies by ARN.
    """

    def __init__(self, account: str, aws: Mapping[str, ManagedPolicy]) -> None:
        self.account = account
        self.aws = aws
        self._by_id: dict[Any, dict[str, Any]] = {kind: {} for kind in _KINDS}
        self._by_name: dict[Any, dict[str, Any]] = {kind: {} for kind in _KINDS}
        self._policies: dict[str, PrincipalPolicies] = {}
        # The newest change of all those before which none is missing here, and the newest that was made here.
        self._known = 0
        self._made = 0
        # Threads that read and write the store parse what is new ahead, so that the event loop finds it parsed.
        self.parse = lru_cache(maxsize=_PARSED)(parse_document)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self._by_id[kind])} {kind.__name__}" for kind in _KINDS)
        return f"<Directory {counts}, change {self._known}>"

    @property
    def known(self) -> int:
        """The number of the last change up to which everything is known here."""
        return self._known

    def fill(self, entities: Iterable[Entity], revision: int) -> bool:
        """Take over what the store held at a change, all of it. False, and nothing done, if newer is known here."""
        if revision < self._made:
            return False
        for kind in _KINDS:
            self._by_id[kind], self._by_name[kind] = {}, {}
        for entity in entities:
            self._put(entity)
        self._known = self._made = revision
        self._policies.clear()
        return True

    def apply(self, changes: Sequence[Change], revision: int) -> None:
        """Take over a committed change. One that another Stoker made in between is found by its missing number."""
        for change in changes:
            self._remove(change.entity)
            if not change.removed:
                self._put(change.entity)
        self._made = max(self._made, revision)
        if revision == self._known + 1:
            self._known = revision
        self._policies.clear()

    def find(self, kind: type[N], name: str) -> N | None:
        found: N | None = self._by_name[kind].get(name.lower())
        return found

    def get(self, kind: type[N], name: str) -> N:
        """The entity of a name; raises NoSuchEntity."""
        found = self.find(kind, name)
        if found is None:
            raise NoSuchEntity.of(kind.kind, name)
        return found

    def by_id(self, kind: type[N], entity_id: str) -> N | None:
        found: N | None = self._by_id[kind].get(entity_id)
        return found

    def all(self, kind: type[N]) -> list[N]:
        """Every one of a kind, by name."""
        return [entity for _, entity in sorted(self._by_name[kind].items())]

    def policy(self, arn: str) -> ManagedPolicy:
        """A managed policy, the account's own or AWS's; raises NoSuchEntity."""
        found = self.aws.get(arn) or self.find(ManagedPolicy, arn.rpartition("/")[2])
        if found is None or found.arn != arn:
            raise NoSuchEntity.of_policy(arn)
        return found

    def role(self, arn: str) -> Role | None:
        """The role of an ARN, its path included."""
        found = self.find(Role, arn.rpartition("/")[2])
        return found if found is not None and found.arn == arn else None

    def key(self, key_id: str) -> AccessKey | None:
        found: AccessKey | None = self._by_id[AccessKey].get(key_id)
        return found

    def keys_of(self, user: User) -> list[AccessKey]:
        """A user's access keys, oldest first."""
        keys: Iterable[AccessKey] = self._by_id[AccessKey].values()
        return sorted((key for key in keys if key.user_id == user.id), key=lambda key: (key.created, key.id))

    def members_of(self, group: Group) -> list[User]:
        return [user for user in self.all(User) if group.id in user.groups]

    def groups_of(self, user: User) -> list[Group]:
        """A user's groups, by name."""
        found = (self.by_id(Group, group_id) for group_id in user.groups)
        return sorted((group for group in found if group is not None), key=lambda group: group.folded)

    def is_live(self, issuer_id: str) -> bool:
        """Whether the role or user that a session's credentials are from is still there, or it is the account."""
        return issuer_id in self._by_id[Role] or issuer_id in self._by_id[User] or issuer_id == self.account

    def policies_of(self, principal: Principal) -> PrincipalPolicies:
        """What is attached to a caller: the same value until something changes."""
        session = principal.session
        if session is None:
            key = principal.user_id
        elif session.policies or session.policy_arns or session.tags:
            key = f"{session.issuer_id}/{principal.access_key}"
        else:
            key = session.issuer_id
        found = self._policies.get(key)
        if found is None:
            if len(self._policies) >= _SESSIONS:
                self._policies.clear()
            found = self._policies[key] = self._gather(principal, session)
        return found

    def documents_of(self, holder: Holder) -> list[Document]:
        """The policies put into and attached to a user, group or role itself."""
        texts = [*holder.inline.values(), *(self.policy(arn).document for arn in holder.attached)]
        return [self._document(text) for text in texts]

    def _gather(self, principal: Principal, session: Session | None) -> PrincipalPolicies:
        issuer_id = principal.user_id if session is None else session.issuer_id
        if issuer_id == self.account:
            return PrincipalPolicies(arn=principal.arn, session=self._session_documents(session))
        issuer = self.by_id(Role, issuer_id) or self.by_id(User, issuer_id)
        if issuer is None:
            return _NOBODY
        documents = self.documents_of(issuer)
        if isinstance(issuer, User):
            documents += [document for group in self.groups_of(issuer) for document in self.documents_of(group)]
        return PrincipalPolicies(
            identity=tuple(documents),
            boundary=None if issuer.boundary is None else self._document(self.policy(issuer.boundary).document),
            session=self._session_documents(session),
            arn=issuer.arn,
            tags={**issuer.tags, **(session.tags if session is not None else {})},
        )

    def _session_documents(self, session: Session | None) -> tuple[Document, ...]:
        """A managed policy that is gone allows nothing, and goes on bounding the session."""
        if session is None:
            return ()
        managed = [self._managed_document(arn) for arn in session.policy_arns]
        return (*(self._document(text) for text in session.policies), *managed)

    def _managed_document(self, arn: str) -> Document:
        try:
            return self._document(self.policy(arn).document)
        except NoSuchEntity:
            return Document(kind=DocumentKind.IDENTITY, version="2012-10-17", statements=())

    def _document(self, text: str) -> Document:
        return self.parse(text, DocumentKind.IDENTITY)

    def _put(self, entity: Entity) -> None:
        self._by_id[type(entity)][entity.id] = entity
        if isinstance(entity, Named):
            self._by_name[type(entity)][entity.folded] = entity

    def _remove(self, entity: Entity) -> None:
        previous = self._by_id[type(entity)].pop(entity.id, None)
        if isinstance(previous, Named):
            self._by_name[type(entity)].pop(previous.folded, None)


def texts_of(entity: Entity) -> list[str]:
    """The policies' JSON that an entity brings along."""
    if isinstance(entity, ManagedPolicy):
        return [entity.document]
    return list(entity.inline.values()) if isinstance(entity, User | Group | Role) else []
