"""The events of some groups as rows, by time. Read in pages: no look at the database holds up its writer for long."""

import heapq
import sqlite3
from collections.abc import Iterator, Sequence

from msgspec import Struct

from stoker.observability.insights.rows import Row

PAGE_EVENTS = 5_000
OF_LAMBDA = "/aws/lambda/"


class Group(Struct, frozen=True):
    """A log group of the database."""

    id: int
    name: str


class Span(Struct, frozen=True):
    """Events from `start_ms` on and before `end_ms`."""

    start_ms: int
    end_ms: int


class Scanned(Struct):
    """What was looked at. Mutable: the scan counts."""

    events: int = 0
    bytes: int = 0


def scan(
    connection: sqlite3.Connection,
    account: str,
    groups: Sequence[Group],
    span: Span,
    scanned: Scanned,
    *,
    oldest_first: bool,
) -> Iterator[Row]:
    """All events of the span, the latest first or the oldest."""
    each = [_scan_group(connection, account, group, span, scanned, oldest_first) for group in groups]
    if len(each) == 1:
        return each[0]
    return heapq.merge(*each, key=lambda row: (row.time_ms, row.event_id), reverse=not oldest_first)


def _scan_group(
    connection: sqlite3.Connection, account: str, group: Group, span: Span, scanned: Scanned, oldest_first: bool
) -> Iterator[Row]:
    log, of_lambda = f"{account}:{group.name}", group.name.startswith(OF_LAMBDA)
    streams: dict[int, str] = {}
    order, place = ("ASC", (span.start_ms, 0)) if oldest_first else ("DESC", (span.end_ms, 0))
    bound = (
        ("> (?, ?) AND timestamp_ms < ?", span.end_ms)
        if oldest_first
        else ("< (?, ?) AND timestamp_ms >= ?", span.start_ms)
    )
    query = f"""SELECT timestamp_ms, id, stream_id, ingestion_ms, message FROM log_events
        WHERE group_id = ? AND (timestamp_ms, id) {bound[0]} ORDER BY timestamp_ms {order}, id {order} LIMIT ?"""
    while True:
        page = connection.execute(query, (group.id, *place, bound[1], PAGE_EVENTS)).fetchall()
        for time_ms, event_id, stream_id, ingestion_ms, message in page:
            stream = streams.get(stream_id)
            if stream is None:
                stream = streams[stream_id] = _stream(connection, stream_id)
            scanned.events += 1
            scanned.bytes += len(message) if message.isascii() else len(message.encode())
            yield Row(log, stream, time_ms, event_id, ingestion_ms, message, of_lambda)
        if len(page) < PAGE_EVENTS:
            return
        place = page[-1][0], page[-1][1]


def find_event(connection: sqlite3.Connection, account: str, group: Group, time_ms: int, event_id: int) -> Row | None:
    """One event of a group."""
    query = """SELECT stream_id, ingestion_ms, message FROM log_events
        WHERE group_id = ? AND timestamp_ms = ? AND id = ?"""
    found = connection.execute(query, (group.id, time_ms, event_id)).fetchone()
    if found is None:
        return None
    log, of_lambda = f"{account}:{group.name}", group.name.startswith(OF_LAMBDA)
    return Row(log, _stream(connection, found[0]), time_ms, event_id, found[1], found[2], of_lambda)


def _stream(connection: sqlite3.Connection, stream_id: int) -> str:
    """Deleted in this moment, it has no name any more."""
    found = connection.execute("SELECT name FROM log_streams WHERE id = ?", (stream_id,)).fetchone()
    return "" if found is None else str(found[0])
