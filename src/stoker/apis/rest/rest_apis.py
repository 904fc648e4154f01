"""REST APIs in the store: their documents, read and changed in transactions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.errors import NotFoundException
from stoker.apis.rest.documents import Document
from stoker.apis.rest.pages import Page, page_of
from stoker.model.access import Where
from stoker.store.store import Store
from stoker.store.tables_rest_apis import rest_apis, rest_deployments, rest_stages

T = TypeVar("T")
_apis = rest_apis.c


class RestApis:
    """Add, find, change and delete APIs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __repr__(self) -> str:
        return "<RestApis>"

    async def add(self, region: str, document: Document) -> None:
        api = document["api"]
        values = {"id": api["id"], "region": region, "created": api["createdDate"], "document": document}
        await self._store.write(lambda conn: conn.execute(sa.insert(rest_apis).values(**values)))

    async def get(self, where: Where, api_id: str) -> Document:
        """An API's document; NotFoundException if there is none of this id in the region."""
        return await self._store.read(lambda conn: require_api(conn, where, api_id))

    async def change(self, where: Where, api_id: str, work: Callable[[Document], T]) -> T:
        """What `work` returns, once what it changed of the document is kept."""

        def transaction(conn: Connection) -> T:
            document = require_api(conn, where, api_id)
            result = work(document)
            save_api(conn, api_id, document)
            return result

        return await self._store.write(transaction)

    async def list(self, region: str, position: str | None, limit: int | None) -> Page:
        """The APIs of a region, without what they are made of."""

        def read(conn: Connection) -> Sequence[Mapping[str, Any]]:
            query = sa.select(_apis.document["api"]).where(_apis.region == region).order_by(_apis.created, _apis.id)
            return list(conn.execute(query).scalars())

        return page_of(await self._store.read(read), position, limit)

    async def delete(self, where: Where, api_id: str) -> None:
        """Delete an API with its deployments and stages."""

        def work(conn: Connection) -> None:
            require_api(conn, where, api_id)
            for table in (rest_stages, rest_deployments):
                conn.execute(sa.delete(table).where(table.c.api_id == api_id))
            conn.execute(sa.delete(rest_apis).where(_apis.id == api_id))

        await self._store.write(work)


def require_api(conn: Connection, where: Where, api_id: str) -> Document:
    row = conn.execute(sa.select(_apis.document).where((_apis.id == api_id) & (_apis.region == where.region))).first()
    if row is None:
        raise NotFoundException(f"Invalid API identifier specified {where.account}:{api_id}")
    document: Document = row.document
    return document


def save_api(conn: Connection, api_id: str, document: Document) -> None:
    conn.execute(sa.update(rest_apis).where(_apis.id == api_id).values(document=document))
