"""Entities to rows of the store and back. A row's columns are called what the entity's fields are."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Row, Table

from stoker.identity.entities import (
    AccessKey,
    Entity,
    Group,
    ManagedPolicy,
    Named,
    OidcProvider,
    PolicyVersion,
    Role,
    User,
)
from stoker.store.tables_identity import (
    iam_access_keys,
    iam_groups,
    iam_oidc_providers,
    iam_policies,
    iam_revision,
    iam_roles,
    iam_users,
)

E = TypeVar("E", bound=User | Group | Role | ManagedPolicy | OidcProvider | AccessKey)
N = TypeVar("N", bound=User | Group | Role | ManagedPolicy | OidcProvider)

TABLES: Mapping[Any, Table] = {
    User: iam_users,
    Group: iam_groups,
    Role: iam_roles,
    ManagedPolicy: iam_policies,
    OidcProvider: iam_oidc_providers,
    AccessKey: iam_access_keys,
}
_TUPLES = ("attached", "groups", "audiences", "thumbprints")


def read_all(conn: Connection, kind: type[E], account: str) -> list[E]:
    """Every entity of a kind."""
    return [_entity(kind, row, account) for row in conn.execute(sa.select(TABLES[kind]))]


def find(conn: Connection, kind: type[N], name: str, account: str) -> N | None:
    """The entity of a name, which is the same in upper and lower case."""
    table = TABLES[kind]
    row = conn.execute(sa.select(table).where(table.c.folded == name.lower())).first()
    return None if row is None else _entity(kind, row, account)


def find_key(conn: Connection, key_id: str) -> AccessKey | None:
    row = conn.execute(sa.select(iam_access_keys).where(iam_access_keys.c.id == key_id)).first()
    return None if row is None else _entity(AccessKey, row, "")


def keys_of(conn: Connection, user_id: str) -> list[AccessKey]:
    """A user's access keys, oldest first."""
    columns = iam_access_keys.c
    query = sa.select(iam_access_keys).where(columns.user_id == user_id).order_by(columns.created, columns.id)
    return [_entity(AccessKey, row, "") for row in conn.execute(query)]


def count(conn: Connection, kind: type[Named]) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(TABLES[kind])).scalar_one())


def put(conn: Connection, entity: Entity) -> None:
    """Store an entity, new or changed."""
    remove(conn, entity)
    conn.execute(sa.insert(TABLES[type(entity)]).values(**_values(entity)))


def remove(conn: Connection, entity: Entity) -> None:
    table = TABLES[type(entity)]
    conn.execute(sa.delete(table).where(table.c.id == entity.id))


def revision(conn: Connection) -> int:
    """The number of the last change."""
    return int(conn.execute(sa.select(iam_revision.c.number)).scalar_one())


def next_revision(conn: Connection) -> int:
    """Count one more change; its number."""
    conn.execute(sa.update(iam_revision).values(number=iam_revision.c.number + 1))
    return revision(conn)


def note_uses(conn: Connection, uses: Iterable[tuple[str, float, str, str]]) -> None:
    """When, for which service and in which region keys and roles last signed: it is no change that anybody has to hear
    of.
    """
    for used_id, moment, service, region in uses:
        values = {"used": moment, "used_region": region}
        if used_id.startswith(Role.id_prefix):
            conn.execute(sa.update(iam_roles).where(iam_roles.c.id == used_id).values(**values))
        else:
            where = iam_access_keys.c.id == used_id
            conn.execute(sa.update(iam_access_keys).where(where).values(used_service=service, **values))


def _values(entity: Entity) -> dict[str, Any]:
    values = {field.name: getattr(entity, field.name) for field in fields(entity) if field.name != "account"}
    values.update({name: list(values[name]) for name in _TUPLES if name in values})
    if isinstance(entity, Named):
        values["folded"] = entity.folded
    if isinstance(entity, ManagedPolicy):
        values["versions"] = {str(each.number): [each.document, each.created] for each in entity.versions}
    if isinstance(entity, AccessKey):
        values["active"] = int(entity.active)
    return values


def _entity(kind: Any, row: Row[Any], account: str) -> Any:
    values = dict(row._mapping)
    values.update({name: tuple(values[name]) for name in _TUPLES if name in values})
    if kind is AccessKey:
        values["active"] = bool(values["active"])
        return kind(**values)
    del values["folded"]
    if kind is ManagedPolicy:
        values["versions"] = tuple(
            PolicyVersion(number=int(number), document=document, created=created)
            for number, (document, created) in sorted(values["versions"].items(), key=lambda item: int(item[0]))
        )
    return kind(account=account, **values)
