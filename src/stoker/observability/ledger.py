"""The ledger: what every invocation used, summed up for the bill."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from stoker.model.invocation import ProvisionedStep
from stoker.observability.database import DAY_S

MB_MS_OF_A_GB_S = 1_024_000

UsageKey = Literal["function", "version", "region", "day"]
_KEYS = {
    "region": "region",
    "function": "region || ':' || function",
    "version": "region || ':' || function || ':' || version",
    "day": f"date(day * {DAY_S}, 'unixepoch')",
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
    """Sums over invocations that ended, and environments that were held, on the days from `since` to `until`.

    Both are midnights in UTC, in seconds of the epoch, as months begin and end.
    """
    query = f"""SELECT {_KEYS[by]}, architecture, SUM(requests), SUM(errors), SUM(billed_ms), SUM(billed_mb_ms),
            SUM(streamed_bytes), SUM(provisioned_mb_ms), SUM(held_mb_ms) FROM (
        SELECT day, region, function, version, architecture, requests, errors, billed_ms, billed_mb_ms, streamed_bytes,
            provisioned_mb_ms, 0 AS held_mb_ms
        FROM daily_usage WHERE day >= ?3 AND day < ?4
        UNION ALL
        SELECT CAST(at AS INTEGER) / {DAY_S}, region, function, version, architecture, 0, 0, 0, 0, 0, 0,
            count * seconds * 1000 * memory_mb
        FROM provisioned WHERE at >= ?1 AND at < ?2
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
            query, (since, until, since / DAY_S, until / DAY_S)
        )
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class LastError:
    """A function's last invocation that failed. `at` is when it ended, in seconds of the epoch; `status` is that of its
    REPORT line (`error`, `timeout`), `error_type` what it failed with if it said so.
    """

    at: float
    request_id: str
    status: str
    error_type: str | None


def last_errors(connection: sqlite3.Connection, region: str, functions: Sequence[str]) -> Mapping[str, LastError]:
    """By function, of those among them that ever failed."""
    query = f"""SELECT function, at, request_id, status, error_type FROM last_errors
        WHERE region = ? AND function IN ({", ".join("?" * len(functions))})"""
    return {
        function: LastError(at=at, request_id=request_id, status=status, error_type=error_type)
        for function, at, request_id, status, error_type in connection.execute(query, (region, *functions))
    }


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
