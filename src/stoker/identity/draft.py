"""One change of what IAM keeps: made in a transaction of the store, and told to the directory once it is committed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from stoker.identity import quotas, rows
from stoker.identity.aws_policies import PREFIX
from stoker.identity.documents import Document, DocumentKind
from stoker.identity.entities import AccessKey, Entity, Group, ManagedPolicy, OidcProvider, Role, User
from stoker.identity.errors import EntityAlreadyExists, LimitExceeded, NoSuchEntity

N = TypeVar("N", bound=User | Group | Role | ManagedPolicy | OidcProvider)


@dataclass(frozen=True, kw_only=True)
class Change:
    """An entity as it is now, or one that is gone."""

    entity: Entity
    removed: bool = False


class Draft:
    """Finds, puts and removes entities in one transaction; `changes` is what came of it, in order.

    Whoever works on it may be run again on a new draft, and raises what AWS answers to refuse.
    """

    def __init__(
        self,
        conn: Connection,
        *,
        account: str,
        now: float,
        aws: Mapping[str, ManagedPolicy],
        parse: Callable[[str, DocumentKind], Document],
    ) -> None:
        self.conn = conn
        self.account = account
        self.now = now
        self.changes: list[Change] = []
        self.check_document = parse
        self._aws = aws

    def get(self, kind: type[N], name: str) -> N:
        """The entity of a name; raises NoSuchEntity."""
        found = rows.find(self.conn, kind, name, self.account)
        if found is None:
            raise NoSuchEntity.of(kind.kind, name)
        return found

    def policy(self, arn: str) -> ManagedPolicy:
        """A managed policy, the account's own or AWS's; raises NoSuchEntity."""
        found = self._aws.get(arn) if arn.startswith(PREFIX) else None
        found = found or rows.find(self.conn, ManagedPolicy, arn.rpartition("/")[2], self.account)
        if found is None or found.arn != arn:
            raise NoSuchEntity.of_policy(arn)
        return found

    def boundary(self, arn: str) -> str:
        """The ARN of a managed policy that is there to be a boundary."""
        try:
            return self.policy(arn).arn
        except NoSuchEntity:
            raise NoSuchEntity(f"Scope ARN: {arn} does not exist or is not attachable.") from None

    def check_new(self, entity: N, taken: str) -> None:
        """Raises when the name is taken, with the text `taken`, or when there are as many as there may be."""
        kind = type(entity)
        self.check_name(entity, taken)
        quota, most = quotas.PER_ACCOUNT[kind]
        if rows.count(self.conn, kind) >= most:
            raise LimitExceeded.of(quota, most)

    def check_name(self, entity: N, taken: str) -> None:
        other = rows.find(self.conn, type(entity), entity.name, self.account)
        if other is not None and other.id != entity.id:
            raise EntityAlreadyExists(taken)

    def put(self, entity: Entity) -> None:
        rows.put(self.conn, entity)
        self.changes.append(Change(entity=entity))

    def remove(self, entity: Entity) -> None:
        rows.remove(self.conn, entity)
        self.changes.append(Change(entity=entity, removed=True))

    def keys_of(self, user: User) -> list[AccessKey]:
        return rows.keys_of(self.conn, user.id)

    def all(self, kind: type[N]) -> list[N]:
        return rows.read_all(self.conn, kind, self.account)
