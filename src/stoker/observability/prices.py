"""What AWS would charge for what ran here: a table of prices and the month's free tier.

Source: aws.amazon.com/lambda/pricing for us-east-1. Stoker itself charges nothing; `stoker up --prices FILE` replaces
the table by another region's, or by what the operator charges.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any


class PricesError(Exception):
    """The file of prices cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """So many GB-seconds of a month at this price; the last tier has no end."""

    gb_seconds: float = math.inf
    usd: float


@dataclass(frozen=True, kw_only=True)
class ProvisionedPrice:
    """A GB-second of environments that are held ready, and one of invocations in them on top of it."""

    held_usd: float
    running_usd: float


@dataclass(frozen=True, kw_only=True)
class Prices:
    """US dollars. `compute` has the tiers of each architecture in their order, `free_…` what a month has free.

    The free tier is not for what runs in provisioned environments.
    """

    usd_per_million_requests: float
    compute: Mapping[str, Sequence[Tier]]
    provisioned: Mapping[str, ProvisionedPrice] = field(default_factory=dict)
    free_requests: int = 0
    free_gb_seconds: float = 0.0
    usd_per_streamed_gb: float = 0.0
    free_streamed_gb: float = 0.0

    def of_requests(self, count: float) -> float:
        """The price of so many requests."""
        return count * self.usd_per_million_requests / 1_000_000

    def of_compute(self, architecture: str, gb_seconds: float) -> float:
        """The price of a month's GB-seconds on one architecture."""
        usd = 0.0
        for tier in self.compute[architecture]:
            part = min(gb_seconds, tier.gb_seconds)
            usd += part * tier.usd
            gb_seconds -= part
        return usd

    def of_provisioned(self, architecture: str, *, held_gb_seconds: float, running_gb_seconds: float) -> float:
        """The price of holding environments ready, and of what ran in them."""
        price = self.provisioned.get(architecture)
        return 0.0 if price is None else held_gb_seconds * price.held_usd + running_gb_seconds * price.running_usd


US_EAST_1 = Prices(
    usd_per_million_requests=0.20,
    compute=MappingProxyType(
        {
            "x86_64": (
                Tier(gb_seconds=6e9, usd=0.0000166667),
                Tier(gb_seconds=9e9, usd=0.000015),
                Tier(usd=0.0000133334),
            ),
            "arm64": (
                Tier(gb_seconds=7.5e9, usd=0.0000133334),
                Tier(gb_seconds=11.25e9, usd=0.0000120001),
                Tier(usd=0.0000106667),
            ),
        }
    ),
    provisioned=MappingProxyType(
        {
            "x86_64": ProvisionedPrice(held_usd=0.0000041667, running_usd=0.0000097222),
            "arm64": ProvisionedPrice(held_usd=0.0000033334, running_usd=0.0000077778),
        }
    ),
    free_requests=1_000_000,
    free_gb_seconds=400_000.0,
    usd_per_streamed_gb=0.008,
    free_streamed_gb=100.0,
)


def load_prices(path: Path | None) -> Prices:
    """The prices in a TOML file; us-east-1's without one. Raises PricesError.

    `usd_per_million_requests`, and for each architecture `[[compute.x86_64]]` tables with `usd` and, but for the last,
    `gb_seconds`; `[provisioned.x86_64]` with `held_usd` and `running_usd`, `usd_per_streamed_gb`, `free_requests`,
    `free_gb_seconds` and `free_streamed_gb` are 0 unless said.
    """
    if path is None:
        return US_EAST_1
    try:
        return _read(tomllib.loads(path.read_text()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        needs = "It needs usd_per_million_requests, and for x86_64 and arm64 compute.ARCHITECTURE = [{usd = …}]."
        raise PricesError(f"{path} has no prices that can be used: {error!r}. {needs}") from error


def _read(table: Mapping[str, Any]) -> Prices:
    compute = {architecture: _tiers(architecture, tiers) for architecture, tiers in table["compute"].items()}
    if missing := US_EAST_1.compute.keys() - compute.keys():
        raise ValueError(f"no [[compute.{min(missing)}]]")
    provisioned = {name: ProvisionedPrice(**price) for name, price in table.get("provisioned", {}).items()}
    return Prices(**{**table, "compute": MappingProxyType(compute), "provisioned": MappingProxyType(provisioned)})


def _tiers(architecture: str, tiers: Sequence[Mapping[str, Any]]) -> tuple[Tier, ...]:
    known = tuple(Tier(**tier) for tier in tiers)
    if not known or not math.isinf(known[-1].gb_seconds):
        raise ValueError(f"the last [[compute.{architecture}]] must have no gb_seconds")
    return known
