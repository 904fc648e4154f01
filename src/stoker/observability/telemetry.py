"""The telemetry of one Stoker: append to the journal on the hot path; SQLite, queries and retention behind it.

Threads: the event loop appends; one writer thread owns the database's writing connection, drains the journal and makes
changes; a few readers answer queries. Where there is much to drain, the writer thread has a process do it, and waits. A
query sees everything appended before it.
"""

import asyncio
import logging
import queue
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from stoker.model.clock import Clock, Timer
from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, ProvisionedStep
from stoker.observability import database, ledger, log_changes
from stoker.observability.cloudwatch.points import Points
from stoker.observability.cloudwatch.retention import expire
from stoker.observability.disk_room import DiskRoom
from stoker.observability.drain_process import DrainerGoneError, DrainProcess
from stoker.observability.ingest import BATCH_BYTES, BATCH_RECORDS, Ingest
from stoker.observability.journal import Journal, JournalSize, Position
from stoker.observability.losses import Losses
from stoker.observability.records import MAX_RECORD_BYTES, encode, encode_samples, split_events

T = TypeVar("T")
Listener = Callable[[LogStream, Sequence[LogEvent], int], None]

# So long records gather before the writer wakes: batches make rows cheap, and an idle Stoker has no timer at all.
DRAIN_DELAY_S = 0.2
# From so much on, some 600 invocations a second, a process of its own moves the records: a thread of this one would
# take the interpreter's lock from the event loop again and again. Below it that process is not worth its memory.
BUSY_BYTES = 64 * 1024
SWEEP_INTERVAL_S = 3600.0
READER_THREADS = 2
# Of metrics, in one record: at most 1.5 KB each.
_SAMPLES_AT_ONCE = 500

_log = logging.getLogger(__name__)


class Telemetry:
    """Made by `open_telemetry`. `append` and the coroutines belong to the event loop's thread.

    When the database falls behind by more than the journal holds, or the disk is nearly full, lines are dropped and
    counted (see `losses`), ledger rows never: when not even they fit, `append` raises JournalFullError and the
    invocation must fail.
    """

    def __init__(
        self,
        *,
        path: Path,
        journal: Journal,
        connection: sqlite3.Connection,
        clock: Clock,
        room: DiskRoom,
        drainer: DrainProcess,
    ) -> None:
        self.path = path
        self._clock = clock
        self._journal = journal
        self._room = room
        self._connection = connection
        self._ingest = Ingest(connection)
        self._drainer = drainer
        self._losses = Losses()
        self._listeners: list[Listener] = []
        self._counts: Callable[[LedgerEntry], None] = _uncounted
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="telemetry-writer")
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="telemetry-reader")
        self._idle_readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(READER_THREADS):
            self._idle_readers.put(database.open_reader(path))
        # Set by the writer's thread: everything before it is in the database.
        self._drained = Position()
        self._drain_timer: Timer | None = None
        self._sweep_timer: Timer | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Telemetry {'closed' if self._closed else 'open'}, {self._losses.count} lines lost, {self._journal!r}>"

    def append(self, stream: LogStream, events: Sequence[LogEvent], ledger: LedgerEntry | None = None) -> None:
        """Keep lines and, with an invocation's last ones, its ledger row: safe from kill -9 on return.

        Group and stream come to be by themselves. Raises JournalFullError if the row cannot be kept.
        """
        now_ms = int(self._clock.time() * 1000)
        if self._losses.count and self._journal.lag <= 1 and self._room.for_lines:
            self._report_losses(now_ms)
        payload = encode(now_ms, stream, events, ledger)
        if len(payload) > MAX_RECORD_BYTES:
            self._append_in_parts(now_ms, stream, events, ledger)
        elif not self._room.for_lines or not self._journal.append(payload, essential=False):
            self._lose(now_ms, stream, events, ledger)
        if ledger is not None:
            self._counts(ledger)
        if self._drain_timer is None:
            self._drain_timer = self._clock.call_later(DRAIN_DELAY_S, self._drain_soon)
        for listener in self._listeners:
            listener(stream, events, now_ms)

    def measure(self, points: Points) -> None:
        """Keep samples of metrics: safe from kill -9 on return. Where there is no room they are dropped, as lines are.

        A record holds some thousand of them.
        """
        rows = points.rows()
        for start in range(0, len(rows), _SAMPLES_AT_ONCE):
            payload = encode_samples(int(self._clock.time() * 1000), rows[start : start + _SAMPLES_AT_ONCE])
            self._journal.append(payload, essential=False)
        if self._drain_timer is None:
            self._drain_timer = self._clock.call_later(DRAIN_DELAY_S, self._drain_soon)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(stream, events, ingestion_ms)` at every append; it must be quick and never raise.

        Returns what ends the subscription.
        """
        self._listeners = [*self._listeners, listener]

        def unsubscribe() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return unsubscribe

    def count_by(self, counts: Callable[[LedgerEntry], None]) -> None:
        """Have each invocation counted from now on; `counts` must be quick and not raise."""
        self._counts = counts

    async def flush(self) -> None:
        """Everything appended can be queried when this returns. Raises sqlite3.Error if the database is in trouble."""
        await self._drain_now()
        if self._losses.count and self._room.for_lines:
            self._report_losses(int(self._clock.time() * 1000))
            await self._drain_now()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns of a snapshot in which everything appended so far is to be seen."""
        await self.flush()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns from a transaction of its own, after everything appended so far."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._change, work)

    def charge(self, step: ProvisionedStep) -> None:
        """Put a step of provisioned concurrency on the bill soon, and once however often it is charged."""
        self._writer.submit(
            self._in_background, lambda: self._change(lambda connection: ledger.write_provisioned(connection, step))
        )

    async def usage(self, since: float, until: float, by: ledger.UsageKey = "function") -> Sequence[ledger.Usage]:
        """What was used in [since, until), summed up by key and architecture."""
        return await self.read(lambda connection: ledger.sum_usage(connection, since, until, by))

    async def close(self) -> None:
        """Bring everything into the database and close. Idempotent; nothing may be called afterwards."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._drain_timer, self._sweep_timer):
            if timer is not None:
                timer.cancel()
        try:
            await self.flush()
        finally:
            await asyncio.to_thread(self._close)

    def sweep(self) -> None:
        """Remove events past their retention, and roll up and remove samples, now and again every hour."""
        self._sweep_timer = self._clock.call_later(SWEEP_INTERVAL_S, self.sweep)
        self._writer.submit(self._in_background, self._sweep)

    def _append_in_parts(
        self, now_ms: int, stream: LogStream, events: Sequence[LogEvent], ledger: LedgerEntry | None
    ) -> None:
        """Too much for one record: several, the ledger row with the last."""
        *parts, last = split_events(events)
        for part in parts:
            if not self._room.for_lines or not self._journal.append(
                encode(now_ms, stream, part, None), essential=False
            ):
                self._losses.add(stream, part)
        payload = encode(now_ms, stream, last, ledger)
        if not self._room.for_lines or not self._journal.append(payload, essential=False):
            self._lose(now_ms, stream, last, ledger)

    def _lose(self, now_ms: int, stream: LogStream, events: Sequence[LogEvent], ledger: LedgerEntry | None) -> None:
        self._losses.add(stream, events)
        if ledger is not None:
            self._journal.append(encode(now_ms, stream, (), ledger), essential=True)

    def _report_losses(self, now_ms: int) -> None:
        """Once the database has caught up, a platform line in each stream says what it lost."""
        for stream, line in self._losses.lines(now_ms):
            if not self._journal.append(encode(now_ms, stream, [line], None), essential=False):
                return
            self._losses.settle(stream)

    async def _drain_now(self) -> None:
        if self._drained != self._journal.end or not self._room.for_lines:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._drain)

    def _drain_soon(self) -> None:
        self._drain_timer = None
        self._writer.submit(self._in_background, self._drain)

    def _in_background(self, work: Callable[[], None]) -> None:
        """The boundary of work nobody waits for: the journal keeps the records, and `flush` meets the error again."""
        try:
            work()
        except (sqlite3.Error, OSError):
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
            self._writer.submit(self._in_background, self._sweep)
        else:
            self._expire_metrics(0)

    def _expire_metrics(self, after: int) -> None:
        more = self._change(lambda connection: expire(connection, self._clock.time(), after))
        if more is not None:
            self._writer.submit(self._in_background, lambda: self._expire_metrics(more))

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

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle_readers.get()
        try:
            connection.execute("BEGIN")
            return work(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle_readers.put(connection)

    def _close(self) -> None:
        self._writer.shutdown(cancel_futures=True)
        self._drainer.close()
        self._readers.shutdown()
        for _ in range(READER_THREADS):
            self._idle_readers.get().close()
        self._connection.close()
        self._journal.close()


def _uncounted(_entry: LedgerEntry) -> None: ...


async def open_telemetry(root: Path, clock: Clock, *, size: JournalSize | None = None) -> Telemetry:
    """Open what is under `root`, replay what a killed process left in the journal, and begin to obey retention.

    Raises TelemetrySchemaError, sqlite3.Error or OSError (a full disk).
    """
    telemetry = await asyncio.to_thread(_open, root, clock, size or JournalSize())
    await telemetry.flush()
    telemetry.sweep()
    return telemetry


def _open(root: Path, clock: Clock, size: JournalSize) -> Telemetry:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = root / "telemetry.db"
    connection = database.open_writer(path)
    journal = Journal(root / "journal", after=Ingest(connection).position, size=size)
    room, drainer = DiskRoom(root), DrainProcess(root)
    return Telemetry(path=path, journal=journal, connection=connection, clock=clock, room=room, drainer=drainer)
