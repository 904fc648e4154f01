"""The buckets of an account: one namespace for all regions, known without a database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.model.clock import Clock
from stoker.objects import rows
from stoker.objects.bucket import Bucket, check_name
from stoker.objects.errors import (
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    NoSuchBucket,
    TooManyBuckets,
)
from stoker.store.store import Store
from stoker.store.tables_objects import s3_buckets, s3_objects, s3_uploads

MAX_BUCKETS = 10_000
TAGGING = "tagging"

_buckets = s3_buckets.c


class Buckets:
    """Creates, finds, changes and deletes buckets. `start` first; for the event loop's thread."""

    def __init__(self, store: Store, account: str, clock: Clock) -> None:
        self.account = account
        self._store = store
        self._clock = clock
        self._known: dict[str, Bucket] = {}

    def __repr__(self) -> str:
        return f"<Buckets {len(self._known)}>"

    async def start(self) -> None:
        def read(conn: Connection) -> Sequence[Bucket]:
            return [rows.bucket_of(row) for row in conn.execute(sa.select(s3_buckets))]

        self._known = {bucket.name: bucket for bucket in await self._store.read(read)}

    def find(self, name: str) -> Bucket | None:
        return self._known.get(name)

    def require(self, name: str) -> Bucket:
        """The bucket; raises NoSuchBucket."""
        bucket = self._known.get(name)
        if bucket is None:
            raise NoSuchBucket(BucketName=name)
        return bucket

    def all(self) -> Sequence[Bucket]:
        """By name."""
        return sorted(self._known.values(), key=lambda bucket: bucket.name)

    async def create(self, name: str, region: str, settings: Mapping[str, Any]) -> Bucket:
        """A new bucket; raises BucketAlreadyOwnedByYou, which outside of us-east-1 is AWS's answer to a repetition."""
        check_name(name)
        created = float(int(self._clock.time()))

        def work(conn: Connection) -> Bucket:
            if conn.execute(sa.select(_buckets.id).where(_buckets.name == name)).first() is not None:
                raise BucketAlreadyOwnedByYou(BucketName=name)
            if (conn.execute(sa.select(sa.func.count()).select_from(s3_buckets)).scalar() or 0) >= MAX_BUCKETS:
                raise TooManyBuckets()
            values = {"name": name, "region": region, "created": created, "versioning": "", "settings": settings}
            key = conn.execute(sa.insert(s3_buckets).values(values)).inserted_primary_key
            assert key is not None
            return Bucket(id=key[0], name=name, region=region, created=created, settings=settings)

        bucket = await self._store.write(work)
        self._known[name] = bucket
        return bucket

    async def delete(self, bucket: Bucket) -> None:
        """Delete a bucket; raises BucketNotEmpty while there is any version of any object. Uploads go with it."""

        def work(conn: Connection) -> None:
            if conn.execute(sa.select(s3_objects.c.seq).where(s3_objects.c.bucket == bucket.id).limit(1)).first():
                raise BucketNotEmpty(BucketName=bucket.name)
            for row in conn.execute(sa.select(s3_uploads.c.id).where(s3_uploads.c.bucket == bucket.id)).all():
                rows.remove_parts(conn, row.id)
            conn.execute(sa.delete(s3_uploads).where(s3_uploads.c.bucket == bucket.id))
            conn.execute(sa.delete(s3_buckets).where(_buckets.id == bucket.id))

        await self._store.write(work)
        self._known.pop(bucket.name, None)

    async def set_versioning(self, bucket: Bucket, status: str) -> None:
        await self._change(bucket, lambda _current: {"versioning": status})

    async def set(self, bucket: Bucket, kind: str, value: Any) -> None:
        """Put a configuration in the place of the one there is; None removes it."""

        def change(current: Bucket) -> Mapping[str, Any]:
            kept = {name: each for name, each in current.settings.items() if name != kind}
            return {"settings": kept if value is None else {**kept, kind: value}}

        await self._change(bucket, change)

    async def change_tags(self, bucket: Bucket, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """Put what `change` makes of the tags that there are in their place; raises what it raises."""

        def merge(current: Bucket) -> Mapping[str, Any]:
            return {"settings": {**current.settings, TAGGING: change(current.settings.get(TAGGING) or {})}}

        await self._change(bucket, merge)

    async def _change(self, bucket: Bucket, change: Callable[[Bucket], Mapping[str, Any]]) -> None:
        def work(conn: Connection) -> Bucket:
            current = rows.find_bucket(conn, bucket.id)
            if current is None:
                raise NoSuchBucket(BucketName=bucket.name)
            conn.execute(sa.update(s3_buckets).where(_buckets.id == bucket.id).values(**change(current)))
            changed = rows.find_bucket(conn, bucket.id)
            assert changed is not None
            return changed

        self._known[bucket.name] = await self._store.write(work)
