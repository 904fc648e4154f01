"""DynamoDB's and Kinesis' engines on a store, with a clock that a test drives."""

from collections.abc import Mapping
from typing import Any

from fakes.clock import FakeClock
from stoker.items.capacity import Rationing
from stoker.items.catalogue import Catalogue
from stoker.items.expiry import Expiry
from stoker.items.items import Items, Lookup
from stoker.items.jobs import Jobs
from stoker.items.retention import Retention
from stoker.items.stream_reading import StreamReading
from stoker.items.tables import Tables
from stoker.services.dynamodb.requests import RequestReader
from stoker.store.arrivals import Arrivals
from stoker.store.store import Store
from stoker.streams.catalogue import Catalogue as StreamCatalogue
from stoker.streams.records import Placed, Records, Start, new_record
from stoker.streams.retention import Retention as StreamRetention
from stoker.streams.streams import Streams
from stoker.streams.subscriptions import Subscriptions

ACCOUNT, REGION = "000000000000", "us-east-1"


class TableHouse:
    """Tables and their items."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.clock = clock
        catalogue, arrivals = Catalogue(), Arrivals()
        self.expiry = Expiry(store=store, catalogue=catalogue, clock=clock, arrivals=arrivals)
        self.jobs = Jobs(store=store, catalogue=catalogue, clock=clock, expiry=self.expiry)
        self.retention = Retention(store=store, clock=clock)
        self.tables = Tables(store=store, catalogue=catalogue, clock=clock, jobs=self.jobs, arrivals=arrivals)
        self.items = Items(
            store=store,
            catalogue=catalogue,
            clock=clock,
            rationing=Rationing(clock),
            arrivals=arrivals,
            expiry=self.expiry,
        )
        self.reading = StreamReading(store=store, clock=clock, account=ACCOUNT)
        self._reader = RequestReader()

    async def make(self, name: str, key: str = "id:S", **settings: Any) -> None:
        """A table with a key like `id:S` or `id:S at:N`."""
        attributes = [part.split(":") for part in key.split()]
        definitions = [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes]
        kinds = ("HASH", "RANGE")
        schema = [{"AttributeName": name, "KeyType": kind} for (name, _), kind in zip(attributes, kinds, strict=False)]
        params = {"TableName": name, "AttributeDefinitions": definitions, "KeySchema": schema}
        await self.tables.create(REGION, {**params, "BillingMode": "PAY_PER_REQUEST", **settings})

    async def put(self, table: str, **item: Mapping[str, Any]) -> None:
        await self.items.write(REGION, self._reader.put({"TableName": table, "Item": item}))

    async def get(self, table: str, **key: Any) -> Any:
        return (await self.items.get(REGION, Lookup(table=table, key=key))).item

    async def query(self, table: str, text: str, **params: Any) -> Any:
        search = self._reader.query({"TableName": table, "KeyConditionExpression": text, **params})
        return await self.items.search(REGION, search)

    async def scan(self, table: str, **params: Any) -> Any:
        return await self.items.search(REGION, self._reader.scan({"TableName": table, **params}))

    async def close(self) -> None:
        await self.retention.close()
        await self.jobs.close()
        await self.expiry.close()


class StreamHouse:
    """Kinesis' streams and their records."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.clock = clock
        self.store = store
        catalogue, arrivals = StreamCatalogue(ACCOUNT), Arrivals()
        self.retention = StreamRetention(store=store, catalogue=catalogue, clock=clock)
        self.streams = Streams(
            store=store, catalogue=catalogue, clock=clock, arrivals=arrivals, retention=self.retention
        )
        self.records = Records(store=store, catalogue=catalogue, clock=clock, arrivals=arrivals)
        self.subscriptions = Subscriptions(streams=self.streams, records=self.records, arrivals=arrivals, clock=clock)

    async def make(self, name: str, shards: int = 1) -> None:
        await self.streams.create(REGION, name, mode="PROVISIONED", shards=shards, max_record_kib=1024, tags={})

    async def put(self, name: str, *texts: str) -> list[Placed]:
        return [(await self.records.put(REGION, name, [new_record(text.encode(), "k", None)]))[0] for text in texts]

    async def texts(
        self, name: str, number: int = 0, kind: str = "TRIM_HORIZON", since: float | None = None
    ) -> list[str]:
        """What can be read of the first shard from a place on."""
        stream = await self.streams.find(REGION, name)
        start = await self.records.start(stream.id, 0, Start(kind=kind, since=since))
        batch = await self.records.read(stream.id, 0, start, 100)
        return [record.data.decode() for record in batch.records]

    async def close(self) -> None:
        await self.retention.close()
