"""Which functions may go on calling themselves. AWS stops a loop unless its function allows for it."""

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import lookup
from stoker.model.arn import FunctionId
from stoker.store.store import Store
from stoker.store.tables_async import recursive_functions


class Recursion:
    """Set and find whether a function's loops are allowed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def allow(self, function: FunctionId, allowed: bool) -> None:
        """Let a function's loops go on, or have them stopped. ResourceNotFoundException if it is not there."""

        def work(conn: Connection) -> None:
            lookup.require_latest(conn, function)
            forget_recursion(conn, function)
            if allowed:
                key = {"region": function.region, "function": function.name}
                conn.execute(sa.insert(recursive_functions).values(**key))

        await self._store.write(work)

    async def allowed(self, function: FunctionId) -> bool:
        """Whether a function's loops go on. ResourceNotFoundException if there is no such function."""

        def read(conn: Connection) -> bool:
            lookup.require_latest(conn, function)
            return conn.execute(sa.select(recursive_functions.c.function).where(_is(function))).first() is not None

        return await self._store.read(read)


def forget_recursion(conn: Connection, function: FunctionId) -> None:
    """Back to the default, which is to stop loops."""
    conn.execute(sa.delete(recursive_functions).where(_is(function)))


def _is(function: FunctionId) -> sa.ColumnElement[bool]:
    return (recursive_functions.c.region == function.region) & (recursive_functions.c.function == function.name)
