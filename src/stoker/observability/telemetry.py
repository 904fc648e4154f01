"""The telemetry of one Stoker: append to the journal on the hot path; SQLite, queries and retention behind it.

The event loop appends; one thread drains the journal and makes changes (`telemetry_writer.py`), a few answer queries
(`telemetry_readers.py`). A query sees everything appended before it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from stoker.model.clock import Clock
from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, ProvisionedStep
from stoker.observability import database, ledger
from stoker.observability.cloudwatch.invocations import roll_up
from stoker.observability.cloudwatch.points import Points
from stoker.observability.disk_room import DiskRoom
from stoker.observability.drain_process import DrainProcess
from stoker.observability.ingest import Ingest
from stoker.observability.journal import Journal, JournalSize
from stoker.observability.losses import Losses
from stoker.observability.records import MAX_RECORD_BYTES, encode, encode_samples, split_events
from stoker.observability.telemetry_readers import TelemetryReaders
from stoker.observability.telemetry_writer import TelemetryWriter

T = TypeVar("T")
Listener = Callable[[LogStream, Sequence[LogEvent], int], None]

# Of metrics, in one record: at most 1.5 KB each.
_SAMPLES_AT_ONCE = 500


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
        writer: TelemetryWriter,
        readers: TelemetryReaders,
        clock: Clock,
        room: DiskRoom,
    ) -> None:
        self.path = path
        self._clock = clock
        self._journal = journal
        self._room = room
        self._writer = writer
        self._readers = readers
        self._losses = Losses()
        self._listeners: list[Listener] = []
        self._counts: Callable[[LedgerEntry], None] = _uncounted
        self._closed = False

    def __repr__(self) -> str:
        return f"<Telemetry {'closed' if self._closed else 'open'}, {self._losses.count} lines lost, {self._journal!r}>"

    def append(
        self,
        stream: LogStream,
        events: Sequence[LogEvent],
        ledger: LedgerEntry | None = None,
        *,
        publisher: str = "",
    ) -> None:
        """Keep lines and, with an invocation's last ones, its ledger row: safe from kill -9 on return.

        `publisher` is whose quota of metrics the lines use up; else it is the group's. Group and stream come to be by
        themselves. Raises JournalFullError if the row cannot be kept.
        """
        now_ms = int(self._clock.time() * 1000)
        if self._losses.by_stream and self._journal.lag <= 1 and self._room.for_lines:
            self._report_losses(now_ms)
        payload = encode(now_ms, stream, events, ledger, publisher)
        if len(payload) > MAX_RECORD_BYTES:
            self._append_in_parts(now_ms, stream, events, ledger, publisher)
        elif not self._room.for_lines or not self._journal.append(payload, essential=False):
            self._lose(now_ms, stream, events, ledger)
        if ledger is not None:
            self._counts(ledger)
        self._writer.drain_soon()
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
        self._writer.drain_soon()

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
        await self._writer.drain()
        if self._losses.count and self._room.for_lines:
            self._report_losses(int(self._clock.time() * 1000))
            await self._writer.drain()

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns of a snapshot in which everything appended so far is to be seen."""
        await self.flush()
        return await self._readers.read(work)

    async def read_metrics(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`, and with Lambda's metrics of the invocations so far, but for what a busy Stoker is behind with."""
        # Rows have milliseconds: those of this one may still come.
        await self.change(lambda connection: roll_up(connection, int(self._clock.time() * 1000) / 1000))
        return await self.read(work)

    async def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns from a transaction of its own, after everything appended so far."""
        return await self._writer.change(work)

    def charge(self, step: ProvisionedStep) -> None:
        """Put a step of provisioned concurrency on the bill soon, and once however often it is charged."""
        self._writer.change_soon(lambda connection: ledger.write_provisioned(connection, step))

    async def usage(self, since: float, until: float, by: ledger.UsageKey = "function") -> Sequence[ledger.Usage]:
        """What was used in [since, until), summed up by key and architecture."""
        return await self.read(lambda connection: ledger.sum_usage(connection, since, until, by))

    async def close(self) -> None:
        """Bring everything into the database and close. Idempotent; nothing may be called afterwards."""
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        try:
            await self.flush()
        finally:
            await asyncio.to_thread(self._close)

    def _append_in_parts(
        self, now_ms: int, stream: LogStream, events: Sequence[LogEvent], ledger: LedgerEntry | None, publisher: str
    ) -> None:
        """Too much for one record: several, the ledger row with the last."""
        *parts, last = split_events(events)
        for part in parts:
            if not self._room.for_lines or not self._journal.append(
                encode(now_ms, stream, part, None, publisher), essential=False
            ):
                self._losses.add(stream, part)
        payload = encode(now_ms, stream, last, ledger, publisher)
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

    def _close(self) -> None:
        self._readers.close()
        self._writer.close()
        self._journal.close()


def _uncounted(_entry: LedgerEntry) -> None: ...


async def open_telemetry(root: Path, clock: Clock, *, size: JournalSize | None = None) -> Telemetry:
    """Open what is under `root`, replay what a killed process left in the journal, and begin to obey retention.

    Raises TelemetrySchemaError, sqlite3.Error or OSError (a full disk).
    """
    telemetry, writer = await asyncio.to_thread(_open, root, clock, size or JournalSize())
    await telemetry.flush()
    writer.sweep()
    return telemetry


def _open(root: Path, clock: Clock, size: JournalSize) -> tuple[Telemetry, TelemetryWriter]:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = root / "telemetry.db"
    connection = database.open_writer(path)
    journal = Journal(root / "journal", after=Ingest(connection).position, size=size)
    room, drainer = DiskRoom(root), DrainProcess(root)
    writer = TelemetryWriter(journal=journal, connection=connection, clock=clock, room=room, drainer=drainer)
    readers = TelemetryReaders(path)
    return Telemetry(path=path, journal=journal, writer=writer, readers=readers, clock=clock, room=room), writer
