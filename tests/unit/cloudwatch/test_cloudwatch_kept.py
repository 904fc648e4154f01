"""Metrics in the telemetry: from records and requests to rows, what survives, how long, and what is asked of them."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.kept_lines import back_to_rows
from stoker.model.invocation import LedgerEntry, LogEvent, LogStream, Report
from stoker.observability import database
from stoker.observability.cloudwatch import points as cloudwatch_points
from stoker.observability.cloudwatch import writing
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.points import Metric, Points, dimensions_of, dimensions_text
from stoker.observability.cloudwatch.queries import MetricQuery, answer
from stoker.observability.cloudwatch.reading import MetricSearch, read_series, search_metrics
from stoker.observability.cloudwatch.retention import DAY_S, expire
from stoker.observability.cloudwatch.writing import MetricWriter, TooManyMetricsError
from stoker.observability.telemetry import Telemetry, open_telemetry

REGION = "us-east-1"
STREAM = LogStream(region=REGION, group="/aws/lambda/hello", stream="a")
NOW = 1_700_000_040
MINUTE = NOW // 60 * 60
Scenario = Callable[[Telemetry, FakeClock], Awaitable[Any]]


def metric(name: str, namespace: str = "Shop", **dimensions: str) -> Metric:
    return Metric(REGION, namespace, name, dimensions_text(dimensions))


def run(root: Path, scenario: Scenario) -> Any:
    async def main() -> Any:
        clock = FakeClock(float(NOW))
        telemetry = await open_telemetry(root, clock)
        try:
            return await scenario(telemetry, clock)
        finally:
            await telemetry.close()

    return asyncio.run(main())


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return database.open_writer(tmp_path / "telemetry.db")


def put(connection: sqlite3.Connection, of: Metric, *samples: tuple[float, float], fine: bool = False) -> None:
    points = Points()
    for at, value in samples:
        points.add(of, "Count", at, value, high_resolution=fine)
    MetricWriter(connection).write(points)


def sums(connection: sqlite3.Connection, of: Metric, start: int, end: int, period_s: int) -> dict[int, float]:
    found = read_series(connection, of, start=start, end=end, period_s=period_s)
    return {at: statistic.total for (at, _), statistic in found.items()}


def entry(request_id: str, ms: float, **changes: Any) -> LedgerEntry:
    report = Report(
        request_id=request_id,
        duration_ms=ms,
        billed_ms=4,
        memory_mb=128,
        max_memory_mb=36,
        status=changes.pop("status", "success"),
    )
    values = {"region": REGION, "function": "hello", "version": "$LATEST", "architecture": "x86_64", "at": NOW + 1.0}
    return LedgerEntry(request_id=request_id, account="000000000000", report=report, **{**values, **changes})


def test_invocations_become_lambdas_metrics_by_function_name_and_version(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, [], entry("a", 10.0))
        telemetry.append(STREAM, [], entry("b", 20.0, status="error", qualifier="live", version="3"))
        telemetry.append(STREAM, [], entry("c", 30.0, qualifier="live", version="4", provisioned=True))
        clock.advance(2)
        read = telemetry.read_metrics

        async def figure(name: str, **dimensions: str) -> list[float]:
            of = metric(name, "AWS/Lambda", **dimensions)
            found = await read(lambda c: read_series(c, of, start=MINUTE - 60, end=NOW + 60, period_s=60))
            return [number for each in found.values() for number in (each.samples, each.total)]

        assert await figure("Invocations") == [3, 3]
        assert await figure("Errors", FunctionName="hello") == [3, 1]
        assert await figure("Invocations", FunctionName="hello", Resource="hello") == [1, 1]
        assert await figure("Duration", FunctionName="hello", Resource="hello:live") == [2, 50.0]
        by_version = {"FunctionName": "hello", "Resource": "hello:live"}
        assert await figure("Errors", **by_version, ExecutedVersion="3") == [1, 1]
        assert await figure("Errors", **by_version, ExecutedVersion="4") == [1, 0]
        assert await figure("ProvisionedConcurrencyInvocations", **by_version, ExecutedVersion="4") == [1, 1]
        assert await figure("Throttles", FunctionName="hello") == [3, 0]

    run(tmp_path, scenario)


def test_an_invocation_counts_for_the_minute_in_which_it_began(tmp_path: Path) -> None:
    async def scenario(telemetry: Telemetry, clock: FakeClock) -> None:
        telemetry.append(STREAM, [], entry("a", 90_000.0))
        clock.advance(2)
        found = await telemetry.read_metrics(
            lambda c: sums(c, metric("Invocations", "AWS/Lambda"), MINUTE - 600, NOW + 600, 60)
        )
        assert found == {(NOW + 1 - 90) // 60 * 60: 1}

    run(tmp_path, scenario)


def test_lines_and_samples_that_a_killed_process_left_in_the_journal_are_metrics_once(tmp_path: Path) -> None:
    line = f'{{"_aws":{{"Timestamp":{NOW}000,"CloudWatchMetrics":[{{"Namespace":"Shop","Dimensions":[[]],'
    line += '"Metrics":[{"Name":"sold"}]}]},"sold":3}'

    async def appended() -> None:
        telemetry = await open_telemetry(tmp_path, FakeClock(float(NOW)))
        telemetry.append(STREAM, [LogEvent(timestamp_ms=NOW * 1000, message=line)])
        points = Points()
        points.add(metric("queued"), "Count", NOW, 2.0)
        telemetry.measure(points)
        # Neither drained nor closed: the journal is all there is. A killed process has no threads that go on.
        telemetry._journal._preparer.shutdown()

    async def scenario(telemetry: Telemetry, _clock: FakeClock) -> None:
        for name, value in (("sold", 3), ("queued", 2)):
            found = await telemetry.read(lambda c, name=name: sums(c, metric(name), NOW - 600, NOW + 600, 60))
            assert found == {MINUTE: value}

    asyncio.run(appended())
    run(tmp_path, scenario)
    run(tmp_path, scenario)


def test_samples_come_together_by_period(connection: sqlite3.Connection) -> None:
    put(connection, metric("sold"), (MINUTE, 1), (MINUTE + 59, 2), (MINUTE + 60, 4))
    put(connection, metric("sold"), (MINUTE + 1, 8))
    assert sums(connection, metric("sold"), MINUTE, MINUTE + 120, 60) == {MINUTE: 11, MINUTE + 60: 4}
    assert sums(connection, metric("sold"), MINUTE, MINUTE + 120, 120) == {MINUTE: 15}
    assert sums(connection, metric("sold"), MINUTE, MINUTE + 60, 60) == {MINUTE: 11}
    assert sums(connection, metric("sold", of="x"), MINUTE, MINUTE + 60, 60) == {}


def test_seconds_are_kept_for_three_hours_minutes_for_15_days_and_so_on(connection: sqlite3.Connection) -> None:
    at, sold = NOW // 3600 * 3600, metric("sold")
    put(connection, sold, *((at + second, 1.0) for second in range(600)), fine=True)

    def tiers(later_s: int) -> list[tuple[int, int, float]]:
        after: int | None = 0
        while after is not None:
            after = expire(connection, at + later_s, after)
        query = "SELECT resolution_s, COUNT(*), SUM(total) FROM metric_points GROUP BY 1 ORDER BY 1"
        return connection.execute(query).fetchall()

    assert tiers(600) == [(1, 600, 600.0), (60, 10, 600.0)]
    assert tiers(3 * 3600 + 601) == [(60, 10, 600.0)]
    assert tiers(15 * DAY_S) == [(60, 10, 600.0)]
    assert tiers(15 * DAY_S + 600) == [(300, 2, 600.0)]
    assert sums(connection, sold, at, at + 600, 60) == {}
    assert sums(connection, sold, at, at + 600, 300) == {at: 300, at + 300: 300}
    assert tiers(63 * DAY_S + 3600) == [(3600, 1, 600.0)]
    found = read_series(connection, sold, start=at, end=at + 3600, period_s=3600, with_spread=True)
    assert [each.percentile(99) for each in found.values()] == [1.0]
    assert tiers(455 * DAY_S + 3601) == []
    assert search_metrics(connection, MetricSearch(region=REGION)) == []


def test_there_are_so_many_published_metrics_at_most(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_METRICS", 2)
    points = Points()
    for name in "abc":
        points.add(metric(name), "Count", NOW, 1.0)
        points.add(metric(name, "AWS/Lambda"), "Count", NOW, 1.0)
    assert MetricWriter(connection).write(points) == 1
    with pytest.raises(TooManyMetricsError):
        MetricWriter(connection).write(points, strict=True)
    assert len(search_metrics(connection, MetricSearch(region=REGION))) == 5


def test_metrics_are_found_by_what_they_are_and_when_they_were(connection: sqlite3.Connection) -> None:
    put(connection, metric("a", shop="one", till="1"), (NOW, 1))
    put(connection, metric("a", shop="two"), (NOW - 4 * 3600, 1))
    put(connection, metric("b", "Other"), (NOW, 1))

    def found(**search: Any) -> list[str]:
        hits = search_metrics(connection, MetricSearch(region=REGION, **search))
        return [f"{hit.name}{dimensions_of(hit.dimensions).get('shop', '')}" for _, hit in hits]

    assert found() == ["aone", "atwo", "b"]
    assert found(namespace="Shop") == found(name="a") == found(dimensions=[("shop", None)]) == ["aone", "atwo"]
    assert found(dimensions=[("shop", "one"), ("till", "1")]) == ["aone"]
    assert found(since=NOW - 3 * 3600) == ["aone", "b"]
    assert found(limit=1) == ["aone"]
    assert search_metrics(connection, MetricSearch(region="eu-west-1")) == []


def test_expressions_are_computed_over_what_is_kept(connection: sqlite3.Connection) -> None:
    put(connection, metric("errors"), (MINUTE, 1))
    put(connection, metric("calls"), (MINUTE, 4), (MINUTE + 60, 5))
    queries = [
        MetricQuery(id="e", metric=metric("errors"), statistic="Sum", period_s=60, returned=False),
        MetricQuery(id="c", metric=metric("calls"), statistic="Sum", period_s=60),
        MetricQuery(id="rate", expression="100 * FILL(e, 0) / c", label="Error rate"),
    ]
    found = answer(connection, MetricMath(), queries, MINUTE, MINUTE + 120)
    assert [(each.id, each.series.label, each.series.points) for each in found] == [
        ("c", "calls", {MINUTE: 4, MINUTE + 60: 5}),
        ("rate", "Error rate", {MINUTE: 25.0, MINUTE + 60: 0.0}),
    ]


def test_a_database_of_before_metrics_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.db"
    old = database.open_writer(path)
    back_to_rows(old)
    old.executescript(
        "DROP TABLE metrics; DROP TABLE metric_points; DROP TABLE metrics_position;"
        "ALTER TABLE ledger DROP COLUMN qualifier; PRAGMA user_version = 4"
    )
    old.close()
    connection = database.open_writer(path)
    put(connection, metric("sold"), (NOW, 1))
    connection.execute("SELECT qualifier FROM ledger")


def test_each_invocation_is_taken_up_once_however_often_and_by_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stoker.observability.cloudwatch.invocations.MOST_ROWS", 4)
    ends = [NOW + 0.001 * number for number in (0, 1, 1, 1, 2, 3, 3, 3, 4, 5)]

    async def counted(telemetry: Telemetry) -> float:
        of = metric("Invocations", "AWS/Lambda")
        found = await telemetry.read_metrics(lambda c: sums(c, of, MINUTE - 60, NOW + 120, 60))
        return sum(found.values())

    async def killed() -> None:
        telemetry = await open_telemetry(tmp_path, FakeClock(float(NOW)))
        for number, at in enumerate(ends):
            telemetry.append(STREAM, [], entry(f"r{number}", 0.0, at=at))
        await telemetry.flush()
        assert await counted(telemetry) == 0
        telemetry._journal._preparer.shutdown()

    async def scenario(telemetry: Telemetry, clock: FakeClock) -> list[float]:
        clock.advance(1)
        found = [await counted(telemetry) for _ in range(5)]
        telemetry.append(STREAM, [], entry("late", 0.0, at=clock.time()))
        clock.advance(1)
        return [*found, await counted(telemetry)]

    asyncio.run(killed())
    assert run(tmp_path, scenario) == [1, 4, 5, 8, 10, 11]
    assert run(tmp_path, scenario)[0] == 11


def test_one_publisher_uses_up_no_other_s_metrics(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "MOST_OF_ONE", 2)

    def published(publisher: str, *names: str, strict: bool = False) -> int:
        points = Points(publisher)
        for name in names:
            points.add(metric(name), "Count", NOW, 1.0)
        return MetricWriter(connection).write(points, strict=strict)

    assert published("one", "a", "b", "c") == 1
    # What it has goes on; what another one has, too, also where both publish it.
    assert published("one", "a", "b") == 0
    assert published("another", "b", "d", "e") == 0
    assert published("", "f", "g", "h") == 0
    with pytest.raises(TooManyMetricsError):
        published("another", "i", strict=True)


def test_what_one_publishes_in_a_moment_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudwatch_points, "MOST_POINTS_OF_ONE", 2)
    points = Points("one")
    for name in "abc":
        points.add(metric(name), "Count", NOW, 1.0)
    points.publisher = "another"
    points.add(metric("d"), "Count", NOW, 1.0)
    assert [point.metric.name for point, _ in points.items()] == ["a", "b", "d"]
    assert points.dropped == 1
