"""Moves journal records into the telemetry database, each exactly once."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from stoker.observability.chunks import CHUNK_BYTES, Part, pack
from stoker.observability.cloudwatch import embedded
from stoker.observability.cloudwatch.invocations import roll_up
from stoker.observability.cloudwatch.points import Points
from stoker.observability.cloudwatch.writing import MetricWriter
from stoker.observability.journal import Position
from stoker.observability.records import LEDGER_COLUMNS, Record, decode

# Records of one transaction: some 20 ms of the writer thread.
BATCH_RECORDS = 2000
# And of a few of the largest: a batch is in memory several times, as bytes, as text and as rows.
BATCH_BYTES = 4 << 20
# Streams come and go with environments; forgetting all is cheaper than choosing, and a look-up repairs it.
_MAX_REMEMBERED_STREAMS = 4096

# So long invocations wait to be taken up in metrics, unless somebody asks before.
ROLL_UP_S = 10.0

_INSERT_CHUNKS, _CHUNK_COLUMNS = "INSERT INTO log_chunks VALUES", 7
_INSERT_LEDGER = "INSERT OR IGNORE INTO ledger VALUES"
# Rows of one statement. Python's sqlite3 gives the interpreter's lock away and takes it back around every statement,
# each of executemany's too, and the event loop pays for each of these turns with a wake-up or a wait.
_ROWS_AT_ONCE = (256, 16, 1)
_MARK = embedded.MARK.encode()
_UPDATE_STREAM = """UPDATE log_streams SET
    first_event_ms = MIN(COALESCE(first_event_ms, ?1), ?1), last_event_ms = MAX(COALESCE(last_event_ms, ?2), ?2),
    last_ingestion_ms = MAX(COALESCE(last_ingestion_ms, ?3), ?3) WHERE id = ?4"""


@dataclass(slots=True)
class _Lines:
    """What will be a chunk of one stream; `size` in bytes of the journal."""

    group_id: int
    stream_id: int
    parts: list[Part] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class _Batch:
    """Rows of one transaction, gathered before the first statement."""

    lines: list[_Lines] = field(default_factory=list)
    # By stream, what its next lines are added to.
    open: dict[int, _Lines] = field(default_factory=dict)
    chunks: list[tuple[Any, ...]] = field(default_factory=list)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    # stream id: (first event, last event, last ingestion), in ms
    streams: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    group_bytes: dict[int, int] = field(default_factory=dict)
    points: Points = field(default_factory=Points)


class Ingest:
    """Belongs to the telemetry writer's thread, as its connection does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._metrics = MetricWriter(connection)
        self._roll_up_at = time.monotonic() + ROLL_UP_S
        self.position = Position()
        self._last_event_id = 0
        self._ids: dict[tuple[str, str, str], tuple[int, int]] = {}
        # SQLite's: it changes with what other connections commit.
        self._version = -1
        self.resume()

    def resume(self) -> None:
        """Go on from where the database is, if another process has written since."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        self._version = version
        segment, offset, last_event_id = self._connection.execute("SELECT * FROM journal_position").fetchone()
        self.position = Position(segment=segment, offset=offset)
        self._last_event_id = last_event_id
        self.forget_streams()

    def apply(self, payloads: Iterable[bytes], position: Position) -> None:
        """Rows and position in one transaction: after a kill either all are there or none, and replay goes on right."""
        before = self._last_event_id
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            batch = self._gather(payloads)
            self._move_to(position)
            self._write(batch)
            self._connection.execute("COMMIT")
        except BaseException:
            self._last_event_id = before
            self.forget_streams()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self.position = position
        if batch.ledger and time.monotonic() >= self._roll_up_at:
            self._roll_up(batch.ledger[-1][1])

    def _roll_up(self, before: float) -> None:
        """Lambda's metrics of what was moved by now. Few invocations a function and batch would cost most if they were
        taken up one batch after the other.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            more = roll_up(self._connection, before)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._roll_up_at = time.monotonic() + (0.0 if more else ROLL_UP_S)

    def _move_to(self, position: Position) -> None:
        """Raises sqlite3.OperationalError if another process has moved records since `resume`."""
        moved = self._connection.execute(
            "UPDATE journal_position SET segment = ?, offset = ?, last_event_id = ? WHERE segment = ? AND offset = ?",
            (position.segment, position.offset, self._last_event_id, self.position.segment, self.position.offset),
        )
        if moved.rowcount != 1:
            raise sqlite3.OperationalError("another process moves the journal's records")

    def forget_streams(self) -> None:
        """To be called when groups, streams or metrics were deleted."""
        self._ids.clear()
        self._metrics.forget()

    def _gather(self, payloads: Iterable[bytes]) -> _Batch:
        batch = _Batch()
        for payload in payloads:
            record = decode(payload)
            if record.events:
                self._gather_events(batch, record, len(payload))
                if _MARK in payload:
                    self._measure(batch.points, record)
            if record.ledger is not None:
                batch.ledger.append(record.ledger)
            if record.samples:
                # Stoker's own.
                batch.points.publisher = ""
                batch.points.add_rows(record.samples)
        for lines in batch.lines:
            self._pack(batch, lines)
        return batch

    def _gather_events(self, batch: _Batch, record: Record, size: int) -> None:
        group_id, stream_id = self._stream_ids(record)
        lines = batch.open.get(stream_id)
        if lines is None or lines.size + size > CHUNK_BYTES:
            lines = batch.open[stream_id] = _Lines(group_id, stream_id)
            batch.lines.append(lines)
        lines.parts.append((record.ingestion_ms, record.events))
        lines.size += size

    def _measure(self, points: Points, record: Record) -> None:
        points.publisher = record.publisher or f"{record.region}:{record.group}"
        for _, message in record.events:
            if embedded.MARK in message:
                embedded.measure(points, record.region, message, record.ingestion_ms)

    def _pack(self, batch: _Batch, lines: _Lines) -> None:
        for chunk in pack(lines.parts):
            first, last, ingested, stored = chunk.first_ms, chunk.last_ms, chunk.ingestion_ms, chunk.stored_bytes
            row = self._last_event_id + 1, lines.group_id, lines.stream_id, first, last, stored, chunk.lines
            batch.chunks.append(row)
            self._last_event_id += chunk.count
            known = batch.streams.get(lines.stream_id, (first, last, ingested))
            batch.streams[lines.stream_id] = min(known[0], first), max(known[1], last), max(known[2], ingested)
            batch.group_bytes[lines.group_id] = batch.group_bytes.get(lines.group_id, 0) + stored

    def _write(self, batch: _Batch) -> None:
        self._insert(_INSERT_CHUNKS, _CHUNK_COLUMNS, batch.chunks)
        self._insert(_INSERT_LEDGER, len(LEDGER_COLUMNS), batch.ledger)
        self._connection.executemany(_UPDATE_STREAM, [(*times, id_) for id_, times in batch.streams.items()])
        self._connection.executemany(
            "UPDATE log_groups SET stored_bytes = stored_bytes + ?2 WHERE id = ?1", batch.group_bytes.items()
        )
        self._metrics.write(batch.points)

    def _insert(self, insert: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
        row, done = f"({', '.join('?' * columns)})", 0
        for size in _ROWS_AT_ONCE:
            statement = f"{insert} {', '.join([row] * size)}"
            while len(rows) - done >= size:
                self._connection.execute(statement, list(chain.from_iterable(rows[done : done + size])))
                done += size

    def _stream_ids(self, record: Record) -> tuple[int, int]:
        """The ids of the record's group and stream, which come to be if they are not there."""
        key = (record.region, record.group, record.stream)
        if key not in self._ids:
            if len(self._ids) >= _MAX_REMEMBERED_STREAMS:
                self._ids.clear()
            self._ids[key] = self._find_or_create(record)
        return self._ids[key]

    def _find_or_create(self, record: Record) -> tuple[int, int]:
        run = self._connection.execute
        run(
            "INSERT OR IGNORE INTO log_groups (region, name, created_ms) VALUES (?, ?, ?)",
            (record.region, record.group, record.ingestion_ms),
        )
        found = "SELECT id FROM log_groups WHERE region = ? AND name = ?"
        group_id: int = run(found, (record.region, record.group)).fetchone()[0]
        run(
            "INSERT OR IGNORE INTO log_streams (group_id, name, created_ms) VALUES (?, ?, ?)",
            (group_id, record.stream, record.ingestion_ms),
        )
        found = "SELECT id FROM log_streams WHERE group_id = ? AND name = ?"
        return group_id, run(found, (group_id, record.stream)).fetchone()[0]
