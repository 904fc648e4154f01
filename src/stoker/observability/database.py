"""The telemetry database: one SQLite file with the logs, the ledger, metrics and how far the journal was read."""

import sqlite3
from pathlib import Path
from typing import Any
from weakref import WeakSet

from stoker.observability.chunks_upgrade import make_chunks

_PATIENCE = "PRAGMA busy_timeout = 10000"
# Raised when the tables change.
SCHEMA_VERSION = 8
DAY_S = 86_400
# AWS Lambda pricing: what a request streams is billed beyond the first 6 MB.
FREE_STREAM_BYTES = 6 << 20

# The ledger is clustered by time, as bills ask for it: by request id every row would go to a page of its own.
_PROVISIONED = """
CREATE TABLE provisioned (
    region TEXT NOT NULL, function TEXT NOT NULL, qualifier TEXT NOT NULL, at REAL NOT NULL, account TEXT NOT NULL,
    version TEXT NOT NULL, architecture TEXT NOT NULL, memory_mb INTEGER NOT NULL, count INTEGER NOT NULL,
    seconds INTEGER NOT NULL, PRIMARY KEY (region, function, qualifier, at)) WITHOUT ROWID;
"""
# What a bill sums up, as far as it tells it apart: a month of a thousand functions is 30,000 rows, however often they
# were called. A trigger keeps it: whatever is in the ledger, and nothing else, is counted, for 2 µs of the drainer's.
# Another one keeps each function's last failure, for lists of functions.
_DAILY_COLUMNS = """day, region, function, version, architecture,
    requests, errors, billed_ms, billed_mb_ms, streamed_bytes, provisioned_mb_ms"""
_DAILY = f"""
CREATE TABLE daily_usage (
    day INTEGER NOT NULL, region TEXT NOT NULL, function TEXT NOT NULL, version TEXT NOT NULL,
    architecture TEXT NOT NULL, requests INTEGER NOT NULL, errors INTEGER NOT NULL, billed_ms INTEGER NOT NULL,
    billed_mb_ms INTEGER NOT NULL, streamed_bytes INTEGER NOT NULL, provisioned_mb_ms INTEGER NOT NULL,
    PRIMARY KEY (day, region, function, version, architecture)) WITHOUT ROWID;
CREATE TRIGGER ledger_by_day AFTER INSERT ON ledger BEGIN
    INSERT INTO daily_usage ({_DAILY_COLUMNS}) VALUES (
        CAST(new.at AS INTEGER) / {DAY_S}, new.region, new.function, new.version, new.architecture, 1,
        new.status != 'success', new.billed_ms, new.billed_ms * new.memory_mb,
        MAX(new.streamed_bytes - {FREE_STREAM_BYTES}, 0), new.provisioned * new.billed_ms * new.memory_mb)
    ON CONFLICT DO UPDATE SET requests = requests + 1, errors = errors + excluded.errors,
        billed_ms = billed_ms + excluded.billed_ms, billed_mb_ms = billed_mb_ms + excluded.billed_mb_ms,
        streamed_bytes = streamed_bytes + excluded.streamed_bytes,
        provisioned_mb_ms = provisioned_mb_ms + excluded.provisioned_mb_ms;
END;
CREATE TABLE last_errors (
    region TEXT NOT NULL, function TEXT NOT NULL, at REAL NOT NULL, request_id TEXT NOT NULL, status TEXT NOT NULL,
    error_type TEXT, PRIMARY KEY (region, function)) WITHOUT ROWID;
CREATE TRIGGER ledger_last_error AFTER INSERT ON ledger WHEN new.status != 'success' BEGIN
    INSERT OR REPLACE INTO last_errors VALUES (
        new.region, new.function, new.at, new.request_id, new.status, new.error_type);
END;
"""
_SUM_DAYS = f"""
INSERT INTO daily_usage ({_DAILY_COLUMNS})
SELECT CAST(at AS INTEGER) / {DAY_S}, region, function, version, architecture, COUNT(*), SUM(status != 'success'),
    SUM(billed_ms), SUM(billed_ms * memory_mb), SUM(MAX(streamed_bytes - {FREE_STREAM_BYTES}, 0)),
    SUM(provisioned * billed_ms * memory_mb)
FROM ledger GROUP BY 1, 2, 3, 4, 5;
INSERT INTO last_errors SELECT region, function, MAX(at), request_id, status, error_type
FROM ledger WHERE status != 'success' GROUP BY 1, 2;
"""
# Clustered as they are asked for: one metric, one resolution, one stretch of time.
_METRICS = """
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
    last_at INTEGER NOT NULL, UNIQUE (region, namespace, name, dimensions));
CREATE TABLE metric_points (
    metric_id INTEGER NOT NULL, resolution_s INTEGER NOT NULL, at INTEGER NOT NULL, unit TEXT NOT NULL,
    samples REAL NOT NULL, total REAL NOT NULL, least REAL NOT NULL, most REAL NOT NULL, spread BLOB NOT NULL,
    PRIMARY KEY (metric_id, resolution_s, at, unit)) WITHOUT ROWID;
"""
# Up to where the ledger's invocations are in metrics.
_METRICS_POSITION = """
CREATE TABLE metrics_position (at REAL NOT NULL);
INSERT INTO metrics_position SELECT COALESCE(MAX(at), 0.0) FROM ledger;
"""
# Who published a metric first, which uses up a quota; empty for who has none.
_PUBLISHERS = """
ALTER TABLE metrics ADD COLUMN publisher TEXT NOT NULL DEFAULT '';
CREATE INDEX metrics_by_publisher ON metrics (publisher) WHERE publisher != '';
"""
# One index is for FilterLogEvents and retention, the other for GetLogEvents; the table grows at its end.
_CHUNKS = """
CREATE TABLE log_chunks (
    id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL, stream_id INTEGER NOT NULL, first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, lines BLOB NOT NULL);
CREATE INDEX log_chunks_by_group ON log_chunks (group_id, first_ms, last_ms);
CREATE INDEX log_chunks_by_stream ON log_chunks (stream_id, first_ms, last_ms);
"""
_SCHEMA = f"""
CREATE TABLE log_groups (
    id INTEGER PRIMARY KEY, region TEXT NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL,
    log_class TEXT NOT NULL DEFAULT 'STANDARD', retention_days INTEGER, stored_bytes INTEGER NOT NULL DEFAULT 0,
    tags TEXT NOT NULL DEFAULT '{{}}', UNIQUE (region, name));
CREATE TABLE log_streams (
    id INTEGER PRIMARY KEY, group_id INTEGER NOT NULL REFERENCES log_groups ON DELETE CASCADE, name TEXT NOT NULL,
    created_ms INTEGER NOT NULL, first_event_ms INTEGER, last_event_ms INTEGER, last_ingestion_ms INTEGER,
    UNIQUE (group_id, name));
CREATE TABLE ledger (
    request_id TEXT NOT NULL, at REAL NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, function TEXT NOT NULL,
    version TEXT NOT NULL, architecture TEXT NOT NULL, duration_ms REAL NOT NULL, billed_ms INTEGER NOT NULL,
    memory_mb INTEGER NOT NULL, max_memory_mb INTEGER NOT NULL, init_ms REAL, status TEXT NOT NULL, error_type TEXT,
    trace_id TEXT, streamed_bytes INTEGER NOT NULL DEFAULT 0, provisioned INTEGER NOT NULL DEFAULT 0,
    qualifier TEXT NOT NULL DEFAULT '', PRIMARY KEY (at, request_id)) WITHOUT ROWID;
{_CHUNKS}
{_PROVISIONED}
{_DAILY}
{_METRICS}
{_METRICS_POSITION}
{_PUBLISHERS}
CREATE TABLE journal_position (segment INTEGER NOT NULL, offset INTEGER NOT NULL, last_event_id INTEGER NOT NULL);
INSERT INTO journal_position VALUES (0, 0, 0);
"""
# From each version to the next: what the first did not meter were streamed bytes, the second provisioned concurrency;
# the third summed up its bills from the ledger, the fourth knew not by which name a function was called; the
# seventh had a row for each log event.
_UPGRADES = {
    1: "ALTER TABLE ledger ADD COLUMN streamed_bytes INTEGER NOT NULL DEFAULT 0;",
    2: f"ALTER TABLE ledger ADD COLUMN provisioned INTEGER NOT NULL DEFAULT 0; {_PROVISIONED}",
    3: f"{_DAILY} {_SUM_DAYS}",
    4: f"ALTER TABLE ledger ADD COLUMN qualifier TEXT NOT NULL DEFAULT ''; {_METRICS}",
    5: _METRICS_POSITION,
    6: _PUBLISHERS,
    7: _CHUNKS,
}


class TelemetrySchemaError(Exception):
    """The telemetry database was written by another release of Stoker; run that one, or move the file away."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes, in autocommit mode; the tables exist. Raises TelemetrySchemaError."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(_PATIENCE)
    # NORMAL: a commit costs no fsync and outlives kill -9; a power failure may undo the last ones, never tear them.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    elif version in _UPGRADES:
        steps = " ".join(_UPGRADES[each] for each in range(version, SCHEMA_VERSION))
        # Else every page of what is dropped would be written over, which takes the file's size in the log once more.
        connection.execute("PRAGMA secure_delete = OFF")
        connection.executescript(f"BEGIN; {steps}")
        make_chunks(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    elif version != SCHEMA_VERSION:
        connection.close()
        raise TelemetrySchemaError(f"{path}: schema {version}. {TelemetrySchemaError.__doc__}")
    return connection


class Reader(sqlite3.Connection):
    """A connection that only reads, and knows its cursors."""

    def __init__(self, path: Path) -> None:
        # It moves between the threads of a pool, one at a time; isolation_level None leaves BEGIN to us.
        super().__init__(path, isolation_level=None, check_same_thread=False)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def execute(self, *args: Any) -> sqlite3.Cursor:
        cursor = self.cursor()
        self._cursors.add(cursor)
        return cursor.execute(*args)

    def end_snapshot(self) -> None:
        """A cursor that somebody still holds, if only in a traceback, would keep the connection at its snapshot."""
        while self._cursors:
            self._cursors.pop().close()
        if self.in_transaction:
            self.execute("ROLLBACK")


def open_reader(path: Path) -> Reader:
    """A connection that only reads."""
    connection = Reader(path)
    connection.execute(_PATIENCE)
    connection.execute("PRAGMA query_only = ON")
    return connection
