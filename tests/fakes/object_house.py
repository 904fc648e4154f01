"""The engine of S3 on a real store and real files, a clock that a test moves, an outbox that it can look into."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from fakes.clock import FakeClock
from stoker.deliveries.delivery import Delivery
from stoker.objects import checksums
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.byte_store import ByteStore
from stoker.objects.conditions import WriteConditions
from stoker.objects.housekeeping import Housekeeping
from stoker.objects.intake import Expectations
from stoker.objects.lifecycle import Lifecycle
from stoker.objects.lists import Lists
from stoker.objects.local_bytes import LocalBytes
from stoker.objects.notifier import Notifier
from stoker.objects.objects import NewObject, Objects
from stoker.objects.uploads import Uploads
from stoker.objects.version import Actor, Attributes, ObjectVersion
from stoker.store.store import Store, open_store
from stoker.wire.payload import IncomingBody, UnsignedPayload

ACCOUNT = "000000000000"
ACTOR = Actor(principal_id="AWS:me", source_ip="127.0.0.1", request_id="r-1")


class Pigeonhole:
    """An outbox that only keeps."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def put(self, conn: Connection, delivery: Delivery, **_settings: Any) -> None:
        self.deliveries.append(delivery)

    def wake(self) -> None: ...


@dataclass
class ObjectHouse:
    store: Store
    bytes_: ByteStore
    clock: FakeClock
    outbox: Pigeonhole
    buckets: Buckets
    objects: Objects
    uploads: Uploads
    lists: Lists
    lifecycle: Lifecycle
    housekeeping: Housekeeping

    async def bucket(self, name: str = "bucket", versioning: str = "", **settings: Any) -> Bucket:
        bucket = await self.buckets.create(name, "us-east-1", settings)
        if versioning:
            await self.buckets.set_versioning(bucket, versioning)
        return self.buckets.require(name)

    async def put(self, bucket: Bucket, key: str, data: bytes = b"x", **attributes: Any) -> ObjectVersion:
        new = NewObject(bucket=bucket, key=key, attributes=Attributes(**attributes), actor=ACTOR)
        body = IncomingBody(_once(data), UnsignedPayload(), len(data))
        return await self.objects.put(new, body, Expectations(wanted=frozenset({checksums.DEFAULT})))

    async def delete(self, bucket: Bucket, key: str, version_id: str | None = None) -> None:
        await self.objects.delete(bucket, key, version_id, ACTOR, WriteConditions())

    async def keys(self, bucket: Bucket) -> list[str]:
        page = await self.lists.objects(bucket, prefix="", delimiter="", marker=None, limit=1000)
        return [version.key for version in page.items]

    async def versions(self, bucket: Bucket) -> list[tuple[str, bool]]:
        """Keys, and whether the version is a delete marker."""
        page = await self.lists.versions(bucket, prefix="", delimiter="", marker=None, version_marker=None, limit=1000)
        return [(version.key, version.is_marker) for version in page.items]


@asynccontextmanager
async def an_object_house(
    url: str, root: Path, place: Callable[[Path], ByteStore] = LocalBytes
) -> AsyncIterator[ObjectHouse]:
    store, clock, threads, outbox = open_store(url), FakeClock(), ThreadPoolExecutor(4), Pigeonhole()
    bytes_ = place(root / "objects")
    buckets = Buckets(store, ACCOUNT, clock)
    await buckets.start()
    housekeeping = Housekeeping(store, bytes_, threads)
    await housekeeping.start()
    objects = Objects(
        store=store,
        bytes_=bytes_,
        threads=threads,
        housekeeping=housekeeping,
        notifier=Notifier(outbox, ACCOUNT),
        clock=clock,
    )
    lifecycle = Lifecycle(store=store, buckets=buckets, objects=objects, housekeeping=housekeeping, clock=clock)
    try:
        yield ObjectHouse(
            store=store,
            bytes_=bytes_,
            clock=clock,
            outbox=outbox,
            buckets=buckets,
            objects=objects,
            uploads=Uploads(store=store, objects=objects, housekeeping=housekeeping, clock=clock),
            lists=Lists(store),
            lifecycle=lifecycle,
            housekeeping=housekeeping,
        )
    finally:
        await lifecycle.close()
        await housekeeping.close()
        threads.shutdown()
        await store.close()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
