"""Figures for Prometheus: who counts what, and the page that shows it."""

import asyncio
from collections import Counter

from stoker.environments.feed import ColdStart
from stoker.environments.fleet import Fleet
from stoker.front_door.metrics_page import MetricsPage
from stoker.observability.loop_lag import LoopLag
from stoker.observability.metrics import Gauge, Readings
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.settings import METRICS_TOKEN
from stoker.wire.credentials import keep_private

# All that an environment can be in, so that a state without environments shows as 0 and not as nothing.
STATES = ("sandbox", "runtime", "restore", "import", "running", "warm", "frozen", "stopping")
# Environments looked at in one go, some 1 µs each; then others on the loop come in between.
BREATH = 200


async def build(platform: Platform) -> Area:
    metrics, feed = platform.metrics, platform.fleet.feed

    def started(start: ColdStart) -> None:
        phases = ((phase.name, phase.ms) for phase in start.phases)
        metrics.started(start.region, start.function, start.kind, phases, failed=start.failed)

    platform.telemetry.count_by(metrics.invoked)
    feed.listen(started)
    feed.listen_to_throttles(metrics.throttled)
    platform.events.listen(metrics.event_begun)
    for gauge in _gauges(platform):
        metrics.watch(gauge)
    token = platform.keys.derived_key("metrics").hex()
    await asyncio.to_thread(keep_private, platform.settings.data / METRICS_TOKEN, f"{token}\n".encode())
    # Endpoints that are called on this machine may be of anybody who may make an API: then it is no sign of trust.
    page = MetricsPage(metrics, token=token, open_to_this_machine=not platform.settings.loopback_endpoints)
    lag = LoopLag(platform.clock, metrics.lagged)

    async def begin() -> None:
        lag.start()

    async def end() -> None:
        lag.stop()

    return Area(pages={"metrics": page.answer}, begin=begin, end=end)


def _gauges(platform: Platform) -> list[Gauge]:
    fleet, events, outbox = platform.fleet, platform.events, platform.outbox

    async def environments() -> Readings:
        return await _by_state(fleet)

    async def templates() -> Readings:
        return {(): len(fleet.templates.views)}

    async def waiting_events() -> Readings:
        return {(): await events.depth()}

    async def waiting_deliveries() -> Readings:
        found = await outbox.depths()
        return {("services",): found.get(False, 0), ("outside",): found.get(True, 0)}

    return [
        Gauge(name="environments", about="Environments by state.", labels=("state",), read=environments),
        Gauge(name="templates", about="Initialised memory that environments are made from.", read=templates),
        Gauge(name="async_events", about="Asynchronous invocations that are not settled.", read=waiting_events),
        Gauge(name="outbox", about="Deliveries not yet made, by whereto.", labels=("to",), read=waiting_deliveries),
    ]


async def _by_state(fleet: Fleet) -> Readings:
    found: Counter[tuple[str, ...]] = Counter({(state,): 0 for state in STATES})
    for place, environment in enumerate(fleet.environments, 1):
        found[(environment.view().state,)] += 1
        if place % BREATH == 0:
            await asyncio.sleep(0)
    return found
