"""How long samples are kept, and how fine: seconds for 3 hours, minutes for 15 days, then 5 minutes, then hours.

Source: "Metrics retention" in "Amazon CloudWatch concepts". One metric that gets samples all the time is at most
10,800 + 21,600 + 13,824 + 9,408 rows per unit, some 4 MB.
"""

import sqlite3
from itertools import pairwise

from stoker.observability.cloudwatch.statistic import Statistic
from stoker.observability.cloudwatch.writing import merge_row

DAY_S = 86_400
SECONDS_KEPT_S = 3 * 3600
# Each tier's period, and how long it is kept before it is put together to the next, or is gone.
TIERS_S = (60, 300, 3600)
_KEPT_S = {60: 15 * DAY_S, 300: 63 * DAY_S, 3600: 455 * DAY_S}
# What one transaction looks at: some 10 ms of the writer's thread, so that records are drained in between.
METRICS_AT_ONCE = 200
_ROWS_AT_ONCE = 2_000


def expire(connection: sqlite3.Connection, now: float, after: int) -> int | None:
    """Roll up and delete what is too old, of the next metrics behind the one with the id `after`.

    Returns where to go on, None at the end.
    """
    ids = connection.execute("SELECT id FROM metrics WHERE id > ? ORDER BY id LIMIT ?", (after, METRICS_AT_ONCE))
    for (id_,) in ids.fetchall():
        delete = "DELETE FROM metric_points WHERE metric_id = ? AND resolution_s = ? AND at < ?"
        connection.execute(delete, (id_, 1, int(now) - SECONDS_KEPT_S))
        for tier, coarser in pairwise(TIERS_S):
            until = (int(now) - _KEPT_S[tier]) // coarser * coarser
            if _roll_up(connection, id_, tier, coarser, until):
                # There is more of this one.
                return after
        connection.execute(delete, (id_, TIERS_S[-1], int(now) - _KEPT_S[TIERS_S[-1]]))
        after = id_
    gone = int(now) - _KEPT_S[TIERS_S[-1]]
    connection.execute("DELETE FROM metrics WHERE last_at < ? AND id <= ?", (gone, after))
    more = connection.execute("SELECT 1 FROM metrics WHERE id > ? LIMIT 1", (after,)).fetchone()
    return after if more else None


def _roll_up(connection: sqlite3.Connection, id_: int, tier: int, coarser: int, until: int) -> bool:
    """Put a tier's rows before `until` together; whether there may be more."""
    where = "metric_id = ? AND resolution_s = ?"
    rows = connection.execute(
        f"""SELECT at, unit, samples, total, least, most, spread FROM metric_points WHERE {where} AND at < ?
        ORDER BY at, unit LIMIT ?""",
        (id_, tier, until, _ROWS_AT_ONCE),
    ).fetchall()
    sums: dict[tuple[int, str], Statistic] = {}
    for at, unit, *statistic in rows:
        sums.setdefault((at // coarser * coarser, unit), Statistic()).merge(Statistic(*statistic))
    for (at, unit), statistic in sums.items():
        merge_row(connection, (id_, coarser, at, unit), statistic)
    if rows:
        connection.execute(
            f"DELETE FROM metric_points WHERE {where} AND (at, unit) <= (?, ?)", (id_, tier, rows[-1][0], rows[-1][1])
        )
    return len(rows) == _ROWS_AT_ONCE
