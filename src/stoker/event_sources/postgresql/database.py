"""What a mapping has in a database: its publication and its replication slot, made as it begins, dropped with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, sql

from stoker.event_sources.postgresql.address import Address
from stoker.event_sources.postgresql.attribute_values import SESSION
from stoker.event_sources.postgresql.problem import (
    IN_USE,
    DatabaseProblemError,
    SlotGoneError,
    SlotInUseError,
    when_free,
)

CONNECT_TIMEOUT_S = 10
# No file can be there; libpq goes on without.
_NOTHING = "/dev/null/none"
# Those whom Debian trusts, and the operator's, by update-ca-certificates. libpq's own `system` is that of who built it.
_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# To make a slot PostgreSQL waits for the transactions that are under way.
STATEMENT_TIMEOUT_S = 60
_KEY_OF = """
    SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = %s AND i.indisprimary
"""
_PUBLICATION = "SELECT pubname FROM pg_publication WHERE pubname = %s"
_SLOT = """
    SELECT database, plugin, to_jsonb(s)->>'wal_status' AS wal_status FROM pg_replication_slots s WHERE slot_name = %s
"""


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where it is, and who reads it. `name` is what the slot is called, and the publication where none is named."""

    address: Address
    user: str
    password: str = field(repr=False)
    name: str

    @property
    def publication(self) -> str:
        return self.address.publication or self.name

    async def connect(self, **more: Any) -> AsyncConnection[Any]:
        """Raises DatabaseProblemError."""
        address = self.address
        try:
            return await AsyncConnection.connect(
                host=address.host,
                port=address.port,
                dbname=address.database,
                user=self.user,
                password=self.password,
                sslmode=address.sslmode,
                # What the operator has for clients of his own is not this caller's.
                passfile=_NOTHING,
                sslcert=_NOTHING,
                sslrootcert=_AUTHORITIES if address.sslmode == "verify-full" else _NOTHING,
                gssencmode="disable",
                client_encoding="UTF8",
                application_name="stoker",
                connect_timeout=CONNECT_TIMEOUT_S,
                # A database that is gone without a word is noticed.
                tcp_user_timeout=60_000,
                options=SESSION,
                autocommit=True,
                **more,
            )
        except (psycopg.Error, OSError) as error:
            raise DatabaseProblemError(f"cannot connect to {address}: {words_of(error)}") from error

    async def check(self) -> None:
        """Whether it can be read at all, and whether the slot, if there is one, still has everything."""
        async with self._connection() as connection:
            (wal_level,) = await _one(connection, "SELECT current_setting('wal_level')")
            if wal_level != "logical":
                raise DatabaseProblemError(
                    f"wal_level of {self.address} is {wal_level}: set it to logical (ALTER SYSTEM SET wal_level = "
                    "'logical') and restart PostgreSQL"
                )
            slot = await _one(connection, _SLOT, self.name)
            if slot is not None and slot[2] == "lost":
                raise SlotGoneError

    async def prepare(self) -> None:
        """Make the publication and the slot, unless they are there. What is committed from now on is not missed."""
        async with self._connection() as connection:
            # A publication has to be there before the changes that it is to tell.
            if await _one(connection, _PUBLICATION, self.publication) is None:
                await self._publish(connection)
            if await _one(connection, _SLOT, self.name) is None:
                query = "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')"
                await connection.execute(query, (self.name,))

    async def forget(self) -> None:
        """Drop the slot, which keeps the database's WAL from going, and the publication if it is ours."""
        await when_free(self._forget)

    async def _forget(self) -> None:
        async with self._connection() as connection:
            query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
            await connection.execute(query, (self.name,))
            await connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(self.name)))

    async def primary_key(self, table_oid: int) -> Sequence[str]:
        """The columns of a table's primary key, as it is now; none where there is none."""
        async with self._connection() as connection:
            rows = await (await connection.execute(_KEY_OF, (table_oid,))).fetchall()
        return [name for (name,) in rows]

    async def _publish(self, connection: AsyncConnection[Any]) -> None:
        if self.address.publication is not None:
            raise DatabaseProblemError(f"there is no publication {self.publication} in {self.address}")
        tables = sql.SQL("ALL TABLES")
        if self.address.tables:
            named = sql.SQL(", ").join(sql.Identifier(*table) for table in self.address.tables)
            tables = sql.SQL("TABLE ") + named  # type: ignore[assignment]
        query = sql.SQL("CREATE PUBLICATION {} FOR {} WITH (publish_via_partition_root = true)")
        await connection.execute(query.format(sql.Identifier(self.publication), tables))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        connection = await self.connect()
        try:
            await connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
            async with asyncio.timeout(STATEMENT_TIMEOUT_S + CONNECT_TIMEOUT_S):
                yield connection
        except (psycopg.Error, OSError) as error:
            in_use = isinstance(error, psycopg.Error) and error.sqlstate == IN_USE
            kind = SlotInUseError if in_use else DatabaseProblemError
            raise kind(f"{self.address}: {words_of(error)}") from error
        finally:
            await connection.close()


async def _one(connection: AsyncConnection[Any], query: LiteralString, *values: object) -> Any:
    return await (await connection.execute(query, values)).fetchone()


def words_of(error: BaseException) -> str:
    """What PostgreSQL says, in one line, and what it advises."""
    diagnosis = error.diag if isinstance(error, psycopg.Error) else None
    if diagnosis is not None and diagnosis.message_primary:
        return ". ".join(each for each in (diagnosis.message_primary, diagnosis.message_hint) if each)
    return " ".join(str(error).split()) or type(error).__name__
