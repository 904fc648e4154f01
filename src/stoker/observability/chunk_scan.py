"""Lines of many chunks in one order, read as far as they are asked for: no statement is open between two of them."""

import sqlite3
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from stoker.observability.chunks import SPAN_MS, Line, unpack

# (timestamp_ms, id); ids begin at 1, so that (t, 0) is before every event of t.
Place = tuple[int, int]

# Rows of one look at the database. The lines of small chunks come with them, those of others when it is their turn.
CHUNKS_AT_ONCE = 128
_SMALL_BYTES = 4096
# Rows are known so far ahead of a line, so that most chunks are gone through in one go.
_AHEAD_MS = 100


class Chunks(NamedTuple):
    """Which chunks: a condition on `chunks` and their `streams` with its values."""

    condition: str
    values: Sequence[object]


class _Row(NamedTuple):
    first_ms: int
    last_ms: int
    id: int
    stream: str
    lines: bytes | None


def scan(
    connection: sqlite3.Connection, chunks: Chunks, after: Place, before: Place, *, descending: bool
) -> Iterator[tuple[str, Line]]:
    """Stream and line, one by one, of what is strictly between two places."""
    rows = _rows(connection, chunks, after, before, descending)
    row = next(rows, None)
    sign = -1 if descending else 1
    # By what comes first of each: a chunk by its time alone, before lines of that time.
    heap: list[tuple[int, float, int, _Row, list[Line]]] = []
    while True:
        while row is not None and (not heap or heap[0][0] + _AHEAD_MS >= _earliest(row, descending)):
            heappush(heap, (-row.last_ms if descending else row.first_ms, float("-inf"), 0, row, []))
            row = next(rows, None)
        if not heap:
            return
        *_, begun, chunk, lines = heappop(heap)
        lines = lines or _between(after, before, chunk, _lines(connection, chunk))[::sign]
        limit = heap[0][:2] if heap else (float("inf"), 0)
        if row is not None:
            limit = min(limit, (_earliest(row, descending), float("-inf")))
        stream = chunk.stream
        if lines and (sign * lines[-1][0], sign * lines[-1][1]) < limit:
            # Nothing comes between its lines.
            for line in lines[begun:]:
                yield stream, line
            continue
        for number in range(begun, len(lines)):
            line = lines[number]
            at, id_ = sign * line[0], sign * line[1]
            if (at, id_) > limit:
                heappush(heap, (at, id_, number, chunk, lines))
                break
            yield stream, line


def find(connection: sqlite3.Connection, group_id: int, place: Place) -> tuple[str, Line] | None:
    """Stream and line at a place of a group."""
    query = """SELECT chunks.id, streams.name, chunks.lines FROM log_chunks AS chunks
        JOIN log_streams AS streams ON streams.id = chunks.stream_id
        WHERE chunks.id = (SELECT MAX(id) FROM log_chunks WHERE id <= ?) AND chunks.group_id = ?"""
    found = connection.execute(query, (place[1], group_id)).fetchone()
    if found is None:
        return None
    return next(((found[1], line) for line in unpack(found[0], found[2]) if line[:2] == place), None)


def _between(after: Place, before: Place, row: _Row, lines: list[Line]) -> list[Line]:
    if after[0] < row.first_ms and row.last_ms < before[0]:
        return lines
    return [line for line in lines if after < line[:2] < before]


def _earliest(row: _Row, descending: bool) -> int:
    """What no line of this row or of a later one comes before."""
    return -row.first_ms - SPAN_MS if descending else row.first_ms


def _rows(
    connection: sqlite3.Connection, chunks: Chunks, after: Place, before: Place, descending: bool
) -> Iterator[_Row]:
    """The chunks that may have lines between two places, by the time they begin."""
    # One bound is where the last page ended. SQLite looks for what is beyond it only if there is no other on that side.
    order, beyond, until = ("DESC", "<", ">=") if descending else ("ASC", ">", "<=")
    columns = ", ".join(f"chunks.{name} {order}" for name in ("first_ms", "last_ms", "id"))
    # CROSS JOIN keeps the chunks' own order.
    query = f"""SELECT chunks.first_ms, chunks.last_ms, chunks.id, streams.name,
            CASE WHEN length(chunks.lines) <= {_SMALL_BYTES} THEN chunks.lines END
        FROM log_chunks AS chunks CROSS JOIN log_streams AS streams ON streams.id = chunks.stream_id
        WHERE {chunks.condition} AND (chunks.first_ms, chunks.last_ms, chunks.id) {beyond} (?, ?, ?)
            AND chunks.first_ms {until} ? AND chunks.last_ms >= ? ORDER BY {columns} LIMIT {CHUNKS_AT_ONCE}"""
    earliest, latest = after[0] - SPAN_MS, before[0]
    place: Sequence[Any] = (latest + 1, 0, 0) if descending else (earliest, 0, 0)
    bounds = (earliest if descending else latest), after[0]
    while True:
        page = connection.execute(query, (*chunks.values, *place, *bounds)).fetchall()
        yield from map(_Row._make, page)
        if len(page) < CHUNKS_AT_ONCE:
            return
        place = page[-1][:3]


def _lines(connection: sqlite3.Connection, row: _Row) -> list[Line]:
    """None of a chunk that was deleted in this moment."""
    lines = row.lines
    if lines is None:
        found = connection.execute("SELECT lines FROM log_chunks WHERE id = ?", (row.id,)).fetchone()
        lines = found and found[0]
    return unpack(row.id, lines) if lines else []
