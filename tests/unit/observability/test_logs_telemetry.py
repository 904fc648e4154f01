import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.kept_lines import back_to_rows, kept_messages
from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, Report
from stoker.observability import log_changes
from stoker.observability.event_queries import StoredEvent, Window, group_page
from stoker.observability.ingest import Ingest
from stoker.observability.journal import JournalFullError, JournalSize
from stoker.observability.ledger import last_errors
from stoker.observability.log_queries import LogGroup, find_group
from stoker.observability.telemetry import Telemetry, open_telemetry

STREAM = LogStream(region="us-east-1", group="/aws/lambda/hello", stream="2024/01/01/[$LATEST]abc")
DAY_S = 24 * 3600
Scenario = Callable[[Telemetry, FakeClock], Awaitable[Any]]


def run(root: Path, scenario: Scenario, size: JournalSize | None = None) -> Any:
    async def main() -> Any:
        clock = FakeClock()
        telemetry = await open_telemetry(root, clock, size=size)
        try:
            return await scenario(telemetry, clock)
        finally:
            await telemetry.close()

    return asyncio.run(main())


def lines(*messages: str, at_ms: int = 1_700_000_000_000) -> list[LogEvent]:
    return [LogEvent(timestamp_ms=at_ms + number, message=text) for number, text in enumerate(messages)]


def entry(request_id: str, **changes: Any) -> LedgerEntry:
    report = Report(
        request_id=request_id,
        duration_ms=3.5,
        billed_ms=changes.pop("billed_ms", 4),
        memory_mb=changes.pop("memory_mb", 128),
        max_memory_mb=36,
        status=changes.pop("status", "success"),
    )
    values = {"region": "us-east-1", "function": "hello", "version": "$LATEST", "architecture": "x86_64", "at": 100.0}
    return LedgerEntry(request_id=request_id, account="000000000000", report=report, **{**values, **changes})


async def group_of(telemetry: Telemetry) -> LogGroup:
    group = await telemetry.read(lambda c: find_group(c, STREAM.region, STREAM.group))
    assert group is not None
    return group


async def events_of(telemetry: Telemetry) -> list[StoredEvent]:
    group = await telemetry.read(lambda c: find_group(c, STREAM.region, STREAM.group))
    if group is None:
        return []
    return list((await telemetry.read(lambda c: group_page(c, group.id, Window(), 10_000))).events)


async def messages_of(telemetry: Telemetry) -> list[str]:
    return [event.message for event in await events_of(telemetry)]


def test_a_line_can_be_queried_as_soon_as_it_was_appended(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, lines("a", "b"))
        assert await messages_of(telemetry) == ["a", "b"]

    run(tmp_path, scenario)


@pytest.mark.parametrize("invocations", [1, 17, 300])
def test_however_much_comes_at_once_every_line_and_row_is_kept(tmp_path: Path, invocations: int) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        sent = [f"{number}" for number in range(invocations)]
        for number, line in enumerate(lines(*sent)):
            telemetry.append(STREAM, [line], entry(line.message, at=float(number)))
        assert await messages_of(telemetry) == sent
        rows = await telemetry.read(lambda c: c.execute("SELECT request_id FROM ledger ORDER BY at").fetchall())
        assert [request_id for (request_id,) in rows] == sent

    run(tmp_path, scenario)


def test_lines_reach_the_database_without_anybody_asking(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> int:
        telemetry.append(STREAM, lines("a"))
        clock.advance(1)
        await asyncio.wrap_future(telemetry._writer._thread.submit(lambda: None))
        connection = sqlite3.connect(tmp_path / "telemetry.db")
        count = len(kept_messages(connection))
        connection.close()
        return count

    assert run(tmp_path, scenario) == 1


def test_a_cursor_that_is_left_open_keeps_no_reader_at_its_moment(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        left = []
        for number in range(4):
            telemetry.append(STREAM, lines("a"))
            assert len(await messages_of(telemetry)) == number + 1
            cursor = await telemetry.read(lambda c: c.execute("SELECT name FROM log_groups, (VALUES (1), (2))"))
            left.append(cursor)

    run(tmp_path, scenario)


def test_ids_grow_with_ingestion_also_over_a_restart(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[int]:
        telemetry.append(STREAM, lines("a", "b"))
        return [event.id for event in await events_of(telemetry)]

    run(tmp_path, scenario)
    ids = run(tmp_path, scenario)
    assert sorted(ids) == [1, 2, 3, 4]


def test_an_invocation_is_billed_once_however_often_it_is_recorded(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> int:
        telemetry.append(STREAM, (), entry("r1"))
        telemetry.append(STREAM, (), entry("r1"))
        return (await telemetry.usage(0, 1000))[0].requests

    assert run(tmp_path, scenario) == 1


def test_the_bill_sums_by_function_and_architecture(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[tuple[Any, ...]]:
        telemetry.append(STREAM, (), entry("r1", billed_ms=1000, memory_mb=512))
        telemetry.append(STREAM, (), entry("r2", billed_ms=24, memory_mb=1000, status="error"))
        telemetry.append(STREAM, (), entry("r3", architecture="arm64", function="other"))
        telemetry.append(STREAM, (), entry("r4", at=DAY_S + 1.0))
        days = await telemetry.usage(0, 2 * DAY_S, "day")
        assert [(row.key, row.requests) for row in days if row.architecture == "x86_64"] == [
            ("1970-01-01", 2),
            ("1970-01-02", 1),
        ]
        rows = await telemetry.usage(0, DAY_S)
        return [(row.key, row.architecture, row.requests, row.errors, row.billed_ms, row.gb_seconds) for row in rows]

    assert run(tmp_path, scenario) == [
        ("us-east-1:hello", "x86_64", 2, 1, 1024, (512_000 + 24_000) / 1_024_000),
        ("us-east-1:other", "arm64", 1, 0, 4, 512 / 1_024_000),
    ]


def test_what_an_older_release_wrote_down_is_billed_as_before_and_goes_on(tmp_path: Path) -> None:
    async def of_two_days(telemetry: Telemetry, clock: FakeClock) -> list[tuple[Any, ...]]:
        telemetry.append(STREAM, (), entry(f"r{clock.time()}-{os.urandom(4).hex()}", at=DAY_S + 5.0))
        rows = await telemetry.usage(0, 2 * DAY_S)
        failed = await telemetry.read(lambda c: last_errors(c, "us-east-1", ["hello", "other"]))
        assert [(name, each.request_id, each.status) for name, each in failed.items()] == [("hello", "r2", "error")]
        return [(row.key, row.requests, row.errors, row.billed_ms, row.billed_mb_ms) for row in rows]

    async def before(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, (), entry("r1", billed_ms=1000, memory_mb=512))
        telemetry.append(STREAM, (), entry("r2", status="error"))

    run(tmp_path, before)
    with sqlite3.connect(tmp_path / "telemetry.db") as old:
        # As the third version of the tables was.
        back_to_rows(old)
        for statement in (
            "TRIGGER ledger_by_day",
            "TRIGGER ledger_last_error",
            "TABLE daily_usage",
            "TABLE last_errors",
            "TABLE metrics",
            "TABLE metric_points",
            "TABLE metrics_position",
        ):
            old.execute(f"DROP {statement}")
        old.execute("ALTER TABLE ledger DROP COLUMN qualifier")
        old.execute("PRAGMA user_version = 3")
    old.close()
    assert run(tmp_path, of_two_days) == [("us-east-1:hello", 3, 1, 1008, 512_000 + 2 * 512)]


def test_expired_events_go_and_younger_ones_stay(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        now_ms = int(clock.time() * 1000)
        telemetry.append(STREAM, [*lines("old", at_ms=now_ms - 2 * DAY_S * 1000), *lines("young", at_ms=now_ms)])
        group = await group_of(telemetry)
        await telemetry.change(lambda c: log_changes.set_retention(c, group.id, 1))
        clock.advance(3600)
        await telemetry.change(lambda c: None)
        assert await messages_of(telemetry) == ["young"]
        assert (await group_of(telemetry)).stored_bytes == len("young") + 26

    run(tmp_path, scenario)


def test_a_group_without_retention_keeps_everything(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, lines("ancient", at_ms=1))
        clock.advance(2 * 3600)
        await telemetry.change(lambda c: None)
        assert await messages_of(telemetry) == ["ancient"]

    run(tmp_path, scenario)


def test_a_listener_hears_every_line_until_it_ends_its_subscription(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[str]:
        heard: list[str] = []
        stop = telemetry.subscribe(lambda stream, events, at_ms: heard.extend(event.message for event in events))
        telemetry.append(STREAM, lines("a"))
        stop()
        telemetry.append(STREAM, lines("b"))
        return heard

    assert run(tmp_path, scenario) == ["a"]


def test_a_10_mb_line_is_kept_in_pieces(tmp_path: Path) -> None:
    long = "".join(f"{number:08}" for number in range(10 * 1024 * 1024 // 8))

    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, [*lines("before"), *lines(long, "after", at_ms=1_700_000_000_001)], entry("r1"))
        messages = []
        group, place = await group_of(telemetry), None
        while True:
            window = Window(place=place)
            page = await telemetry.read(lambda c, w=window: group_page(c, group.id, w, 10_000))
            messages += [event.message for event in page.events]
            if (place := page.next_place) is None:
                break
        assert "".join(messages) == "before" + long + "after"
        assert (await telemetry.usage(0, 1000))[0].requests == 1

    run(tmp_path, scenario)


@pytest.mark.parametrize("text", ["\ud800 lone surrogate", "nul \0 inside", "", "🔥" * 1000])
def test_any_text_can_be_a_line(tmp_path: Path, text: str) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[str]:
        telemetry.append(STREAM, lines(text))
        return await messages_of(telemetry)

    assert run(tmp_path, scenario) == [text.encode("utf-8", "replace").decode()]


SMALL = JournalSize(segment_bytes=1 << 16, max_segments=4, reserved_segments=1, spare_segments=1)


def append_ready(telemetry: Telemetry, number: int) -> None:
    for spare in telemetry._journal._spares:
        spare.exception(10)
    telemetry.append(STREAM, lines("x" * 10_000), entry(f"r{number}"))


def test_when_the_database_falls_behind_lines_are_dropped_and_said_but_no_invocation_goes_unbilled(
    tmp_path: Path,
) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        # The sweep of the start is over, so that nothing drains in between.
        await telemetry.change(lambda c: None)
        for number in range(40):
            append_ready(telemetry, number)
        await telemetry.flush()
        telemetry.append(STREAM, lines("later"))
        messages = await messages_of(telemetry)
        kept = sum(message.startswith("xxx") for message in messages)
        dropped = [message for message in messages if "platform.logsDropped" in message]
        assert 0 < kept < 40
        assert len(dropped) == 1
        assert f'"droppedRecords":{40 - kept}' in dropped[0]
        assert (await telemetry.usage(0, 1000))[0].requests == 40

    run(tmp_path, scenario, SMALL)


class Disk:
    """Stands for the disk that the kernel tells of."""

    f_frsize = 4096
    f_blocks = 1 << 20
    f_bavail = 0


def test_when_the_disk_is_nearly_full_lines_are_dropped_and_said_later_but_no_invocation_goes_unbilled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        disk = Disk()
        monkeypatch.setattr(os, "statvfs", lambda path: disk)
        await telemetry.change(lambda c: None)
        for number in range(3):
            telemetry.append(STREAM, lines("x"), entry(f"r{number}"))
        telemetry.append(STREAM, lines(*["y" * 200_000] * 30), entry("long"))
        assert await messages_of(telemetry) == []
        assert (await telemetry.usage(0, 1000))[0].requests == 4
        disk.f_bavail = 1 << 20
        telemetry.append(STREAM, lines("lost too: nobody has looked yet"))
        await telemetry.flush()
        telemetry.append(STREAM, lines("later"))
        told, later = sorted(await messages_of(telemetry), reverse=True)
        assert '"droppedRecords":34' in told
        assert later == "later"

    run(tmp_path, scenario)


def test_an_invocation_that_cannot_be_billed_is_not_acknowledged(
    tmp_path: Path,
) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        # The sweep of the start is over, so that nothing drains in between.
        await telemetry.change(lambda c: None)
        acknowledged = 0
        with pytest.raises(JournalFullError):
            while True:
                append_ready(telemetry, acknowledged)
                acknowledged += 1
        assert (await telemetry.usage(0, 1000))[0].requests == acknowledged

    run(tmp_path, scenario, SMALL)


def test_a_database_in_trouble_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[str]:
        telemetry.append(STREAM, lines("a"))
        monkeypatch.setattr(Ingest, "_write", broken)
        with pytest.raises(sqlite3.OperationalError):
            await telemetry.flush()
        monkeypatch.undo()
        return await messages_of(telemetry)

    assert run(tmp_path, scenario) == ["a"]


def test_replay_after_a_kill_between_commit_and_release_repeats_nothing(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[str]:
        return await messages_of(telemetry)

    async def append(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, lines("a", "b"), entry("r1"))

    run(tmp_path, append)
    # The journal's file is still there, as after a kill; its records are in the database already.
    assert list((tmp_path / "journal").iterdir())
    assert run(tmp_path, scenario) == ["a", "b"]


def test_a_lost_journal_directory_does_not_confuse_the_next_one(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[str]:
        telemetry.append(STREAM, lines("a"))
        return await messages_of(telemetry)

    run(tmp_path, scenario)
    for file in (tmp_path / "journal").iterdir():
        file.unlink()
    assert run(tmp_path, scenario) == ["a", "a"]


KILLED = """
import asyncio, sys
from pathlib import Path
from stoker.model.clock import SystemClock
from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, Report
from stoker.observability.telemetry import open_telemetry

async def main(root, first):
    telemetry, number = await open_telemetry(root, SystemClock()), first
    stream = LogStream(region="us-east-1", group="g", stream="s")
    while True:
        number += 1
        report = Report(request_id=str(number), duration_ms=1.0, billed_ms=1, memory_mb=1, max_memory_mb=1)
        ledger = LedgerEntry(request_id=str(number), at=1.0, account="0", region="r", function="f", version="1",
                             architecture="x86_64", report=report)
        telemetry.append(stream, [LogEvent(timestamp_ms=number, message=str(number))], ledger)
        print(number, flush=True)
        if number % 10 == 0:
            await asyncio.sleep(0)
        if number % 100 == 0:
            await telemetry.flush()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def killed_after(root: Path, first: int, how_many: int) -> int:
    """Append in another process and kill -9 it; the last number that it acknowledged."""
    command = [sys.executable, "-c", KILLED, str(root), str(first)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(how_many)]
    writer.kill()
    acknowledged += writer.communicate()[0].splitlines(True)
    return max(int(line) for line in acknowledged if line.endswith("\n"))


def test_logs_and_ledger_outlive_kill_9_exactly_once(tmp_path: Path) -> None:
    last = killed_after(tmp_path, 0, 1 + os.getpid() % 400)
    # One that was appended but not acknowledged may be there too; the next process goes on behind it.
    last = killed_after(tmp_path, last + 1, 150)

    async def scenario(telemetry: Telemetry, clock: FakeClock) -> tuple[list[int], list[int]]:
        events = await telemetry.read(kept_messages)
        rows = await telemetry.read(lambda c: c.execute("SELECT request_id FROM ledger").fetchall())
        return sorted(map(int, events)), sorted(int(text) for (text,) in rows)

    events, rows = run(tmp_path, scenario)
    assert events == rows
    assert len(set(events)) == len(events)
    missing = set(range(1, last + 1)) - set(events)
    assert len(missing) <= 1
