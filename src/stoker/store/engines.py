"""Two SQLAlchemy engines for one database: one that only the writer thread uses, one for the readers.

SQLite and PostgreSQL are brought to the same meaning: a writer's transaction is serializable, a reader's sees one
snapshot and cannot write, and a COMMIT that returned is on the disk.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

# How long SQLite waits for another process's write lock (an operator's sqlite3 shell) before it gives up.
BUSY_TIMEOUT_MS = 10_000
# After a burst the write-ahead log is cut back to this, instead of keeping its largest size for ever.
WAL_KEPT_BYTES = 64 << 20
# PostgreSQL: serialization_failure and deadlock_detected; the transaction did nothing and may be run again.
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01"})
DISK_FULL_SQLSTATE = "53100"
RELAXED = "stoker_relaxed"


class UnsupportedStoreError(Exception):
    """The store's URL must be sqlite:///path/to/file or postgresql://user@host/database."""


def writer_engine(url: sa.URL) -> sa.Engine:
    """The engine of the one writer. A commit returns when the data is on the disk."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, begin="BEGIN IMMEDIATE", connections=1, query_only=False)
    engine = _postgresql_engine(url, connections=1, isolation_level="SERIALIZABLE")
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def begin(connection: sa.Connection, *, relaxed: bool) -> sa.RootTransaction:
    """A transaction of the writer's. The commit of one that is `relaxed` does not wait for the disk: it outlives the
    process, and with the next commit that waits the machine."""
    connection.execution_options(**{RELAXED: relaxed})
    return connection.begin()


def reader_engine(url: sa.URL, connections: int) -> sa.Engine:
    """The engine of the readers: read-only transactions that each see one snapshot."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, begin="BEGIN", connections=connections, query_only=True)
    engine = _postgresql_engine(url, connections=connections, isolation_level="REPEATABLE READ")
    return engine.execution_options(postgresql_readonly=True)


def is_retryable(error: BaseException) -> bool:
    """Whether the database gave up a whole transaction in favour of another one: it can simply be run again."""
    return getattr(_cause(error), "sqlstate", None) in RETRYABLE_SQLSTATES


def is_out_of_space(error: BaseException) -> bool:
    """Whether the database had no disk space left; what was to be written is not."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(cause, "sqlstate", None) == DISK_FULL_SQLSTATE


def _cause(error: BaseException) -> BaseException | None:
    """The driver's own error: SQLAlchemy wraps those of the statements that it runs itself."""
    return error.orig if isinstance(error, DBAPIError) else error


def supported_url(url: str) -> sa.URL:
    """The URL, with the driver that Stoker ships. Raises UnsupportedStoreError."""
    parsed = sa.make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise UnsupportedStoreError(f"{parsed!r}: {UnsupportedStoreError.__doc__}")


def _postgresql_engine(url: sa.URL, *, connections: int, isolation_level: Any) -> sa.Engine:
    # pre_ping: a connection that died while idle (server restart) is replaced before it is used.
    return sa.create_engine(
        url,
        isolation_level=isolation_level,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def _sqlite_engine(url: sa.URL, *, begin: str, connections: int, query_only: bool) -> sa.Engine:
    if url.database is not None:
        # Functions' variables are in it. SQLite gives the files beside it the same mode. Only a new file is opened:
        # POSIX locks are the process's, so closing a descriptor of a database in use drops SQLite's locks on it, and
        # the next sqlite3 shell of an operator would take the write-ahead log away as the last one to leave.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(url.database, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    # hide_parameters: an error's text goes to the log, and a statement's values may be secrets.
    engine = sa.create_engine(url, pool_size=connections, max_overflow=0, hide_parameters=True)
    sa.event.listen(engine, "connect", _sqlite_session(query_only))
    # isolation_level None (below) stops sqlite3 from opening transactions by its own rules, which leave SELECT and
    # SAVEPOINT outside of them; so SQLAlchemy's begin has to say BEGIN itself.
    sa.event.listen(engine, "begin", partial(_begin_sqlite, begin))
    return engine


def _begin_sqlite(begin: str, connection: sa.Connection) -> None:
    """By the driver itself: through SQLAlchemy it takes five times as long."""
    driver: Any = connection.connection.driver_connection
    synchronous = "NORMAL" if connection.get_execution_options().get(RELAXED) else "FULL"
    if connection.info.get("synchronous", "FULL") != synchronous:
        driver.execute(f"PRAGMA synchronous = {synchronous}")
        connection.info["synchronous"] = synchronous
    driver.execute(begin)


def _begin_postgresql(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(RELAXED):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


def _sqlite_session(query_only: bool) -> Callable[[sqlite3.Connection, object], None]:
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}")
        connection.execute(f"PRAGMA query_only = {'ON' if query_only else 'OFF'}")

    return configure
