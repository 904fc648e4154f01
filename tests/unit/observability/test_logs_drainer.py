"""The process that drains for a busy Stoker: what it moves, and what happens when it dies."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from fakes.kept_lines import kept_messages
from fakes.waiting import eventually
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability import database
from stoker.observability.drain_process import DrainerGoneError, DrainProcess
from stoker.observability.ingest import Ingest
from stoker.observability.journal import Journal, JournalSize, Position
from stoker.observability.journal_reader import JournalReader
from stoker.observability.records import encode
from stoker.observability.telemetry import Telemetry, open_telemetry
from stoker.observability.telemetry_writer import BUSY_BYTES

STREAM = LogStream(region="us-east-1", group="/aws/lambda/hello", stream="2024/01/01/[$LATEST]abc")
SMALL = JournalSize(segment_bytes=4096, max_segments=32, reserved_segments=4, spare_segments=4)
# Long enough that a few are a load.
LINE = "x" * 1000
LINES = BUSY_BYTES // len(LINE) + 1


class Place:
    """A journal and a database, as telemetry has them."""

    def __init__(self, root: Path) -> None:
        self.connection = database.open_writer(root / "telemetry.db")
        self.journal = Journal(root / "journal", after=Position(), size=JournalSize())
        self.drainer = DrainProcess(root)

    def append(self, *messages: str) -> None:
        for message in messages:
            event = LogEvent(timestamp_ms=1, message=message)
            self.journal.append(encode(1, STREAM, [event], None), essential=False)

    def drain(self) -> None:
        while self.drainer.step(self.journal.end):
            pass

    def messages(self) -> list[str]:
        return kept_messages(self.connection)

    def pid(self) -> int:
        process = self.drainer._process
        assert process is not None
        return process.pid


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.drainer.close()
    place.connection.close()
    place.journal.close()


def run(root: Path, scenario: Callable[[Telemetry], Awaitable[None]]) -> None:
    async def main() -> None:
        telemetry = await open_telemetry(root, FakeClock())
        try:
            await scenario(telemetry)
        finally:
            await telemetry.close()

    asyncio.run(main())


async def stored(telemetry: Telemetry) -> int:
    return len(await telemetry.read(kept_messages))


def load(telemetry: Telemetry) -> None:
    for _ in range(LINES):
        telemetry.append(STREAM, [LogEvent(timestamp_ms=1, message=LINE)])


def test_each_line_is_moved_once_in_its_order(place: Place) -> None:
    place.append("a", "b")
    place.drain()
    place.append("c")
    place.drain()
    assert place.messages() == ["a", "b", "c"]


def test_a_drainer_that_was_killed_is_followed_by_another(place: Place) -> None:
    place.append("a")
    place.drain()
    os.kill(place.pid(), signal.SIGKILL)
    place.append("b")
    place.drain()
    assert place.messages() == ["a", "b"]


def test_both_sides_move_records_in_turns_and_none_twice(place: Place) -> None:
    place.append("a")
    place.drain()
    place.append("b")
    ingest = Ingest(place.connection)
    ingest.apply(*place.journal.read(ingest.position, 10, 1 << 20))
    place.append("c")
    place.drain()
    assert place.messages() == ["a", "b", "c"]


def test_whoever_is_not_up_to_date_moves_nothing(place: Place) -> None:
    ingest = Ingest(place.connection)
    place.append("a")
    payloads, position = place.journal.read(ingest.position, 10, 1 << 20)
    place.drain()
    with pytest.raises(sqlite3.OperationalError):
        ingest.apply(payloads, position)
    assert place.messages() == ["a"]


def test_a_broken_database_is_said_by_the_side_that_asked(place: Place) -> None:
    place.append("a")
    place.connection.execute("DROP TABLE log_chunks")
    with pytest.raises(sqlite3.OperationalError):
        place.drain()


def test_a_drainer_ends_with_its_host(tmp_path: Path) -> None:
    ours = (
        "import os, pathlib, sys; from stoker.observability.drain_process import DrainProcess as D;"
        "from stoker.observability import database; from stoker.observability.journal import Position;"
        "root = pathlib.Path(sys.argv[1]); database.open_writer(root / 'telemetry.db'); d = D(root);"
        "d.step(Position()); print(d._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", ours, str(tmp_path)], capture_output=True, timeout=120, check=False)
    drainer = Path("/proc") / done.stdout.decode().strip()

    def has_ended() -> bool:
        try:
            return (drainer / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    eventually(has_ended, "it is gone")


def test_a_reader_follows_the_appender_through_its_segments(tmp_path: Path) -> None:
    journal = Journal(tmp_path, after=Position(), size=SMALL)
    reader, position, got = JournalReader(tmp_path), Position(), []
    for number in range(30):
        record = b"%03d" % number * 300
        while not journal.append(record, essential=False):
            signal.sigtimedwait([], 0.001)  # the next segment is still being made
        payloads, position = reader.read(position, journal.end, 10, 1 << 20)
        journal.release(position)
        got += payloads
    journal.close()
    assert got == [b"%03d" % number * 300 for number in range(30)]


def test_a_load_is_moved_by_another_process_and_can_be_queried(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry) -> None:
        load(telemetry)
        assert await stored(telemetry) == LINES
        assert "not running" not in repr(telemetry._writer)
        telemetry.append(STREAM, [LogEvent(timestamp_ms=1, message="few")])
        assert await stored(telemetry) == LINES + 1

    run(tmp_path, scenario)


def test_few_lines_cost_no_process(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry) -> None:
        telemetry.append(STREAM, [LogEvent(timestamp_ms=1, message="few")])
        assert await stored(telemetry) == 1
        assert "not running" in repr(telemetry._writer)

    run(tmp_path, scenario)


def test_without_a_drainer_a_load_is_moved_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise DrainerGoneError

    monkeypatch.setattr(DrainProcess, "step", gone)

    async def scenario(telemetry: Telemetry) -> None:
        load(telemetry)
        assert await stored(telemetry) == LINES

    run(tmp_path, scenario)
