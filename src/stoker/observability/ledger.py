"""The ledger: what every invocation used, summed up for the bill."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stoker.model.invocation import ProvisionedStep

# AWS Lambda pricing: what a request streams is billed beyond the first 6 MB.
FREE_STREAM_BYTES = 6 << 20
MB_MS_OF_A_GB_S = 1_024_000

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
    the sum of billed milliseconds times memory size: divided by 1,024,000 it is AWS's GB-seconds. `provisioned_mb_ms`
    is the part of it that ran in provisioned environments, `held_mb_ms` what those were held ready for, called or not.
    `billed_stream_bytes` is what was streamed beyond the first 6 MB of each request.
    """

    key: str
    architecture: str
    requests: int
    errors: int
    billed_ms: int
    billed_mb_ms: int
    billed_stream_bytes: int = 0
    provisioned_mb_ms: int = 0
    held_mb_ms: int = 0

    @property
    def gb_seconds(self) -> float:
        return self.billed_mb_ms / MB_MS_OF_A_GB_S

    @property
    def on_demand_gb_seconds(self) -> float:
        return (self.billed_mb_ms - self.provisioned_mb_ms) / MB_MS_OF_A_GB_S

    @property
    def provisioned_gb_seconds(self) -> float:
        return self.provisioned_mb_ms / MB_MS_OF_A_GB_S

    @property
    def held_gb_seconds(self) -> float:
        return self.held_mb_ms / MB_MS_OF_A_GB_S

    @property
    def streamed_gb(self) -> float:
        return self.billed_stream_bytes / (1 << 30)


def sum_usage(connection: sqlite3.Connection, since: float, until: float, by: UsageKey) -> Sequence[Usage]:
    """Sums over invocations that ended, and environments that were held, in [since, until), seconds of the epoch."""
    query = f"""SELECT usage_key, architecture, SUM(requests), SUM(errors), SUM(billed_ms), SUM(billed_mb_ms),
            SUM(streamed), SUM(provisioned_mb_ms), SUM(held_mb_ms) FROM (
        SELECT {_KEYS[by]} AS usage_key, architecture, COUNT(*) AS requests, SUM(status != 'success') AS errors,
            SUM(billed_ms) AS billed_ms, SUM(billed_ms * memory_mb) AS billed_mb_ms,
            SUM(MAX(streamed_bytes - {FREE_STREAM_BYTES}, 0)) AS streamed,
            SUM(provisioned * billed_ms * memory_mb) AS provisioned_mb_ms, 0 AS held_mb_ms
        FROM ledger WHERE at >= ?1 AND at < ?2 GROUP BY 1, 2
        UNION ALL
        SELECT {_KEYS[by]}, architecture, 0, 0, 0, 0, 0, 0, SUM(count * seconds * 1000 * memory_mb)
        FROM provisioned WHERE at >= ?1 AND at < ?2 GROUP BY 1, 2
        ) GROUP BY 1, 2 ORDER BY 1, 2"""
    return [
        Usage(
            key=key,
            architecture=arch,
            requests=requests,
            errors=errors,
            billed_ms=billed,
            billed_mb_ms=mb_ms,
            billed_stream_bytes=streamed,
            provisioned_mb_ms=provisioned,
            held_mb_ms=held,
        )
        for key, arch, requests, errors, billed, mb_ms, streamed, provisioned, held in connection.execute(
            query, (since, until)
        )
    ]


def write_provisioned(connection: sqlite3.Connection, step: ProvisionedStep) -> None:
    """Charge a step, once: who charges it again after a crash changes nothing."""
    connection.execute(
        "INSERT OR IGNORE INTO provisioned (region, function, qualifier, at, account, version, architecture, memory_mb,"
        " count, seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            step.region,
            step.function,
            step.qualifier,
            step.at,
            step.account,
            step.version,
            step.architecture,
            step.memory_mb,
            step.count,
            step.seconds,
        ),
    )
