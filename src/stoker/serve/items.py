"""DynamoDB and its streams."""

from stoker.event_sources.dynamodb_source import DynamoDbSource
from stoker.items.capacity import Rationing
from stoker.items.catalogue import Catalogue
from stoker.items.expiry import Expiry
from stoker.items.items import Items
from stoker.items.jobs import Jobs
from stoker.items.retention import Retention
from stoker.items.stream_reading import StreamReading
from stoker.items.tables import Tables
from stoker.serve.area import Area
from stoker.serve.platform import Platform
from stoker.services.dynamodb.service import DynamoDbService
from stoker.services.dynamodbstreams.service import DynamoDbStreamsService
from stoker.store.arrivals import Arrivals


async def build(platform: Platform) -> Area:
    store, clock, catalogue, arrivals = platform.store, platform.clock, Catalogue(), Arrivals()
    expiry = Expiry(store=store, catalogue=catalogue, clock=clock, arrivals=arrivals)
    jobs = Jobs(store=store, catalogue=catalogue, clock=clock, expiry=expiry)
    retention = Retention(store=store, clock=clock)
    tables = Tables(store=store, catalogue=catalogue, clock=clock, jobs=jobs, arrivals=arrivals)
    items = Items(
        store=store,
        catalogue=catalogue,
        clock=clock,
        rationing=Rationing(clock),
        arrivals=arrivals,
        expiry=expiry,
    )
    reading = StreamReading(store=store, clock=clock, account=platform.settings.account)

    source = DynamoDbSource(reading, arrivals, clock, platform.delivery_access.role_may)
    platform.sources.register("dynamodb", source)

    async def begin() -> None:
        await jobs.start()
        retention.start()

    async def end() -> None:
        await retention.close()
        await jobs.close()
        await expiry.close()

    endpoint = platform.settings.endpoint_at(platform.settings.port)
    service = DynamoDbService(tables=tables, items=items, endpoint=endpoint)
    return Area(services=[service, DynamoDbStreamsService(reading)], begin=begin, end=end)
