"""Event source mappings and their sources, to which areas add theirs."""

import asyncio
from collections.abc import Callable

from stoker.deliveries.outbox import Outbox
from stoker.event_sources.checkpoints import Checkpoints
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.mappings import EventSourceMappings
from stoker.event_sources.queue_loop import QueueLoop
from stoker.event_sources.shards import Shards
from stoker.event_sources.source import Surroundings
from stoker.event_sources.sources import Sources
from stoker.event_sources.stream_loop import StreamLoop
from stoker.event_sources.work import Loop, Work
from stoker.invocations.invoker import Invoker
from stoker.model.clock import Clock
from stoker.settings import Settings
from stoker.store.store import Store


async def role_may(_role_arn: str, _action: str, _resource_arn: str) -> bool:
    """Whether a function's role may read a source: asked when a mapping is made or changed."""
    return True


async def open_mappings(
    settings: Settings, *, store: Store, outbox: Outbox, clock: Clock, invoker: Invoker
) -> tuple[Sources, EventSourceMappings]:
    """Nothing is read yet: the area begins that."""
    folder = settings.data / "event-sources"
    sources = Sources(Surroundings(clock=clock, data=folder, account=settings.account))

    async def open_loop(mapping: Mapping, tell: Callable[[str], None]) -> Loop:
        opened = await sources.of(mapping.source_arn).open(mapping)
        if isinstance(opened, Shards):
            checkpoints = Checkpoints(mapping.uuid, store, outbox, clock.time)
            return StreamLoop(mapping, opened, checkpoints, invoker=invoker, clock=clock, tell=tell)
        return QueueLoop(mapping, opened, invoker=invoker, clock=clock, tell=tell)

    await asyncio.to_thread(sources.load_installed)
    mappings = EventSourceMappings(
        account=settings.account, store=store, clock=clock, sources=sources, work=Work(open_loop)
    )
    return sources, mappings
