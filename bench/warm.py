"""Warm invocations: what one client waits, and how many a second all of them get, side by side in turns."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from load import Endpoint, LoadError, measure
from processes import cpu_seconds, tree
from scale import Scale

# Some start a process for each connection.
WARM_UP_S = 3.0


@dataclass(frozen=True, kw_only=True)
class Target:
    """A running server. `endpoint` makes its request anew, freshly signed; `pid` is the root of its processes.

    The failure of a peer is a finding about the peer; that of a `required` target ends the run.
    """

    name: str
    endpoint: Callable[[], Endpoint]
    pid: int
    required: bool = False


@dataclass(kw_only=True)
class WarmFigures:
    """One entry a round: the median latency of one client in ms, and answers a second with many."""

    p50_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


async def measure_warm(targets: Sequence[Target], scale: Scale) -> tuple[dict[str, WarmFigures], dict[str, str]]:
    """The figures of each target by its name, and of those that failed, why. Raises LoadError.

    Every round measures each target, and each round begins with another, so that a machine that gets slower or
    faster does so for all.
    """
    figures: dict[str, WarmFigures] = {target.name: WarmFigures() for target in targets}
    failed: dict[str, str] = {}
    for number in range(-1, scale.warm_rounds):
        first = number % len(targets)
        for target in (*targets[first:], *targets[:first]):
            if target.name in failed:
                continue
            try:
                await (_warm_up(target, scale) if number < 0 else _round(target, figures[target.name], scale))
            except LoadError as error:
                if target.required:
                    raise
                failed[target.name] = str(error)
                del figures[target.name]
    return figures, failed


async def _warm_up(target: Target, scale: Scale) -> None:
    await measure(target.endpoint(), connections=scale.connections, seconds=WARM_UP_S)


async def _round(target: Target, figures: WarmFigures, scale: Scale) -> None:
    endpoint = target.endpoint()
    alone = await measure(endpoint, connections=1, seconds=scale.latency_s)
    before = cpu_seconds(tree(target.pid))
    together = await measure(endpoint, connections=scale.connections, seconds=scale.throughput_s)
    used = cpu_seconds(tree(target.pid)) - before
    figures.p50_ms.append(statistics.median(alone.latencies_ns) / 1e6)
    figures.per_second.append(together.per_second)
    figures.cpu_us.append(used * 1e6 / len(together.latencies_ns))
