"""Traces, where the operator names a collector for them."""

import asyncio
import contextlib

from stoker import __version__
from stoker.model.clock import Clock
from stoker.observability.metrics import Gauge, Metrics, Readings
from stoker.settings import TraceSettings
from stoker.tracing.export import GATHER_S, Exporter
from stoker.tracing.sampling import Sampler
from stoker.tracing.tracer import Tracer

# What is not sent when Stoker stops is given so long.
CLOSE_LIMIT_S = 3.0


def open_tracer(settings: TraceSettings, clock: Clock, metrics: Metrics, stack: contextlib.AsyncExitStack) -> Tracer:
    """The tracer; what waits to be sent is sent when `stack` is closed."""
    resource = {**settings.resource, "service.version": __version__}
    exporter = Exporter(settings.url, settings.headers, resource, __version__, gather_s=GATHER_S)

    async def close() -> None:
        await asyncio.to_thread(exporter.close, CLOSE_LIMIT_S)

    async def sent() -> Readings:
        return {(): exporter.sent}

    async def dropped() -> Readings:
        return {(): exporter.dropped}

    stack.push_async_callback(close)
    metrics.watch(Gauge(name="trace_spans_sent", about="Spans that the collector took.", counts=True, read=sent))
    lost = "Traced requests and invocations that were not sent, since nobody took them."
    metrics.watch(Gauge(name="traces_dropped", about=lost, counts=True, read=dropped))
    sampler = Sampler(parent_based=settings.parent_based, ratio=settings.ratio)
    return Tracer(sampler, clock, exporter.put)
