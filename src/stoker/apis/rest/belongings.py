"""What belongs to a region and not to one API: API keys, usage plans, the account. A kind each, in one table."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.errors import NotFoundException
from stoker.apis.rest.documents import Document
from stoker.store.tables_rest_apis import rest_belongings

_rows = rest_belongings.c


class Belongings:
    """One kind's documents, for the transactions of others. `said` is what AWS says of one that is not there."""

    def __init__(self, kind: str, said: str, sought: Callable[[Document], str | None] = lambda _: None) -> None:
        self._kind = kind
        self._said = said
        self._sought = sought

    def __repr__(self) -> str:
        return f"<Belongings {self._kind}>"

    def find(self, conn: Connection, region: str, item_id: str, parent: str = "") -> Document | None:
        row = conn.execute(sa.select(_rows.document).where(self._is(region, parent) & (_rows.id == item_id))).first()
        return None if row is None else row.document

    def require(self, conn: Connection, region: str, item_id: str, parent: str = "") -> Document:
        found = self.find(conn, region, item_id, parent)
        if found is None:
            raise NotFoundException(self._said)
        return found

    def seek(self, conn: Connection, region: str, sought: str) -> Document | None:
        where = (_rows.region == region) & (_rows.kind == self._kind) & (_rows.sought == sought)
        row = conn.execute(sa.select(_rows.document).where(where)).first()
        return None if row is None else row.document

    def all(self, conn: Connection, region: str, parent: str = "") -> Sequence[Document]:
        query = sa.select(_rows.document).where(self._is(region, parent)).order_by(_rows.id)
        return [row.document for row in conn.execute(query)]

    def everywhere(self, conn: Connection) -> Sequence[tuple[str, str, Document]]:
        """Those of all regions: region, parent and document."""
        query = sa.select(_rows.region, _rows.parent, _rows.document).where(_rows.kind == self._kind)
        return [(row.region, row.parent, row.document) for row in conn.execute(query)]

    def parents(self, conn: Connection, region: str, item_id: str) -> Sequence[str]:
        """What something of this id belongs to."""
        where = (_rows.region == region) & (_rows.kind == self._kind) & (_rows.id == item_id)
        return list(conn.execute(sa.select(_rows.parent).where(where)).scalars())

    def save(self, conn: Connection, region: str, item_id: str, document: Document, parent: str = "") -> None:
        values = {"document": document, "sought": self._sought(document)}
        updated = conn.execute(
            sa.update(rest_belongings).where(self._is(region, parent) & (_rows.id == item_id)).values(**values)
        )
        if not updated.rowcount:
            key = {"region": region, "kind": self._kind, "parent": parent, "id": item_id}
            conn.execute(sa.insert(rest_belongings).values(**key, **values))

    def remove(self, conn: Connection, region: str, item_id: str, parent: str = "") -> None:
        self.require(conn, region, item_id, parent)
        conn.execute(sa.delete(rest_belongings).where(self._is(region, parent) & (_rows.id == item_id)))

    def remove_all(self, conn: Connection, region: str, parent: str) -> None:
        conn.execute(sa.delete(rest_belongings).where(self._is(region, parent)))

    def _is(self, region: str, parent: str) -> sa.ColumnElement[bool]:
        return (_rows.region == region) & (_rows.kind == self._kind) & (_rows.parent == parent)
