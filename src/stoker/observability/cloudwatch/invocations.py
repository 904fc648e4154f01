"""From the ledger to Lambda's metrics: rows that were not taken up yet, and how far that has come, in one transaction.

What is pending is in the ledger and nowhere else: so it does not matter who takes it up, this process or the drainer,
nor whether one is killed. Rows come into the ledger in the order of their times, which are those of their appending.
"""

import sqlite3

from stoker.observability.cloudwatch.lambda_metrics import LambdaMetrics
from stoker.observability.cloudwatch.points import Points
from stoker.observability.cloudwatch.writing import MetricWriter

# Of one transaction: some 30 ms.
MOST_ROWS = 10_000

_PENDING = """SELECT at, region, function, version, qualifier, duration_ms, status, provisioned FROM ledger
    WHERE at >= ? AND at < ? ORDER BY at LIMIT ?"""


def roll_up(connection: sqlite3.Connection, before: float) -> bool:
    """Take up invocations that ended before a moment (seconds since the epoch), of which all are in the ledger.

    Returns whether there are more of them. To be called in a transaction.
    """
    (since,) = connection.execute("SELECT at FROM metrics_position").fetchone()
    rows = connection.execute(_PENDING, (since, before, MOST_ROWS)).fetchall()
    if not rows:
        return False
    more = len(rows) == MOST_ROWS
    if more:
        # There may be others of the same moment: those are taken up together.
        before = rows[-1][0]
    invocations = LambdaMetrics()
    for at, region, function, version, qualifier, duration_ms, status, provisioned in rows:
        if at < before:
            invocations.invoked(
                region=region,
                function=function,
                version=version,
                qualifier=qualifier,
                at=at,
                duration_ms=duration_ms,
                failed=status != "success",
                provisioned=bool(provisioned),
            )
    points = Points()
    invocations.put_into(points)
    MetricWriter(connection).write(points)
    connection.execute("UPDATE metrics_position SET at = ?", (before,))
    return more
