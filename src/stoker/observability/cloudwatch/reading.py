"""What is asked of metrics: a metric's statistics by period, and which metrics there are."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.observability.cloudwatch.points import Metric, dimensions_of
from stoker.observability.cloudwatch.retention import TIERS_S
from stoker.observability.cloudwatch.statistic import Statistic

# Metrics without samples for two weeks are listed no more (ListMetrics); their samples can still be asked for.
LISTED_S = 14 * 86_400

# Periods by their beginning, in seconds since the epoch, and unit.
Series = dict[tuple[int, str], Statistic]


def read_series(
    connection: sqlite3.Connection,
    metric: Metric,
    *,
    start: int,
    end: int,
    period_s: int,
    unit: str | None = None,
    with_spread: bool = False,
) -> Series:
    """A metric's samples in [start, end) by periods from `start` on; of one unit only, if given. Times are seconds
    since the epoch.

    Samples of finer and of coarser periods are exclusive in time, so all that are fine enough are put together.
    Percentiles need `with_spread`, which costs a look at each minute.
    """
    row = connection.execute(
        "SELECT id FROM metrics WHERE region = ? AND namespace = ? AND name = ? AND dimensions = ?", metric
    ).fetchone()
    if row is None:
        return {}
    tiers = [1] if period_s < TIERS_S[0] else [tier for tier in TIERS_S if tier <= period_s]
    series: Series = {}
    for tier in tiers:
        for at, of_unit, *statistic in _rows(connection, row[0], tier, start, end, period_s, with_spread=with_spread):
            if unit in (None, of_unit):
                series.setdefault((at, of_unit), Statistic()).merge(Statistic(*statistic))
    return series


def _rows(
    connection: sqlite3.Connection, id_: int, tier: int, start: int, end: int, period_s: int, *, with_spread: bool
) -> Iterable[Any]:
    """Summed up by the database where it can do that: it does so without the interpreter's lock."""
    where = "metric_id = ?1 AND resolution_s = ?2 AND at >= ?3 AND at < ?4"
    begin = "(at - ?3) / ?5 * ?5 + ?3"
    if with_spread:
        query = f"SELECT {begin}, unit, samples, total, least, most, spread FROM metric_points WHERE {where}"
    else:
        query = f"""SELECT {begin}, unit, SUM(samples), SUM(total), MIN(least), MAX(most) FROM metric_points
            WHERE {where} GROUP BY 1, 2"""
    return connection.execute(query, (id_, tier, start, end, period_s)).fetchall()


@dataclass(frozen=True, kw_only=True)
class MetricSearch:
    """Which metrics are looked for. `dimensions` are names that a metric must have, with their values or None.

    `after` is the id behind which to go on; `since` the moment of the oldest last sample.
    """

    region: str
    namespace: str | None = None
    name: str | None = None
    dimensions: Sequence[tuple[str, str | None]] = ()
    since: int = 0
    after: int = 0
    limit: int = 500


def search_metrics(connection: sqlite3.Connection, search: MetricSearch) -> Sequence[tuple[int, Metric]]:
    """Metrics in the order of their ids, at most `limit`."""
    rows = connection.execute(
        """SELECT id, region, namespace, name, dimensions FROM metrics
        WHERE region = ?1 AND id > ?2 AND last_at >= ?3
        AND (?4 IS NULL OR namespace = ?4) AND (?5 IS NULL OR name = ?5) ORDER BY id""",
        (search.region, search.after, search.since, search.namespace, search.name),
    )
    found: list[tuple[int, Metric]] = []
    for id_, *metric in rows:
        if _has(dimensions_of(metric[3]), search.dimensions):
            found.append((id_, Metric(*metric)))
            if len(found) == search.limit:
                break
    return found


def _has(dimensions: Mapping[str, str], wanted: Sequence[tuple[str, str | None]]) -> bool:
    return all(name in dimensions and value in (None, dimensions[name]) for name, value in wanted)
