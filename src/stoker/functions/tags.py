"""Tags of functions. Versions and aliases have none of their own."""

from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import lookup
from stoker.functions.changes import Changes
from stoker.functions.drafts import OBEYED_TAGS, check_tags
from stoker.model.arn import FunctionId
from stoker.model.errors import InvalidParameterValueException
from stoker.store.store import Store
from stoker.store.tables_functions import functions


class Tags:
    """Add, remove and list a function's tags."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    async def get(self, function: FunctionId) -> Mapping[str, str]:
        """All tags."""
        return await self._store.read(lambda conn: _read(conn, function))

    async def add(self, function: FunctionId, tags: Mapping[str, str]) -> None:
        """Add tags; those with a key that is there replace it."""
        if not tags:
            raise InvalidParameterValueException("An error occurred and the request cannot be processed.")
        await self._change(function, lambda current: {**current, **tags})

    async def remove(self, function: FunctionId, keys: Iterable[str]) -> None:
        """Remove tags; a key that is not there is no error."""
        gone = set(keys)
        await self._change(function, lambda current: {k: v for k, v in current.items() if k not in gone})

    async def _change(self, function: FunctionId, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        def work(conn: Connection) -> bool:
            before = _read(conn, function)
            tags = change(before)
            check_tags(tags)
            conn.execute(sa.update(functions).where(_is(function)).values(tags=dict(tags)))
            return any(before.get(key) != tags.get(key) for key in OBEYED_TAGS)

        if await self._store.write(work):
            # The environments that are there are of the other kind.
            self._changes.announce(function.region, function.name)


def _read(conn: Connection, function: FunctionId) -> Mapping[str, str]:
    row = conn.execute(sa.select(functions.c.tags).where(_is(function))).first()
    if row is None:
        raise lookup.function_not_found(function)
    tags: Mapping[str, str] = row.tags
    return tags


def _is(function: FunctionId) -> sa.ColumnElement[bool]:
    return (functions.c.region == function.region) & (functions.c.name == function.name)
