"""Who writes to the telemetry database: one thread, which drains the journal, makes changes and obeys retention.

Where there is much to drain, the thread has a process do it, and waits.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stoker.model.clock import Clock, Timer
from stoker.observability import log_changes
from stoker.observability.cloudwatch.retention import expire
from stoker.observability.disk_room import DiskRoom
from stoker.observability.drain_process import DrainerGoneError, DrainProcess
from stoker.observability.ingest import BATCH_BYTES, BATCH_RECORDS, Ingest
from stoker.observability.journal import Journal, Position

T = TypeVar("T")

# So long records gather before the thread wakes: batches make rows cheap, and an idle Stoker has no timer at all.
# Nobody waits for it: a query has everything drained before it, and a live tail hears lines as they are appended.
DRAIN_DELAY_S = 0.5
# From so much on, some 600 invocations a second, a process of its own moves the records: a thread of this one would
# take the interpreter's lock from the event loop again and again. Below it that process is not worth its memory.
BUSY_BYTES = 160 * 1024
SWEEP_INTERVAL_S = 3600.0

_log = logging.getLogger(__name__)


class TelemetryWriter:
    """Public methods are for the event loop's thread, but for `close`, which blocks; the others are the writer's."""

    def __init__(
        self, *, journal: Journal, connection: sqlite3.Connection, clock: Clock, room: DiskRoom, drainer: DrainProcess
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._room = room
        self._connection = connection
        self._ingest = Ingest(connection)
        self._drainer = drainer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="telemetry-writer")
        # Set by the thread: everything before it is in the database.
        self._drained = Position()
        self._drain_timer: Timer | None = None
        self._sweep_timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<TelemetryWriter {self._drainer!r}>"

    def drain_soon(self) -> None:
        """There is something in the journal."""
        if self._drain_timer is None:
            self._drain_timer = self._clock.call_later(DRAIN_DELAY_S, self._begin_to_drain)

    async def drain(self) -> None:
        """Everything in the journal is in the database when this returns. Raises sqlite3.Error and OSError."""
        if self._drained != self._journal.end or not self._room.for_lines:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._drain)

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns from a transaction of its own, after everything in the journal."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._change, work)

    def change_soon(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """The same, for whom nobody waits."""
        self._later(lambda: self._change(work))

    def sweep(self) -> None:
        """Remove events past their retention, and roll up and remove samples, now and again every hour."""
        self._sweep_timer = self._clock.call_later(SWEEP_INTERVAL_S, self.sweep)
        self._later(self._sweep)

    def stop(self) -> None:
        """Begin nothing more by itself."""
        for timer in (self._drain_timer, self._sweep_timer):
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """End the thread and its process, and close the database."""
        self._thread.shutdown(cancel_futures=True)
        self._drainer.close()
        self._connection.close()

    def _begin_to_drain(self) -> None:
        self._drain_timer = None
        self._later(self._drain)

    def _later(self, work: Callable[[], object]) -> None:
        self._thread.submit(self._in_background, work)

    def _in_background(self, work: Callable[[], object]) -> None:
        """The boundary of work nobody waits for: the journal keeps the records, and `flush` meets the error again."""
        try:
            work()
        except Exception:
            _log.exception("telemetry database")

    def _drain(self) -> None:
        """In the writer's thread: from the journal to the database until nothing is left."""
        self._room.look()
        end = self._journal.end
        busy = self._journal.behind(self._ingest.position) >= BUSY_BYTES
        if not busy or not self._drained_beside(end):
            while position := self._step():
                self._journal.release(position)
        self._drained = end

    def _step(self) -> Position | None:
        """Move the next records; returns the position behind them, None if there are none."""
        payloads, position = self._journal.read(self._ingest.position, BATCH_RECORDS, BATCH_BYTES)
        if not payloads:
            return None
        self._ingest.apply(payloads, position)
        return position

    def _drained_beside(self, end: Position) -> bool:
        """Have another process do it; False if there is none."""
        try:
            while position := self._drainer.step(end):
                self._journal.release(position)
        except DrainerGoneError:
            _log.warning("the telemetry drainer is gone; its work is done here until there is another", exc_info=True)
            return False
        finally:
            self._ingest.resume()
        return True

    def _sweep(self) -> None:
        if self._change(lambda connection: log_changes.delete_expired(connection, int(self._clock.time() * 1000))):
            # The next step waits its turn, so that the journal is drained in between.
            self._later(self._sweep)
        else:
            self._expire_metrics(0)

    def _expire_metrics(self, after: int) -> None:
        more = self._change(lambda connection: expire(connection, self._clock.time(), after))
        if more is not None:
            self._later(lambda: self._expire_metrics(more))

    def _change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._drain()
        self._ingest.forget_streams()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            value = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return value
