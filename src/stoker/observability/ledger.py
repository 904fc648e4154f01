"""The ledger: what every invocation used, summed up for the bill."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# AWS Lambda pricing: what a request streams is billed beyond the first 6 MB.
FREE_STREAM_BYTES = 6 << 20

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
    `billed_stream_bytes` is what was streamed beyond the first 6 MB of each request.
    """

    key: str
    architecture: str
    requests: int
    errors: int
    billed_ms: int
    billed_mb_ms: int
    billed_stream_bytes: int = 0

    @property
    def gb_seconds(self) -> float:
        return self.billed_mb_ms / 1_024_000

    @property
    def streamed_gb(self) -> float:
        return self.billed_stream_bytes / (1 << 30)


def sum_usage(connection: sqlite3.Connection, since: float, until: float, by: UsageKey) -> Sequence[Usage]:
    """Sums over invocations that ended from `since` on and before `until` (seconds since the epoch)."""
    query = f"""SELECT {_KEYS[by]} AS usage_key, architecture, COUNT(*), SUM(status != 'success'), SUM(billed_ms),
        SUM(billed_ms * memory_mb), SUM(MAX(streamed_bytes - {FREE_STREAM_BYTES}, 0)) FROM ledger
        WHERE at >= ? AND at < ? GROUP BY 1, 2 ORDER BY 1, 2"""
    return [
        Usage(
            key=key,
            architecture=arch,
            requests=requests,
            errors=errors,
            billed_ms=billed,
            billed_mb_ms=mb_ms,
            billed_stream_bytes=streamed,
        )
        for key, arch, requests, errors, billed, mb_ms, streamed in connection.execute(query, (since, until))
    ]
