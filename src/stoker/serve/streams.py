"""Kinesis."""

from stoker.event_sources.kinesis_source import KinesisSource
from stoker.event_sources.mapping import Mapping
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.kinesis.service import KinesisService
from stoker.store.arrivals import Arrivals
from stoker.streams.catalogue import Catalogue
from stoker.streams.records import Records
from stoker.streams.retention import Retention
from stoker.streams.streams import Streams
from stoker.streams.subscriptions import Subscriptions
from stoker.streams.target import StreamTarget


async def build(platform: Platform) -> Area:
    store, clock, arrivals = platform.store, platform.clock, Arrivals()
    catalogue = Catalogue(platform.settings.account)
    retention = Retention(store=store, catalogue=catalogue, clock=clock)
    streams = Streams(store=store, catalogue=catalogue, clock=clock, arrivals=arrivals, retention=retention)
    records = Records(store=store, catalogue=catalogue, clock=clock, arrivals=arrivals)
    subscriptions = Subscriptions(streams=streams, records=records, arrivals=arrivals, clock=clock)
    platform.targets.register("kinesis", StreamTarget(records).deliver)

    async def role_of(mapping: Mapping) -> str:
        return (await platform.registry.get(mapping.function, mapping.qualifier)).function.role

    source = KinesisSource(
        streams=streams,
        records=records,
        arrivals=arrivals,
        clock=clock,
        account=platform.settings.account,
        allows=platform.delivery_access.role_may,
        role_of=role_of,
    )
    platform.sources.register("kinesis", source)

    async def begin() -> None:
        retention.wake()

    async def let_go() -> None:
        subscriptions.end_all()

    service = KinesisService(streams=streams, records=records, subscriptions=subscriptions, clock=clock)
    return Area(services=[service], begin=begin, let_go=let_go, end=retention.close)
