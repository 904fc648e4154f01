"""The ledger: what every invocation used, summed up for the bill."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

UsageKey = Literal["function", "version", "region", "day"]
_KEYS = {
    "region": "region",
    "function": "region || ':' || function",
    "version": "region || ':' || function || ':' || version",
    "day": "date(at, 'unixepoch')",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What was used by one key on one architecture, since prices differ by it.

    `key` is `region`, `region:function`, `region:function:version` or a day in UTC like `2026-11-23`. `billed_mb_ms` is
    the sum of billed milliseconds times memory size: divided by 1,024,000 it is AWS's GB-seconds.
    """

    key: str
    architecture: str
    requests: int
    errors: int
    billed_ms: int
    billed_mb_ms: int

    @property
    def gb_seconds(self) -> float:
        return self.billed_mb_ms / 1_024_000


def sum_usage(connection: sqlite3.Connection, since: float, until: float, by: UsageKey) -> Sequence[Usage]:
    """Sums over invocations that ended from `since` on and before `until` (seconds since the epoch)."""
    query = f"""SELECT {_KEYS[by]} AS usage_key, architecture, COUNT(*), SUM(status != 'success'), SUM(billed_ms),
        SUM(billed_ms * memory_mb) FROM ledger WHERE at >= ? AND at < ? GROUP BY 1, 2 ORDER BY 1, 2"""
    return [
        Usage(key=key, architecture=arch, requests=requests, errors=errors, billed_ms=billed, billed_mb_ms=mb_ms)
        for key, arch, requests, errors, billed, mb_ms in connection.execute(query, (since, until))
    ]
