"""Asynchronous invocations: how many a second are accepted durably, and how many run and are settled.

In turns with synchronous ones of the same function, since settling can be no faster than the function is.
"""

import asyncio
import time
import urllib.request
from dataclasses import dataclass, field

from load import Endpoint, measure
from processes import cpu_seconds, tree
from scale import Scale
from stoker_target import PAYLOAD, Stoker
from target import TargetError

NAME = "bench-events"
LOOK_EVERY_S = 0.2
# Longer than any backlog of a round takes.
PATIENCE_S = 300.0


@dataclass(kw_only=True)
class EventFigures:
    """One entry a round: events accepted a second; events that ran and were settled a second, from the first accepted
    to the last settled; synchronous invocations a second; CPU of all processes for one event, in µs."""

    accepted: list[float] = field(default_factory=list)
    settled: list[float] = field(default_factory=list)
    invokes: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


async def measure_events(stoker: Stoker, source: str, runtime: str, scale: Scale) -> EventFigures:
    """Leaves a function behind."""
    stoker.deploy(NAME, source, runtime=runtime, suffix=".py")
    figures = EventFigures()
    await measure(stoker.endpoint(NAME), connections=scale.connections, seconds=scale.throughput_s)
    for _ in range(scale.warm_rounds):
        together = await measure(stoker.endpoint(NAME), connections=scale.connections, seconds=scale.throughput_s)
        figures.invokes.append(together.per_second)
        await _round(stoker, figures, scale)
    return figures


async def _round(stoker: Stoker, figures: EventFigures, scale: Scale) -> None:
    event = {"X-Amz-Invocation-Type": "Event"}
    request = stoker.signed("POST", f"/2015-03-31/functions/{NAME}/invocations", PAYLOAD, event)
    used, began = cpu_seconds(tree(stoker.server.pid)), time.perf_counter()
    endpoint = Endpoint(port=stoker.port, request=request)
    accepted = await measure(endpoint, connections=scale.connections, seconds=scale.throughput_s)
    while await asyncio.to_thread(_waiting, stoker):
        if time.perf_counter() - began > PATIENCE_S:
            raise TargetError("asynchronous events were not settled")
        await asyncio.sleep(LOOK_EVERY_S)
    elapsed, count = time.perf_counter() - began, len(accepted.latencies_ns)
    figures.accepted.append(accepted.per_second)
    figures.settled.append(count / elapsed)
    figures.cpu_us.append((cpu_seconds(tree(stoker.server.pid)) - used) * 1e6 / count)


def _waiting(stoker: Stoker) -> int:
    """Events that are not settled, by the page for Prometheus."""
    with urllib.request.urlopen(f"http://127.0.0.1:{stoker.port}/_stoker/metrics", timeout=PATIENCE_S) as page:
        for line in page.read().decode().splitlines():
            if line.startswith("stoker_async_events "):
                return int(float(line.split()[1]))
    raise TargetError("the metrics do not tell of asynchronous events")
