"""How long a benchmark run takes: rounds of everything, and seconds of each."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A cold start needs a function of its own, so `cold_rounds` and `bursts` are also how many are deployed."""

    cold_rounds: int
    bursts: int
    burst_size: int
    warm_rounds: int
    latency_s: float
    throughput_s: float
    connections: int
    many_waiting: int
    many_items: int
    many_keys: int
    many_functions: int
    crowd: int


FULL = Scale(
    cold_rounds=20,
    bursts=3,
    burst_size=20,
    warm_rounds=5,
    latency_s=1.0,
    throughput_s=2.0,
    connections=32,
    many_waiting=1_000_000,
    many_items=1_000_000,
    many_keys=1_000_000,
    many_functions=10_000,
    crowd=200,
)
QUICK = Scale(
    cold_rounds=7,
    bursts=1,
    burst_size=20,
    warm_rounds=3,
    latency_s=0.4,
    throughput_s=1.0,
    connections=32,
    many_waiting=100_000,
    many_items=100_000,
    many_keys=100_000,
    many_functions=10_000,
    crowd=200,
)
