"""Warm invocations: what one client waits, and how many a second all of them get, side by side in turns."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from load import Endpoint, measure
from processes import cpu_seconds, tree
from scale import Scale

WARM_UP_S = 1.0


@dataclass(kw_only=True)
class WarmFigures:
    """One entry a round: the median latency of one client in ms, and answers a second with many."""

    p50_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


async def measure_warm(
    endpoints: Sequence[Callable[[], Endpoint]], roots: dict[str, int], scale: Scale
) -> dict[str, WarmFigures]:
    """Each target's figures by name. `endpoints` make a request anew, freshly signed; `roots` are the pids of servers.

    Every round measures each target, and each round begins with another, so that a machine that gets slower or
    faster does so for all.
    """
    figures: dict[str, WarmFigures] = {}
    for make in endpoints:
        endpoint = make()
        figures[endpoint.name] = WarmFigures()
        await measure(endpoint, connections=scale.connections, seconds=WARM_UP_S)
    for number in range(scale.warm_rounds):
        first = number % len(endpoints)
        for make in (*endpoints[first:], *endpoints[:first]):
            endpoint = make()
            await _round(endpoint, figures[endpoint.name], roots[endpoint.name], scale)
    return figures


async def _round(endpoint: Endpoint, figures: WarmFigures, root: int, scale: Scale) -> None:
    alone = await measure(endpoint, connections=1, seconds=scale.latency_s)
    figures.p50_ms.append(statistics.median(alone.latencies_ns) / 1e6)
    before = cpu_seconds(tree(root))
    together = await measure(endpoint, connections=scale.connections, seconds=scale.throughput_s)
    used = cpu_seconds(tree(root)) - before
    figures.per_second.append(together.per_second)
    figures.cpu_us.append(used * 1e6 / len(together.latencies_ns))
