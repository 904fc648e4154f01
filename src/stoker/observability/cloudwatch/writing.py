"""Gathered samples into the telemetry database, in the caller's transaction."""

import sqlite3

from stoker.observability.cloudwatch.points import Metric, Point, Points
from stoker.observability.cloudwatch.statistic import Statistic

# Metrics that somebody publishes, of all regions: whoever makes dimensions of request ids fills no disk. What services
# measure by themselves (AWS/…) comes on top; that is as much as there are functions, versions and queues.
MOST_METRICS = 10_000
# And of those, that one publisher made: a role, or whoever's lines are in a group of logs. It is refused more, and what
# it has is kept. (The oldest could go instead: then each new one would cost the deletion of another's samples.)
MOST_OF_ONE = 1_000
# How far behind a metric's note of its last sample may be: nobody is told it to the minute.
_NOTED_EVERY_S = 600
_MOST_REMEMBERED = 20_000

_SELECT = """SELECT samples, total, least, most, spread FROM metric_points
    WHERE metric_id = ? AND resolution_s = ? AND at = ? AND unit = ?"""
_INSERT = "INSERT INTO metrics (region, namespace, name, dimensions, last_at, publisher) VALUES (?, ?, ?, ?, ?, ?)"
_REPLACE = "INSERT OR REPLACE INTO metric_points VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class TooManyMetricsError(Exception):
    """There are as many metrics as are kept, of all or of this role; without samples for 15 months they go."""


class MetricWriter:
    """Belongs to the telemetry writer's thread, as its connection does."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # The id, and when its last sample was as far as the database knows.
        self._known: dict[Metric, tuple[int, int]] = {}

    def forget(self) -> None:
        """To be called when a transaction failed, or another process may have written."""
        self._known.clear()

    def write(self, points: Points, *, strict: bool = False) -> int:
        """Add everything to what is there. Returns how many points were dropped, since there are too many metrics;
        where that is `strict`, raises TooManyMetricsError instead.
        """
        dropped = points.dropped
        for point, statistic in points.items():
            metric_id = self._id(point, points.publisher_of(point.metric))
            if metric_id is not None:
                merge_row(self._connection, (metric_id, point.resolution_s, point.at, point.unit), statistic)
            elif strict:
                raise TooManyMetricsError(TooManyMetricsError.__doc__)
            else:
                dropped += 1
        return dropped

    def _id(self, point: Point, publisher: str) -> int | None:
        known = self._known.get(point.metric) or self._find(point, publisher)
        if known is None:
            return None
        metric_id, last_at = known
        if point.at >= last_at + _NOTED_EVERY_S:
            self._connection.execute("UPDATE metrics SET last_at = MAX(last_at, ?) WHERE id = ?", (point.at, metric_id))
            self._known[point.metric] = metric_id, point.at
        return metric_id

    def _find(self, point: Point, publisher: str) -> tuple[int, int] | None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        run, metric = self._connection.execute, point.metric
        found = run(
            "SELECT id, last_at FROM metrics WHERE region = ? AND namespace = ? AND name = ? AND dimensions = ?", metric
        ).fetchone()
        if found is None:
            if not metric.namespace.startswith("AWS/") and not self._has_room(publisher):
                return None
            found = run(_INSERT, (*metric, point.at, publisher)).lastrowid, point.at
        self._known[metric] = found
        return found[0], found[1]

    def _has_room(self, publisher: str) -> bool:
        """Asked once for each new metric; counting 10,000 takes a tenth of a millisecond."""
        run = self._connection.execute
        if publisher:
            (own,) = run("SELECT COUNT(*) FROM metrics WHERE publisher = ?", (publisher,)).fetchone()
            if own >= MOST_OF_ONE:
                return False
        (count,) = run("SELECT COUNT(*) FROM metrics WHERE namespace < 'AWS/' OR namespace >= 'AWS0'").fetchone()
        return bool(count < MOST_METRICS)


def merge_row(connection: sqlite3.Connection, place: tuple[int, int, int, str], statistic: Statistic) -> None:
    """Add to the row at a place: the metric's id, the resolution, the beginning of the period, and the unit."""
    row = connection.execute(_SELECT, place).fetchone()
    if row is not None:
        stored = Statistic(*row)
        stored.merge(statistic)
        statistic = stored
    connection.execute(_REPLACE, (*place, *statistic))
