"""The process that a query runs in, and queries that are meant to do harm."""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from fakes.kept_lines import keep_lines
from fakes.log_rows import PARSER
from fakes.waiting import eventually
from stoker.observability import database
from stoker.observability.chunk_scan import CHUNKS_AT_ONCE
from stoker.observability.insights import queries
from stoker.observability.insights.queries import Queries, RunningQuery, TooManyQueriesError
from stoker.observability.insights.scan import Group, Span
from stoker.observability.insights.worker import Job

# More than a query may give or group; so many chunks are many looks at the database.
COUNT = 10_010
assert COUNT > 2 * CHUNKS_AT_ONCE


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups: one with more chunks than a page of them, one with an event that is a trap."""
    found = tmp_path_factory.mktemp("insights") / "telemetry.db"
    connection = database.open_writer(found)
    connection.execute("BEGIN")
    for group, name in ((1, "many"), (2, "/aws/lambda/trap")):
        connection.execute("INSERT INTO log_groups (id, region, name, created_ms) VALUES (?, 'r', ?, 0)", (group, name))
        connection.execute(
            "INSERT INTO log_streams (id, group_id, name, created_ms) VALUES (?, ?, 's', 0)", (group, group)
        )
    for number in range(COUNT):
        keep_lines(connection, 1, 1, [(number, f"line {number}")])
    keep_lines(connection, 2, 2, [(COUNT, "a" * 200 + '!{"a":' + '{"a":' * 20_000 + "1" + "}" * 20_001)])
    connection.execute("COMMIT")
    connection.close()
    return found


@pytest.fixture
def house() -> Iterator[Queries]:
    made = Queries(FakeClock())
    yield made
    made.close()


def job(path: Path, text: str, *groups: int, span: Span | None = None, **bounds: float) -> Job:
    return Job(
        path=str(path),
        account="1",
        groups=[Group(each, {1: "many", 2: "/aws/lambda/trap"}[each]) for each in groups or (1,)],
        span=span or Span(0, 1 << 40),
        query=PARSER.parse(text),
        limit=None,
        now_s=0,
        **bounds,  # type: ignore[arg-type]
    )


def ended(house: Queries, asked: Job) -> RunningQuery:
    async def start() -> RunningQuery:
        return house.start(asked, text="", region="r")

    query = asyncio.run(start())
    eventually(lambda: not query.under_way, "the query ends")
    return query


def test_every_event_of_the_span_is_looked_at_once_whichever_way(path: Path, house: Queries) -> None:
    for text in (
        "stats count(*), count_distinct(@message)",
        "sort @timestamp | stats count(*), count_distinct(@message)",
    ):
        query = ended(house, job(path, text))
        assert query.status == "Complete"
        assert query.rows == [f'[["count(*)","{COUNT}"],["count_distinct(@message)","{COUNT}"]]\n'.encode()]
        assert query.figures.scanned == query.figures.matched == COUNT
    part = ended(house, job(path, "fields @message | sort @timestamp asc", 1, 2, span=Span(3, COUNT + 1)))
    # One more than is given: of each group the next is known.
    assert (part.figures.scanned, b'"line 3"' in part.rows[0]) == (10_001, True)
    both = ended(house, job(path, "fields @log | limit 2", 1, 2))
    assert [row.split(b'"')[3] for row in both.rows] == [b"1:/aws/lambda/trap", b"1:many"]


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("filter @message like /^(a|aa)+$/", "Timeout", "regular expression"),
        ("filter @message like /((a{1000}){1000}){1000}/", "Failed", "memory"),
        (
            "fields replace(@message, 'a', @message) as b | fields replace(b, 'a', b) as c | filter c = ''",
            "Failed",
            "memory",
        ),
        ("filter @message like /(/", "Failed", "Invalid regular expression"),
        ("fields a.a.a.a | limit 1", "Complete", None),
    ],
)
def test_a_query_that_is_a_trap_ends(path: Path, house: Queries, text: str, status: str, reason: str | None) -> None:
    query = ended(house, job(path, text, 2, memory_bytes=250 << 20))
    assert query.status == status, query.reason
    assert reason is None or reason in (query.reason or "")


def test_a_query_has_only_so_much_time(path: Path, house: Queries) -> None:
    query = ended(house, job(path, "filter @message like /^(a|aa)+$/", 2, timeout_s=0.3))
    assert query.status == "Timeout"


def test_too_many_groups_are_told_of(path: Path, house: Queries) -> None:
    query = ended(house, job(path, "stats count(*) by @message"))
    assert (query.status, query.reason) == ("Failed", "The query makes more than 10000 groups.")


def test_a_query_is_stopped_whatever_it_does_and_others_wait_their_turn(path: Path, house: Queries) -> None:
    trap = job(path, "filter @message like /((a{1000}){1000}){1000}/", 2)

    async def start() -> list[RunningQuery]:
        return [house.start(trap, text="", region="r") for _ in range(queries.AT_ONCE + queries.MOST_WAITING)]

    started = asyncio.run(start())
    running = started[: queries.AT_ONCE]
    eventually(lambda: all(each.status == "Running" for each in running), "two run")
    assert {each.status for each in started[queries.AT_ONCE :]} == {"Scheduled"}
    with pytest.raises(TooManyQueriesError):
        ended(house, trap)
    assert all(each.stop() for each in reversed(started))
    assert {each.status for each in started} == {"Cancelled"}
    processes = [each._process for each in running]
    eventually(lambda: all(each and each.returncode == -signal.SIGKILL for each in processes), "their processes end")
    assert not started[0].stop()
    assert ended(house, job(path, "stats count(*)")).status == "Complete"


def test_a_query_whose_process_cannot_be_started_has_failed(
    path: Path, house: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere")
    assert ended(house, job(path, "limit 1")).status == "Failed"


def test_the_oldest_results_are_forgotten(path: Path, house: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_KEPT", 2)
    asked = job(path, "limit 1")
    made = [ended(house, asked) for _ in range(4)]
    assert [house.find("r", each.id) is not None for each in made] == [False, False, True, True]
    assert house.find("other", made[-1].id) is None


def test_a_query_only_reads(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        database.open_reader(path).execute("DELETE FROM log_chunks")
