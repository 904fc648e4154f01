"""The connection that changes come by: PostgreSQL's COPY in both directions, woken by what arrives.

psycopg speaks no replication, but libpq does, and psycopg shows it.
"""

import asyncio
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from stoker.event_sources.postgresql.database import Database, words_of
from stoker.event_sources.postgresql.pgoutput import status_update
from stoker.event_sources.postgresql.problem import (
    IN_USE,
    DatabaseProblemError,
    SlotGoneError,
    SlotInUseError,
    when_free,
)
from stoker.model.clock import Clock, Timer

# PostgreSQL takes a reader for dead that says nothing for `wal_sender_timeout`, 60 s unless somebody set it otherwise.
STATUS_EVERY_S = 10.0
_START = "START_REPLICATION SLOT \"{slot}\" LOGICAL 0/0 (proto_version '1', publication_names '{publication}')"
_UNDEFINED_OBJECT = "42704"


class Replication:
    """Changes from the slot's place on. Used by one task at a time; `close` at the end."""

    def __init__(self, connection: AsyncConnection[Any], place: str, clock: Clock) -> None:
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._place = place
        self._clock = clock
        self._done_lsn = 0
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<Replication from {self._place}, done to {self._done_lsn:X}>"

    async def start(self, database: Database) -> None:
        """Raises DatabaseProblemError, or SlotGoneError."""
        name = database.publication.replace('"', '""').replace("'", "''")
        self._pgconn.send_query(_START.format(slot=database.name, publication=f'"{name}"').encode())
        while self._pgconn.flush():
            await self._wait()
        while self._pgconn.is_busy():
            await self._wait()
        result = self._pgconn.get_result()
        if result is None or result.status != ExecStatus.COPY_BOTH:
            self._raise(result)
        self._tell_regularly()

    def next_at_hand(self) -> bytes | None:
        """A message that has arrived; None where there is none."""
        try:
            size, data = self._pgconn.get_copy_data(1)
        except psycopg.Error as error:
            raise self._problem(words_of(error)) from error
        if size < 0:
            self._raise(self._pgconn.get_result())
        return bytes(data) if size else None

    async def arrival(self) -> None:
        """Returns once something has arrived. Cancelled, nothing is lost."""
        await self._wait()

    def done(self, lsn: int) -> None:
        """What was before `lsn` is not wanted again: PostgreSQL may let go of it."""
        if lsn > self._done_lsn:
            self._done_lsn = lsn
            self._tell()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._connection.close()

    async def _wait(self) -> None:
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        descriptor = self._pgconn.socket
        loop.add_reader(descriptor, arrived.set)
        try:
            await arrived.wait()
        finally:
            loop.remove_reader(descriptor)
        try:
            self._pgconn.consume_input()
        except psycopg.Error as error:
            raise self._problem(words_of(error)) from error

    def _tell_regularly(self) -> None:
        self._tell()
        self._timer = self._clock.call_later(STATUS_EVERY_S, self._tell_regularly)

    def _tell(self) -> None:
        try:
            self._pgconn.put_copy_data(status_update(self._done_lsn, self._clock.time()))
            # What does not fit goes with the next one.
            self._pgconn.flush()
        except psycopg.Error:
            # Whoever reads next is told what is wrong with the connection.
            return

    def _raise(self, result: Any) -> None:
        text = "the connection has ended"
        if result is not None and result.error_message:
            text = psycopg.errors.error_from_result(result).diag.message_primary or text
            code = psycopg.errors.error_from_result(result).diag.sqlstate
            if code == _UNDEFINED_OBJECT and "replication slot" in text:
                raise SlotGoneError
            if code == IN_USE:
                raise SlotInUseError(f"{self._place}: {text}")
        raise self._problem(text)

    def _problem(self, text: str) -> DatabaseProblemError:
        return DatabaseProblemError(f"{self._place}: {text}")


async def open_replication(database: Database, clock: Clock) -> Replication:
    """Go on from where the slot is, once a reader before is gone. Raises DatabaseProblemError, or SlotGoneError."""
    return await when_free(lambda: _open(database, clock))


async def _open(database: Database, clock: Clock) -> Replication:
    connection = await database.connect(replication="database")
    replication = Replication(connection, str(database.address), clock)
    try:
        await replication.start(database)
    except BaseException:
        await replication.close()
        raise
    return replication
