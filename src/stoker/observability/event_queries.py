"""Pages of log events, of one stream or of many interleaved: plain functions of a connection, for `Telemetry.read`.

Events are ordered by timestamp and then by ingestion; a `Place` in that order is what a page token holds.
"""

import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

# CloudWatch's own bounds of a page of events (GetLogEvents, FilterLogEvents).
MAX_PAGE_EVENTS = 10_000
MAX_PAGE_BYTES = 1 << 20
# A search looks at so many events at most; a sparse one goes on in the next page.
MAX_SCANNED_EVENTS = 20_000
FOREVER_MS = 1 << 62

# (timestamp_ms, id); ids begin at 1, so that (t, 0) is before every event of t.
Place = tuple[int, int]
_FIRST, _LAST = (0, 0), (FOREVER_MS, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
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


Scan: TypeAlias = Generator[StoredEvent, None, None]


def stream_page(connection: sqlite3.Connection, stream_id: int, window: Window, limit: int) -> EventPage:
    """A page of one stream."""
    events = _scan(connection, "events.stream_id = ?", [stream_id], window)
    return _page(events, limit, everything)


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
    condition, values = "events.group_id = ?", [group_id]
    if streams:
        condition += f" AND +streams.name IN ({', '.join('?' * len(streams))})"
        return _page(_scan(connection, condition, [*values, *streams], window), limit, matches)
    if prefix:
        condition += " AND substr(streams.name, 1, length(?)) = ?"
        return _page(_scan(connection, condition, [*values, prefix, prefix], window), limit, matches)
    return _page(_scan(connection, condition, values, window), limit, matches)


def _scan(connection: sqlite3.Connection, condition: str, values: Sequence[object], window: Window) -> Scan:
    """The window's events one by one, read as far as they are asked for. CROSS JOIN keeps the events' own order."""
    if window.descending:
        order, bounds = "DESC", "(events.timestamp_ms, events.id) < (?, ?) AND events.timestamp_ms >= ?"
        limits = *min(window.place or _LAST, (window.end_ms, 0)), window.start_ms
    else:
        order, bounds = "ASC", "(events.timestamp_ms, events.id) > (?, ?) AND events.timestamp_ms < ?"
        limits = *max(window.place or _FIRST, (window.start_ms, 0)), window.end_ms
    query = f"""SELECT events.timestamp_ms, events.id, streams.name, events.ingestion_ms, events.message
        FROM log_events AS events CROSS JOIN log_streams AS streams ON streams.id = events.stream_id
        WHERE {condition} AND {bounds} ORDER BY events.timestamp_ms {order}, events.id {order}"""
    for row in connection.execute(query, (*values, *limits)):
        timestamp_ms, id_, stream, ingestion_ms, message = row
        yield StoredEvent(timestamp_ms=timestamp_ms, id=id_, stream=stream, ingestion_ms=ingestion_ms, message=message)


def _page(events: Scan, limit: int, matches: Callable[[str], bool]) -> EventPage:
    """At most `limit` events that match; looks on until another one shows that there is a next page."""
    found: list[StoredEvent] = []
    size, last = 0, None
    # A scan that is still open, in the traceback of what `matches` raised, would keep its reader at this snapshot.
    with closing(events):
        for scanned, event in enumerate(events):
            matched = matches(event.message)
            size += len(event.message) if matched else 0
            full = matched and (len(found) >= min(limit, MAX_PAGE_EVENTS) or (found and size > MAX_PAGE_BYTES))
            if full or scanned >= MAX_SCANNED_EVENTS:
                return EventPage(events=found, next_place=last)
            last = event.place
            if matched:
                found.append(event)
    return EventPage(events=found, next_place=None)
