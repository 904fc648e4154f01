"""Which tables there are. A table's document is read again only when its row says that it changed."""

import threading
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.items.errors import ResourceNotFound
from stoker.items.table import Table
from stoker.store.tables_items import item_tables

_tables = item_tables.c
_BY_NAME = sa.select(_tables.id, _tables.revision).where(
    _tables.region == sa.bindparam("region"), _tables.name == sa.bindparam("name")
)
_DOCUMENT = sa.select(_tables.document).where(_tables.id == sa.bindparam("id"))


class Catalogue:
    """Tables by region and name, in the transaction of whoever asks. Thread-safe.

    Documents that were read are kept by id and revision, which are never another document's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by the lock. One per table: a newer revision takes the older one's place.
        self._known: dict[int, Table] = {}

    def __repr__(self) -> str:
        return f"<Catalogue {len(self._known)} known>"

    def find(self, conn: Connection, region: str, name: str) -> Table | None:
        """The table of this name."""
        row = conn.execute(_BY_NAME, {"region": region, "name": name}).first()
        return None if row is None else self._load(conn, row.id, row.revision)

    def require(self, conn: Connection, region: str, name: str) -> Table:
        """The table, or the ResourceNotFoundException of the operations on items."""
        table = self.find(conn, region, name)
        if table is None:
            raise ResourceNotFound
        return table

    def require_described(self, conn: Connection, region: str, name: str) -> Table:
        """The table, or the error of the operations on tables, which names it."""
        table = self.find(conn, region, name)
        if table is None:
            raise ResourceNotFound(f"Requested resource not found: Table: {name} not found")
        return table

    def by_id(self, conn: Connection, table_id: int) -> Table | None:
        """The table with this id."""
        revision = conn.scalar(sa.select(_tables.revision).where(_tables.id == table_id))
        return None if revision is None else self._load(conn, table_id, revision)

    def _load(self, conn: Connection, table_id: int, revision: int) -> Table:
        known = self._known.get(table_id)
        if known is not None and known.revision == revision:
            return known
        document = conn.scalar(_DOCUMENT, {"id": table_id})
        assert document is not None
        table = msgspec.structs.replace(msgspec.json.decode(document, type=Table), id=table_id, revision=revision)
        with self._lock:
            self._known[table_id] = table
        return table


def names(conn: Connection, region: str, after: str, limit: int) -> Sequence[str]:
    """Tables' names in their order."""
    query = sa.select(_tables.name).where(_tables.region == region, _tables.name > after)
    return conn.scalars(query.order_by(_tables.name).limit(limit)).all()


def count(conn: Connection, region: str) -> int:
    """How many tables a region has."""
    return conn.scalar(sa.select(sa.func.count()).where(_tables.region == region)) or 0


def insert(conn: Connection, table: Table) -> Table:
    """Add a table; the same with its id."""
    values = {"region": table.region, "name": table.name, "revision": 1, "document": _document(table)}
    key = conn.execute(sa.insert(item_tables).values(**values)).inserted_primary_key
    assert key is not None
    return msgspec.structs.replace(table, id=key[0], revision=1)


def update(conn: Connection, table: Table) -> Table:
    """Keep a changed table; the same with its new revision."""
    changed = msgspec.structs.replace(table, revision=table.revision + 1)
    values = {"revision": changed.revision, "document": _document(changed)}
    conn.execute(sa.update(item_tables).where(_tables.id == table.id).values(**values))
    return changed


def delete(conn: Connection, table: Table) -> None:
    """Forget a table; its items are nobody's then."""
    conn.execute(sa.delete(item_tables).where(_tables.id == table.id))


def _document(table: Table) -> str:
    return msgspec.json.encode(table).decode()
