"""What the telemetry database keeps of lines, and how older releases kept them."""

import sqlite3
from collections.abc import Sequence

from stoker.observability.chunks import Event, Line, pack, unpack


def kept_lines(connection: sqlite3.Connection) -> list[Line]:
    """All of them, in the order in which they came."""
    chunks = connection.execute("SELECT id, lines FROM log_chunks").fetchall()
    return sorted((line for chunk in chunks for line in unpack(*chunk)), key=lambda line: line[1])


def keep_lines(connection: sqlite3.Connection, group_id: int, stream_id: int, events: Sequence[Event]) -> None:
    """Events of one stream, as if they had come together."""
    (last,) = connection.execute("SELECT last_event_id FROM journal_position").fetchone()
    for chunk in pack([(0, events)]):
        row = last + 1, group_id, stream_id, chunk.first_ms, chunk.last_ms, chunk.stored_bytes, chunk.lines
        connection.execute("INSERT INTO log_chunks VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        last += chunk.count
    connection.execute("UPDATE journal_position SET last_event_id = ?", (last,))


def kept_messages(connection: sqlite3.Connection) -> list[str]:
    return [message for *_, message in kept_lines(connection)]


def back_to_rows(connection: sqlite3.Connection) -> None:
    """A row for each event, as it was up to the seventh version of the tables."""
    connection.execute(
        "CREATE TABLE log_events (group_id INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, id INTEGER NOT NULL,"
        " stream_id INTEGER NOT NULL, ingestion_ms INTEGER NOT NULL, message TEXT NOT NULL,"
        " PRIMARY KEY (group_id, timestamp_ms, id)) WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX log_events_by_stream ON log_events (stream_id, timestamp_ms, id)")
    for id_, group_id, stream_id, lines in connection.execute("SELECT id, group_id, stream_id, lines FROM log_chunks"):
        connection.executemany(
            "INSERT INTO log_events VALUES (?, ?, ?, ?, ?, ?)",
            [(group_id, at, event_id, stream_id, ms, text) for at, event_id, ms, text in unpack(id_, lines)],
        )
    connection.execute("DROP TABLE log_chunks")
    connection.execute("PRAGMA user_version = 7")
