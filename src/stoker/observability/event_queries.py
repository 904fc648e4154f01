"""Pages of log events, of one stream or of many interleaved: plain functions of a connection, for `Telemetry.read`.

Events are ordered by timestamp and then by ingestion; a `Place` in that order is what a page token holds.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from stoker.observability.chunk_scan import Chunks, Place, scan
from stoker.observability.chunks import Line

# CloudWatch's own bounds of a page of events (GetLogEvents, FilterLogEvents).
MAX_PAGE_EVENTS = 10_000
MAX_PAGE_BYTES = 1 << 20
# A search looks at so many events at most; a sparse one goes on in the next page.
MAX_SCANNED_EVENTS = 20_000
FOREVER_MS = 1 << 62

_FIRST, _LAST = (0, 0), (FOREVER_MS, 0)


class StoredEvent(Struct, frozen=True, kw_only=True):
    """An event as it was kept. `id` grows with ingestion."""

    timestamp_ms: int
    id: int
    stream: str
    ingestion_ms: int
    message: str

    @property
    def place(self) -> Place:
        return self.timestamp_ms, self.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which events and in which order: from `start_ms` on, before `end_ms`, strictly beyond `place` if given."""

    start_ms: int = 0
    end_ms: int = FOREVER_MS
    place: Place | None = None
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPage:
    """Events in the window's order. `next_place` is None when the window was looked through to its end."""

    events: Sequence[StoredEvent]
    next_place: Place | None


def everything(message: str) -> bool:
    """The filter that no event fails."""
    return True


def stream_page(connection: sqlite3.Connection, stream_id: int, window: Window, limit: int) -> EventPage:
    """A page of one stream."""
    return _page(_scan(connection, Chunks("chunks.stream_id = ?", [stream_id]), window), limit, everything)


def group_page(
    connection: sqlite3.Connection,
    group_id: int,
    window: Window,
    limit: int,
    *,
    matches: Callable[[str], bool] = everything,
    streams: Sequence[str] = (),
    prefix: str = "",
) -> EventPage:
    """A page of a group's events that match, of all its streams, of the named ones, or of those with a prefix."""
    condition, values = "chunks.group_id = ?", [group_id, *streams]
    if streams:
        condition += f" AND +streams.name IN ({', '.join('?' * len(streams))})"
    elif prefix:
        condition += " AND substr(streams.name, 1, length(?)) = ?"
        values += [prefix, prefix]
    return _page(_scan(connection, Chunks(condition, values), window), limit, matches)


def _scan(connection: sqlite3.Connection, chunks: Chunks, window: Window) -> Iterator[tuple[str, Line]]:
    """The window's events."""
    start, end = (window.start_ms, 0), (window.end_ms, 0)
    if window.descending:
        end = min(window.place or _LAST, end)
    else:
        start = max(window.place or _FIRST, start)
    return scan(connection, chunks, start, end, descending=window.descending)


def _page(events: Iterator[tuple[str, Line]], limit: int, matches: Callable[[str], bool]) -> EventPage:
    """At most `limit` events that match; looks on until another one shows that there is a next page."""
    found: list[StoredEvent] = []
    size, last = 0, None
    for scanned, (stream, (timestamp_ms, id_, ingestion_ms, message)) in enumerate(events):
        matched = matches(message)
        size += len(message) if matched else 0
        full = matched and (len(found) >= min(limit, MAX_PAGE_EVENTS) or (found and size > MAX_PAGE_BYTES))
        if full or scanned >= MAX_SCANNED_EVENTS:
            return EventPage(events=found, next_place=last)
        last = timestamp_ms, id_
        if matched:
            found.append(
                StoredEvent(
                    timestamp_ms=timestamp_ms, id=id_, stream=stream, ingestion_ms=ingestion_ms, message=message
                )
            )
    return EventPage(events=found, next_place=None)
