"""Log events as older releases kept them, a row each, made into chunks: once, as the database is opened."""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from stoker.observability.chunks import SPAN_MS, Event, pack

INSERT_CHUNK = "INSERT INTO log_chunks VALUES (?, ?, ?, ?, ?, ?, ?)"
# Of as many events at most is more in memory than one.
_MOST_EVENTS = 50_000


def make_chunks(connection: sqlite3.Connection) -> None:
    """To be called in a transaction. 3 µs an event; their ids are new ones, in the same order."""
    (last_id,) = connection.execute("SELECT last_event_id FROM journal_position").fetchone()
    for group_id, streams in _runs(connection):
        for stream_id, parts in streams.items():
            for chunk in pack([(ingestion_ms, events) for ingestion_ms, events in parts]):
                row = last_id + 1, group_id, stream_id, chunk.first_ms, chunk.last_ms, chunk.stored_bytes, chunk.lines
                connection.execute(INSERT_CHUNK, row)
                last_id += chunk.count
    connection.execute("UPDATE journal_position SET last_event_id = ?", (last_id,))
    connection.execute("DROP TABLE log_events")


def _runs(connection: sqlite3.Connection) -> Iterator[tuple[int, dict[int, list[tuple[int, list[Event]]]]]]:
    """A group's events of some seconds, by stream."""
    rows = connection.execute(
        "SELECT group_id, timestamp_ms, stream_id, ingestion_ms, message FROM log_events"
        " ORDER BY group_id, timestamp_ms, id"
    )

    def run_of(numbered: tuple[int, Any]) -> tuple[int, int, int]:
        number, row = numbered
        return row[0], row[1] // SPAN_MS, number // _MOST_EVENTS

    for (group_id, *_), run in groupby(enumerate(rows), key=run_of):
        streams: dict[int, list[tuple[int, list[Event]]]] = {}
        for _, (_, at, stream_id, ingestion_ms, message) in run:
            parts = streams.setdefault(stream_id, [])
            if not parts or parts[-1][0] != ingestion_ms:
                parts.append((ingestion_ms, []))
            parts[-1][1].append((at, message))
        yield group_id, streams
