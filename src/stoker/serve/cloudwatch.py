"""CloudWatch: metrics, which are kept in the telemetry, what Lambda measures without leaving a line, and alarms."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from botocore.loaders import Loader

from stoker.alarms.alarms import Alarms
from stoker.alarms.evaluator import Evaluator
from stoker.deliveries.delivery import Delivery
from stoker.environments.concurrency_samples import ConcurrencySample, ConcurrencySampler
from stoker.invocations import dead_letters
from stoker.invocations.async_event import AsyncEvent
from stoker.observability.cloudwatch.lambda_metrics import CONCURRENT, COUNT, MILLISECONDS, NAMESPACE, dimensions_for
from stoker.observability.cloudwatch.meters import Meters
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.cloudwatch.service import CloudWatchService


async def build(platform: Platform) -> Area:
    math = MetricMath()
    alarms = Alarms(
        store=platform.store,
        outbox=platform.outbox,
        clock=platform.clock,
        account=platform.settings.account,
        region_name=partial(_region_name, _region_names()),
    )
    evaluator = Evaluator(alarms=alarms, telemetry=platform.telemetry, clock=platform.clock, math=math)
    service = CloudWatchService(telemetry=platform.telemetry, alarms=alarms, clock=platform.clock, math=math)
    _measure_events(platform)
    sampler = ConcurrencySampler(
        fleet=platform.fleet,
        provisioning=platform.provisioning,
        reservations=platform.registry.reservations,
        clock=platform.clock,
        observe=lambda sample: _measure_concurrency(platform.meters, sample),
    )

    async def begin() -> None:
        sampler.start()
        await evaluator.start()

    async def end() -> None:
        sampler.stop()
        await evaluator.close()

    return Area(services=[service], begin=begin, end=end)


def _measure_events(platform: Platform) -> None:
    """What happens to a function's events before and after it runs."""
    meters = platform.meters

    def throttled(region: str, function: str) -> None:
        meters.function(region, function, "Throttles")

    def stopped(region: str, function: str) -> None:
        meters.function(region, function, "RecursiveInvocationsDropped")

    def aged(region: str, function: str, age_s: float) -> None:
        meters.function(region, function, "AsyncEventAge", age_s * 1000.0, MILLISECONDS)

    def counted(events: Sequence[AsyncEvent], name: str) -> None:
        alike = Counter((event.region, event.function, event.qualifier or "") for event in events)
        for (region, function, qualifier), count in alike.items():
            meters.function(region, function, name, count=count, qualifier=qualifier)

    def lost(delivery: Delivery) -> None:
        source = delivery.source_arn.split(":")
        if source[2:3] == ["lambda"] and source[5] == "function":
            name = "DeadLetterErrors" if dead_letters.is_one(delivery) else "DestinationDeliveryFailures"
            meters.function(delivery.region, source[6], name)

    platform.fleet.feed.listen_to_throttles(throttled)
    platform.invoker.loop_listeners.append(stopped)
    platform.events.listen(aged)
    platform.events.count_by(counted)
    platform.outbox.listen_to_losses(lost)


def _measure_concurrency(meters: Meters, sample: ConcurrencySample) -> None:
    (of_all,) = dimensions_for("")[:1]
    for (region, function), running in sample.by_function.items():
        meters.add(region, NAMESPACE, CONCURRENT, dimensions_for(function)[1:2], running)
    for name, by_region in ((CONCURRENT, sample.by_region), ("UnreservedConcurrentExecutions", sample.unreserved)):
        for region, running in by_region.items():
            meters.add(region, NAMESPACE, name, [of_all], running)
    for use in sample.provisioned:
        named = dimensions_for(use.function, use.qualifier)[2:3]
        meters.add(use.region, NAMESPACE, "ProvisionedConcurrentExecutions", named, use.running, COUNT)
        if use.available:
            share = use.running / use.available
            meters.add(use.region, NAMESPACE, "ProvisionedConcurrencyUtilization", named, share, COUNT)


def _region_names() -> Mapping[str, str]:
    """What people call regions, which notices of alarms do too."""
    partitions = Loader().load_data("partitions")["partitions"]
    return {name: region["description"] for each in partitions for name, region in each["regions"].items()}


def _region_name(names: Mapping[str, str], region: str) -> str:
    return names.get(region, region)
