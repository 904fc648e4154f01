"""What an invocation costs at AWS, on demand in us-east-1, before any free tier or volume tier.

Source: the price list on aws.amazon.com/lambda/pricing, first tier. Stoker itself charges nothing.
"""

from dataclasses import dataclass

USD_PER_REQUEST = 0.20 / 1_000_000
USD_PER_GB_S = {"x86_64": 0.0000166667, "arm64": 0.0000133334}


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
    return Cost(compute=gb_s * USD_PER_GB_S[architecture], request=USD_PER_REQUEST)


def in_dollars(usd: float) -> str:
    """Ten decimals, as AWS writes its smallest prices: `$0.0000000021`."""
    return f"${usd:.10f}"
