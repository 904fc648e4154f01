"""What one invocation costs at AWS, on demand in us-east-1, before any free tier or volume tier."""

from dataclasses import dataclass

from stoker.observability.prices import US_EAST_1


@dataclass(frozen=True, kw_only=True)
class Cost:
    """US dollars: for the memory over the time, and for the request itself."""

    compute: float
    request: float

    @property
    def total(self) -> float:
        return self.compute + self.request


def cost(*, billed_ms: int, memory_mb: int, architecture: str = "x86_64") -> Cost:
    """The price of one invocation; memory counts in GB of 1,024 MB, time in seconds."""
    gb_s = memory_mb / 1024 * billed_ms / 1000
    return Cost(compute=US_EAST_1.of_compute(architecture, gb_s), request=US_EAST_1.of_requests(1))


def in_dollars(usd: float) -> str:
    """Ten decimals, as AWS writes its smallest prices: `$0.0000000021`."""
    return f"{'-' if usd < 0 else ''}${abs(usd):.10f}"
