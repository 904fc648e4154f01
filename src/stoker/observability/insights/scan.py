"""The events of some groups as rows, by time. No look at the database holds up its writer for long: each is short."""

import heapq
import sqlite3
from collections.abc import Iterator, Sequence

from msgspec import Struct

from stoker.observability import chunk_scan
from stoker.observability.chunk_scan import Chunks
from stoker.observability.insights.rows import Row

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
    chunks = Chunks("chunks.group_id = ?", [group.id])
    start, end = (span.start_ms, 0), (span.end_ms, 0)
    for stream, line in chunk_scan.scan(connection, chunks, start, end, descending=not oldest_first):
        time_ms, event_id, ingestion_ms, message = line
        scanned.events += 1
        scanned.bytes += len(message) if message.isascii() else len(message.encode())
        yield Row(log, stream, time_ms, event_id, ingestion_ms, message, of_lambda)


def find_event(connection: sqlite3.Connection, account: str, group: Group, time_ms: int, event_id: int) -> Row | None:
    """One event of a group."""
    found = chunk_scan.find(connection, group.id, (time_ms, event_id))
    if found is None:
        return None
    stream, (_, _, ingestion_ms, message) = found
    of_lambda = group.name.startswith(OF_LAMBDA)
    return Row(f"{account}:{group.name}", stream, time_ms, event_id, ingestion_ms, message, of_lambda)
