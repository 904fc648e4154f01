"""Lines that came together are one row; nobody who reads them notices."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fakes.kept_lines import back_to_rows, kept_lines
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability import database, log_changes
from stoker.observability.chunk_scan import CHUNKS_AT_ONCE, find
from stoker.observability.chunks import CHUNK_BYTES, EVENT_OVERHEAD_BYTES, SPAN_MS, Event, Part, pack, unpack
from stoker.observability.event_queries import EventPage, StoredEvent, Window, group_page, stream_page
from stoker.observability.ingest import Ingest
from stoker.observability.journal import Position
from stoker.observability.log_queries import find_group, find_stream
from stoker.observability.records import encode

REGION, GROUP = "us-east-1", "/aws/lambda/hello"
STREAMS = ("a", "b", "b2", "c")
NOW_MS = 1_700_000_000_000
Read = Callable[[Window, int], EventPage]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    opened = database.open_writer(path)
    yield opened
    opened.close()


def drain(connection: sqlite3.Connection, *records: tuple[str, int, list[Event]]) -> None:
    """One batch: stream, time of ingestion and events of each record."""
    ingest, payloads = Ingest(connection), []
    for name, ms, events in records:
        stream = LogStream(region=REGION, group=GROUP, stream=name)
        payloads.append(encode(ms, stream, [LogEvent(timestamp_ms=at, message=text) for at, text in events], None))
    ingest.apply(payloads, Position(segment=1, offset=ingest.position.offset + len(payloads)))


def fill(connection: sqlite3.Connection) -> list[StoredEvent]:
    """Streams whose lines are mixed, some out of order, many of one moment; all of them, in their order."""
    chance = random.Random(7)
    at, texts = NOW_MS, []
    for batch in range(3 * CHUNKS_AT_ONCE):
        records = []
        for _ in range(chance.choice((1, 2, 6))):
            events = []
            for number in range(chance.choice((1, 3, 9))):
                at += chance.choice((0, 0, 0, 1, 40))
                events.append((at - chance.choice((0, 0, 0, 3, 2 * SPAN_MS)), f"{batch} {number} é"))
            texts += [text for _, text in events]
            records.append((chance.choice(STREAMS), at, events))
        drain(connection, *records)
    by_stream: dict[int, str] = dict(connection.execute("SELECT id, name FROM log_streams"))
    kept = [
        StoredEvent(timestamp_ms=when, id=event_id, stream=by_stream[stream], ingestion_ms=ms, message=text)
        for id_, stream, lines in connection.execute("SELECT id, stream_id, lines FROM log_chunks")
        for when, event_id, ms, text in unpack(id_, lines)
    ]
    assert sorted(event.message for event in kept) == sorted(texts)
    return sorted(kept, key=lambda event: event.place)


def group_of(connection: sqlite3.Connection) -> int:
    group = find_group(connection, REGION, GROUP)
    assert group is not None
    return group.id


def parts(*events: Event) -> list[Part]:
    return [(NOW_MS, events)]


def in_pages(read: Read, window: Window, limit: int) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    while True:
        page = read(window, limit)
        found += page.events
        if page.next_place is None:
            return found
        window = replace(window, place=page.next_place)


@pytest.mark.parametrize(
    "events",
    [
        [(1, "one")],
        [(5, "late"), (1, "early"), (5, "late too")],
        [(number, "a line that is like others\n") for number in range(500)],
        [(1, ""), (2, "x"), (3, "\x00\x01"), (4, "é 🙂"), (5, "[]")],
    ],
)
def test_lines_are_unpacked_by_time_and_with_the_ids_of_their_coming(events: list[Event]) -> None:
    (chunk,) = pack(parts(*events))
    numbered = [(at, 7 + number, NOW_MS, text) for number, (at, text) in enumerate(events)]
    assert unpack(7, chunk.lines) == sorted(numbered)
    assert chunk.stored_bytes == sum(len(text.encode()) + EVENT_OVERHEAD_BYTES for _, text in events)


def test_broken_text_is_kept_as_far_as_it_can_be() -> None:
    (chunk,) = pack(parts((1, "a\ud800b")))
    assert unpack(1, chunk.lines) == [(1, 1, NOW_MS, "a?b")]


def test_a_chunk_is_neither_long_nor_large() -> None:
    sparse = [(number * SPAN_MS // 2, "x") for number in range(9)]
    large = [(9 * SPAN_MS, "y" * (CHUNK_BYTES // 3))] * 10
    huge = [(9 * SPAN_MS, "é" * CHUNK_BYTES)]
    chunks = list(pack([(1, sparse), (2, large), (3, huge)]))
    texts, id_ = [], 1
    for chunk in chunks:
        lines = unpack(id_, chunk.lines)
        id_ += chunk.count
        assert (lines[0][0], lines[-1][0]) == (chunk.first_ms, chunk.last_ms)
        assert chunk.last_ms - chunk.first_ms <= SPAN_MS
        assert len(lines) == 1 or sum(len(text.encode()) for *_, text in lines) <= CHUNK_BYTES
        texts += [(at, text) for at, _, _, text in lines]
    assert texts == [*sparse, *large, *huge]


@pytest.mark.parametrize("descending", [False, True])
def test_pages_of_mixed_streams_are_in_order_and_whole(connection: sqlite3.Connection, descending: bool) -> None:
    everything = fill(connection)
    assert len({event.id for event in everything}) == len(everything)
    group_id, middle, later = group_of(connection), everything[len(everything) // 2], everything[-40]
    for start_ms, end_ms in ((0, NOW_MS * 2), (middle.timestamp_ms, NOW_MS * 2), (0, later.timestamp_ms)):
        window = Window(start_ms=start_ms, end_ms=end_ms, descending=descending)
        expected = [event for event in everything if start_ms <= event.timestamp_ms < end_ms][
            :: -1 if descending else 1
        ]
        for limit in (7, 10_000):
            assert in_pages(partial(group_page, connection, group_id), window, limit) == expected
        of_b = [event for event in expected if event.stream == "b"]
        of_b_and_b2 = [event for event in expected if event.stream.startswith("b")]
        stream = find_stream(connection, group_id, "b")
        assert stream is not None
        assert in_pages(partial(stream_page, connection, stream.id), window, 11) == of_b
        assert in_pages(partial(group_page, connection, group_id, streams=["b"]), window, 11) == of_b
        assert in_pages(partial(group_page, connection, group_id, prefix="b"), window, 11) == of_b_and_b2


def test_an_event_is_found_by_its_place(connection: sqlite3.Connection) -> None:
    everything, group_id = fill(connection), group_of(connection)
    for event in everything[::97]:
        found = find(connection, group_id, event.place)
        assert found == (event.stream, (event.timestamp_ms, event.id, event.ingestion_ms, event.message))
        assert find(connection, group_id, (event.timestamp_ms + 1, event.id)) is None
        assert find(connection, group_id + 1, event.place) is None


def test_what_comes_later_has_a_later_place_than_what_was_read(connection: sqlite3.Connection) -> None:
    drain(connection, ("b", 1, [(NOW_MS, "first")]), ("a", 1, [(NOW_MS, "second")]))
    group_id = group_of(connection)
    read = group_page(connection, group_id, Window(), 10).events
    drain(connection, ("a", 2, [(NOW_MS, "third")]))
    more = group_page(connection, group_id, Window(place=read[-1].place), 10).events
    assert [event.message for event in more] == ["third"]


def test_a_deleted_stream_leaves_nothing_and_others_whole(connection: sqlite3.Connection) -> None:
    everything, group_id = fill(connection), group_of(connection)
    stream = find_stream(connection, group_id, "b")
    assert stream is not None
    log_changes.delete_stream(connection, group_id, stream.id)
    left = [event for event in everything if event.stream != "b"]
    assert in_pages(partial(group_page, connection, group_id), Window(), 1000) == left
    group = find_group(connection, REGION, GROUP)
    assert group is not None
    assert group.stored_bytes == sum(len(event.message.encode()) + EVENT_OVERHEAD_BYTES for event in left)


def test_events_of_an_older_release_are_read_in_the_same_order(path: Path) -> None:
    old = database.open_writer(path)
    everything, group_id = fill(old), group_of(old)
    stored = find_group(old, REGION, GROUP)
    back_to_rows(old)
    old.close()
    connection = database.open_writer(path)
    found = in_pages(partial(group_page, connection, group_id), Window(), 1000)
    without_id = [(event.place[0], event.stream, event.ingestion_ms, event.message) for event in found]
    assert sorted(without_id) == sorted(
        (event.place[0], event.stream, event.ingestion_ms, event.message) for event in everything
    )
    for name in STREAMS:
        assert [event.message for event in found if event.stream == name] == [
            event.message for event in everything if event.stream == name
        ]
    drain(connection, ("new", 1, [(NOW_MS, "new")]))
    ids = [line[1] for line in kept_lines(connection)]
    assert len(set(ids)) == len(ids) == len(everything) + 1
    log_changes.delete_stream(connection, group_id, 1)
    for (id_,) in connection.execute("SELECT id FROM log_streams WHERE id > 1").fetchall():
        log_changes.delete_stream(connection, group_id, id_)
    group = find_group(connection, REGION, GROUP)
    assert stored is not None and group is not None
    assert (stored.stored_bytes > 0, group.stored_bytes) == (True, 0)
    connection.close()
