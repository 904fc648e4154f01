"""The bill of a month: what the ledger sums up, at a table's prices. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stoker.observability.ledger import Usage
from stoker.observability.prices import Prices

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class BillLine:
    """One key's usage on one architecture, and what it costs before the free tier."""

    usage: Usage
    usd: float


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The lines, their sums, and what the free tier takes off: requests, GB-seconds, streamed GB and US dollars.

    `held_gb_seconds` are those of provisioned environments, called or not; `gb_seconds` are what ran.
    """

    lines: Sequence[BillLine]
    requests: int
    gb_seconds: float
    usd: float
    free_requests: int
    free_gb_seconds: float
    free_usd: float
    streamed_gb: float = 0.0
    free_streamed_gb: float = 0.0
    held_gb_seconds: float = 0.0

    @property
    def due_usd(self) -> float:
        return self.usd - self.free_usd


def make_bill(usages: Sequence[Usage], prices: Prices) -> Bill:
    """The bill of a whole month's usages.

    Tiers are those of the month's sum on an architecture, of which each line has its share. The free GB-seconds are
    taken off the architectures by their share, too.
    """
    compute = {
        architecture: sum(usage.on_demand_gb_seconds for usage in usages if usage.architecture == architecture)
        for architecture in {usage.architecture for usage in usages}
    }
    usd_per_gb_s = {
        name: prices.of_compute(name, amount) / amount if amount else 0.0 for name, amount in compute.items()
    }
    lines = [
        BillLine(
            usage=usage,
            usd=prices.of_requests(usage.requests)
            + usage.on_demand_gb_seconds * usd_per_gb_s[usage.architecture]
            + prices.of_provisioned(
                usage.architecture,
                held_gb_seconds=usage.held_gb_seconds,
                running_gb_seconds=usage.provisioned_gb_seconds,
            )
            + usage.streamed_gb * prices.usd_per_streamed_gb,
        )
        for usage in usages
    ]
    requests, on_demand = sum(usage.requests for usage in usages), sum(compute.values())
    free_requests = min(requests, prices.free_requests)
    free_gb_seconds = min(on_demand, prices.free_gb_seconds)
    streamed_gb = sum(usage.streamed_gb for usage in usages)
    free_streamed_gb = min(streamed_gb, prices.free_streamed_gb)
    paid_part = 1.0 - free_gb_seconds / on_demand if on_demand else 0.0
    free_compute = sum(
        prices.of_compute(name, amount) - prices.of_compute(name, amount * paid_part)
        for name, amount in compute.items()
    )
    return Bill(
        lines=lines,
        requests=requests,
        gb_seconds=sum(usage.gb_seconds for usage in usages),
        held_gb_seconds=sum(usage.held_gb_seconds for usage in usages),
        usd=sum(line.usd for line in lines),
        free_requests=free_requests,
        free_gb_seconds=free_gb_seconds,
        free_usd=prices.of_requests(free_requests) + free_compute + free_streamed_gb * prices.usd_per_streamed_gb,
        streamed_gb=streamed_gb,
        free_streamed_gb=free_streamed_gb,
    )


def month_of(now: float) -> str:
    """The month of a moment (seconds since the epoch) in UTC, as AWS bills: `2026-11`."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m}"


def month_bounds(month: str) -> tuple[float, float]:
    """When a month begins and the next one, in seconds since the epoch. Raises ValueError."""
    if not _MONTH.fullmatch(month):
        raise ValueError(f"{month!r} is no month: write it like 2026-11")
    year, number = int(month[:4]), int(month[5:])
    begin = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return begin.timestamp(), end.timestamp()
