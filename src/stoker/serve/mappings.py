"""Event source mappings and their sources, to which areas add theirs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from stoker.deliveries.delivery import Delivery
from stoker.deliveries.outbox import Outbox
from stoker.event_sources.checkpoints import Checkpoints
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.mappings import EventSourceMappings
from stoker.event_sources.postgresql.source import PostgresSource
from stoker.event_sources.queue_loop import QueueLoop
from stoker.event_sources.reading_rights import GuardedPoller, GuardedShards, ReadingRights, RoleMay
from stoker.event_sources.shards import Shards
from stoker.event_sources.source import Surroundings
from stoker.event_sources.sources import Sources
from stoker.event_sources.stream_loop import StreamLoop
from stoker.event_sources.work import Loop, Unopened, Work
from stoker.functions.registry import Registry
from stoker.identity.sealing import Seal
from stoker.invocations.invoker import Invoker
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException, ServiceError
from stoker.observability.cloudwatch.lambda_metrics import MILLISECONDS
from stoker.observability.cloudwatch.meters import Meters
from stoker.settings import Settings
from stoker.store.store import Store


async def open_mappings(
    settings: Settings,
    *,
    store: Store,
    outbox: Outbox,
    clock: Clock,
    invoker: Invoker,
    seal: Seal,
    registry: Registry,
    role_may: RoleMay,
    meters: Meters,
) -> tuple[Sources, EventSourceMappings]:
    """Nothing is read yet: the area begins that."""
    folder = settings.data / "event-sources"
    sources = Sources(Surroundings(clock=clock, data=folder, account=settings.account))
    sources.register("postgresql", PostgresSource(clock))

    def rights_of(mapping: Mapping) -> ReadingRights:
        async def role() -> str:
            function = mapping.function
            return (await registry.resolve(function.region, function.name, mapping.qualifier)).function.role

        return ReadingRights(mapping.source_arn, find_role=role, role_may=role_may)

    def iterator_age(mapping: Mapping) -> Callable[[float], None]:
        function = mapping.function

        def aged(seconds: float) -> None:
            meters.function(
                function.region,
                function.name,
                "IteratorAge",
                seconds * 1000.0,
                MILLISECONDS,
                qualifier=mapping.qualifier or "",
            )

        return aged

    async def open_loop(mapping: Mapping, tell: Callable[[str], None]) -> Loop:
        try:
            opened = await sources.of(mapping.source_arn).open(mapping)
        except ServiceError as error:
            # Its package is not installed any more, or its credentials cannot be opened: for its user to change.
            tell(f"PROBLEM: {error}")
            return Unopened()
        if isinstance(opened, Shards):
            stream = GuardedShards(opened, rights_of(mapping))
            checkpoints = Checkpoints(mapping.uuid, store, outbox, clock.time)
            loop = StreamLoop(
                mapping, stream, checkpoints, invoker=invoker, clock=clock, tell=tell, aged=iterator_age(mapping)
            )
            # A stream that cannot be read now is told, and tried again, by the loop itself.
            with contextlib.suppress(ServiceError):
                await loop.prepare()
            return loop
        poller = GuardedPoller(opened, rights_of(mapping))
        return QueueLoop(mapping, poller, invoker=invoker, clock=clock, tell=tell)

    await asyncio.to_thread(sources.load_installed)
    mappings = EventSourceMappings(
        account=settings.account,
        store=store,
        clock=clock,
        sources=sources,
        work=Work(open_loop, clock),
        seal=seal,
        role_may=role_may,
    )
    return sources, mappings


def role_finder(mappings: EventSourceMappings, registry: Registry) -> Callable[[Delivery], Awaitable[str | None]]:
    """The role of a delivery; what a mapping could not bring to its function is given up as that function's role."""

    async def find(delivery: Delivery) -> str | None:
        _, found, mapping_uuid = delivery.source_arn.rpartition(":event-source-mapping:")
        if delivery.role_arn is not None or not found:
            return delivery.role_arn
        try:
            mapping = mappings.get(delivery.region, mapping_uuid)
            return (await registry.get(mapping.function, mapping.qualifier)).function.role
        except ResourceNotFoundException:
            return None

    return find
