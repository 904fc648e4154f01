"""Who answers queries of the telemetry database: a few threads, each with a connection that only reads."""

import asyncio
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stoker.observability import database

T = TypeVar("T")

THREADS = 2


class TelemetryReaders:
    """For the event loop's thread, but for `close`, which blocks."""

    def __init__(self, path: Path) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="telemetry-reader")
        self._idle: queue.SimpleQueue[database.Reader] = queue.SimpleQueue()
        for _ in range(THREADS):
            self._idle.put(database.open_reader(path))

    def __repr__(self) -> str:
        return f"<TelemetryReaders {self._idle.qsize()} idle>"

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns of a snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def close(self) -> None:
        """Once what is asked is answered."""
        self._threads.shutdown()
        for _ in range(THREADS):
            self._idle.get().close()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.get()
        try:
            connection.execute("BEGIN")
            return work(connection)
        finally:
            connection.end_snapshot()
            self._idle.put(connection)
