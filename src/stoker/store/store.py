"""The store: reads in threads, writes through one writer that groups commits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy as sa

from stoker.store import engines, schema_version
from stoker.store.writer import GroupCommitWriter, StoreClosedError

T = TypeVar("T")

# Readers are few: the hot path reads nothing, and each holds a connection and its page cache.
READER_THREADS = 4


class Store:
    """One database. Every method but `close` raises StoreClosedError once `close` was called.

    A work is a plain function of a connection. It must be re-runnable, that is without effect outside the
    database: the engine may undo a whole group and have it run again. It returns plain values, not rows that
    are yet to be fetched, and it neither commits nor rolls back.
    """

    def __init__(self, url: sa.URL, writer_engine: sa.Engine) -> None:
        self._url = url
        self._writer_engine = writer_engine
        self._reader_engine = engines.reader_engine(url, READER_THREADS)
        self._writer = GroupCommitWriter(writer_engine)
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="store-reader")
        self._closed = False

    def __repr__(self) -> str:
        return f"<Store {self._url.get_backend_name()} {'closed' if self._closed else 'open'}>"

    @property
    def is_shared(self) -> bool:
        """Whether other machines may use the same database."""
        return self._url.get_backend_name() != "sqlite"

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns from one snapshot, in which everything written before the call is to be seen."""
        if self._closed:
            raise StoreClosedError(StoreClosedError.__doc__)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[sa.Connection], T], *, relaxed: bool = False) -> T:
        """What `work` returned, once it is on the disk. One that raises is undone alone and its error raised here.

        When the commit fails, all that shared it fail with its error. What is `relaxed` outlives kill -9, but a power
        cut may undo it, with nothing after it that was not relaxed: for what is done again then, and no harm.
        """
        return await self._writer.submit(work, relaxed=relaxed)

    async def close(self) -> None:
        """Let what was asked for finish, then disconnect. Idempotent."""
        self._closed = True
        await asyncio.to_thread(self._close)

    def _read(self, work: Callable[[sa.Connection], T]) -> T:
        with self._reader_engine.begin() as connection:
            return work(connection)

    def _close(self) -> None:
        self._writer.close()
        self._readers.shutdown()
        self._reader_engine.dispose()
        self._writer_engine.dispose()


def open_store(url: str) -> Store:
    """Connect and bring the schema up to date. Blocks.

    `url` is `sqlite:///FILE` or `postgresql://…`. Raises UnsupportedStoreError, NewerSchemaError, or SQLAlchemy's
    OperationalError when the database cannot be reached.
    """
    return Store(engines.supported_url(url), _upgraded(url))


def migrate(url: str) -> None:
    """Bring the schema up to date, and no more. See `open_store`."""
    _upgraded(url).dispose()


def _upgraded(url: str) -> sa.Engine:
    engine = engines.writer_engine(engines.supported_url(url))
    try:
        schema_version.upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine
