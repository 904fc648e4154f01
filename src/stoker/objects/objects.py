"""An object's life: put, found, read, copied, tagged, deleted. Read this first.

Bytes come first and are durable before the row that refers to them is; the row, the garbage that it leaves and what is
told of it are one transaction.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy import Connection

from stoker.model.clock import Clock
from stoker.objects import changes, checksums, rows
from stoker.objects.bucket import Bucket
from stoker.objects.byte_store import ByteStore
from stoker.objects.changes import Deleted
from stoker.objects.checksums import Checksum
from stoker.objects.conditions import WriteConditions, check_write
from stoker.objects.errors import InvalidRequest, MethodNotAllowed, NoSuchKey, NoSuchVersion, S3Error
from stoker.objects.events import Happening
from stoker.objects.housekeeping import Housekeeping
from stoker.objects.intake import Expectations, Gate, Taken
from stoker.objects.notifier import Notifier
from stoker.objects.reading import Reading, collect
from stoker.objects.version import Actor, Attributes, ObjectVersion, Part
from stoker.store.store import Store
from stoker.wire.payload import IncomingBody

T = TypeVar("T")
# An answer that is no longer than this needs no stream.
SMALL_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class NewObject:
    """What a caller gives besides the bytes. `reason` is the operation, `event` what is told of it."""

    bucket: Bucket
    key: str
    attributes: Attributes
    actor: Actor
    conditions: WriteConditions = field(default_factory=WriteConditions)
    event: str = "ObjectCreated:Put"
    reason: str = "PutObject"


class Objects:
    """The objects of all buckets; on the event loop's thread."""

    def __init__(
        self,
        *,
        store: Store,
        bytes_: ByteStore,
        threads: Executor,
        housekeeping: Housekeeping,
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bytes = bytes_
        self._threads = threads
        self._gate = Gate(bytes_, threads)
        self._housekeeping = housekeeping
        self._notifier = notifier
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Objects on {self._bytes!r}>"

    async def put(self, new: NewObject, body: IncomingBody, expected: Expectations) -> ObjectVersion:
        """Take a body in and make it the newest version of its key."""
        taken = await self._gate.take(body, expected)
        return await self.put_taken(new, taken, chosen_checksum(expected, taken))

    async def put_taken(self, new: NewObject, taken: Taken, checksum: Checksum | None) -> ObjectVersion:
        """Make a staged blob an object."""
        draft = ObjectVersion(
            bucket=new.bucket.id,
            key=new.key,
            seq=0,
            version_id="",
            modified=0,
            etag=taken.md5,
            size=taken.size,
            blob=taken.blob,
            attributes=replace(new.attributes, checksum=checksum),
        )
        try:
            version, replaces = await self.change(lambda conn, now: self._put(conn, new, draft, now))
        except BaseException:
            await self._housekeeping.discard(taken.blob)
            raise
        self._housekeeping.note(settled=[taken.blob], garbage=replaces)
        return version

    def _put(self, conn: Connection, new: NewObject, draft: ObjectVersion, now: float) -> tuple[ObjectVersion, bool]:
        """The version, and whether it may have taken the place of another."""
        bucket = changes.require(conn, new.bucket)
        previous = rows.latest(conn, bucket.id, new.key)
        check_write(previous, new.key, new.conditions)
        version = changes.put(conn, bucket, draft, previous, now)
        self.tell(conn, bucket, new.event, new.reason, version, new.actor, now)
        return version, previous is not None

    async def find(self, bucket: Bucket, key: str, version_id: str | None) -> ObjectVersion:
        """A version that is no delete marker; raises NoSuchKey, NoSuchVersion or MethodNotAllowed."""
        found = await self._store.read(lambda conn: rows.find(conn, bucket.id, key, version_id))
        if found is None:
            if version_id is not None:
                raise NoSuchVersion(Key=key, VersionId=version_id)
            raise NoSuchKey(Key=key)
        if found.is_marker:
            headers = {"x-amz-delete-marker": "true"}
            # An object of a bucket that once had no versions has a marker without a name of its own, too.
            headers["x-amz-version-id"] = found.version_id
            if version_id is not None:
                raise MethodNotAllowed(
                    headers={**headers, "Allow": "DELETE"}, Method="GET", ResourceType="DeleteMarker"
                )
            raise NoSuchKey(headers=headers, Key=key)
        return found

    async def read(self, version: ObjectVersion, start: int, length: int) -> bytes | AsyncIterator[bytes]:
        """A part of an object's bytes, as they come unless they are few. Raises NoSuchKey where they are gone."""
        pieces = await self._pieces(version, start, length)
        try:
            if length <= SMALL_BYTES:
                return await collect(self._chain(pieces), self._threads)
            return await Reading.open(self._chain(pieces), self._threads)
        except LookupError as error:
            raise NoSuchKey(Key=version.key) from error

    async def parts(self, version: ObjectVersion, after: int = 0, limit: int | None = None) -> Sequence[Part]:
        """The parts that an object was made of; none where it was put whole."""
        upload = version.upload
        if upload is None:
            return []
        return await self._store.read(lambda conn: rows.parts(conn, upload, after=after, limit=limit))

    async def copy(self, new: NewObject, source: ObjectVersion, algorithm: str | None) -> ObjectVersion:
        """Make a copy of a version, with the checksum that is asked for, or the source's."""
        if source.size > Expectations().limit:
            raise InvalidRequest(
                f"The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{Expectations().limit}"
            )
        known = source.attributes.checksum
        wanted = algorithm or (known.algorithm if known is not None else checksums.DEFAULT)
        taken = await self.copy_bytes(source, 0, source.size, frozenset({wanted}))
        checksum = Checksum(algorithm=wanted, value=taken.checksums[wanted])
        return await self.put_taken(new, taken, checksum)

    async def copy_bytes(self, source: ObjectVersion, start: int, length: int, wanted: frozenset[str]) -> Taken:
        """A staged blob of a part of an object."""
        pieces = await self._pieces(source, start, length)
        return await self._gate.copy(lambda: self._chain(pieces), Expectations(wanted=wanted))

    async def take(self, body: IncomingBody, expected: Expectations) -> Taken:
        """A staged blob of a body."""
        return await self._gate.take(body, expected)

    async def delete(
        self, bucket: Bucket, key: str, version_id: str | None, actor: Actor, conditions: WriteConditions
    ) -> Deleted:
        """Delete a key or one of its versions; what is not there is deleted already."""

        def work(conn: Connection, now: float) -> Deleted:
            return self.delete_in(conn, changes.require(conn, bucket), key, version_id, actor, conditions, now)

        deleted = await self.change(work)
        self._housekeeping.note(garbage=True)
        return deleted

    def delete_in(
        self,
        conn: Connection,
        bucket: Bucket,
        key: str,
        version_id: str | None,
        actor: Actor,
        conditions: WriteConditions,
        now: float,
    ) -> Deleted:
        """`delete` in the caller's transaction."""
        current = rows.find(conn, bucket.id, key, version_id)
        check_write(current, key, conditions)
        if version_id is None:
            deleted = changes.delete(conn, bucket, key, now)
        elif current is None:
            return Deleted()
        else:
            deleted = changes.delete_version(conn, current)
        made = deleted.marker or deleted.removed
        if made is not None:
            event = "ObjectRemoved:DeleteMarkerCreated" if deleted.marker is not None else "ObjectRemoved:Delete"
            self.tell(conn, bucket, event, "DeleteObject", made, actor, now)
        return deleted

    async def delete_several(
        self, bucket: Bucket, wanted: Sequence[tuple[str, str | None, WriteConditions]], actor: Actor
    ) -> Sequence[Deleted | S3Error]:
        """Each as `delete` would, in one transaction; what fails fails alone."""

        def work(conn: Connection, now: float) -> Sequence[Deleted | S3Error]:
            current = changes.require(conn, bucket)
            done: list[Deleted | S3Error] = []
            for key, version_id, conditions in wanted:
                try:
                    done.append(self.delete_in(conn, current, key, version_id, actor, conditions, now))
                except S3Error as error:
                    done.append(error)
            return done

        deleted = await self.change(work)
        self._housekeeping.note(garbage=True)
        return deleted

    async def set_tags(
        self, bucket: Bucket, key: str, version_id: str | None, tags: Mapping[str, str], actor: Actor
    ) -> ObjectVersion:
        """Put an object's tags in the place of those it has."""
        version = await self.find(bucket, key, version_id)

        def work(conn: Connection, now: float) -> None:
            current = rows.find(conn, bucket.id, key, version.version_id)
            if current is None:
                raise NoSuchKey(Key=key)
            rows.set_attributes(conn, current, replace(current.attributes, tags=tags))
            event, reason = ("Put", "PutObjectTagging") if tags else ("Delete", "DeleteObjectTagging")
            self.tell(conn, changes.require(conn, bucket), f"ObjectTagging:{event}", reason, current, actor, now)

        await self.change(work)
        return version

    def tell(
        self,
        conn: Connection,
        bucket: Bucket,
        event: str,
        reason: str,
        version: ObjectVersion,
        actor: Actor,
        now: float,
    ) -> None:
        """Note that something happened to an object, in the transaction in which it does."""
        happening = Happening(event=event, reason=reason, version=version, actor=actor, at=now)
        self._notifier.note(conn, bucket, happening)

    async def change(self, work: Callable[[Connection, float], T]) -> T:
        now, told = self._clock.time(), self._notifier.told
        result = await self._store.write(lambda conn: work(conn, now))
        # Looking for something to deliver costs as much as a write: only where this, or one beside it, has put it.
        if self._notifier.told != told:
            self._notifier.wake()
        return result

    async def _pieces(self, version: ObjectVersion, start: int, length: int) -> Sequence[tuple[str, int, int]]:
        if version.blob is not None:
            return [(version.blob, start, length)] if length else []
        return await self._store.read(lambda conn: rows.pieces(conn, version, start, length))

    def _chain(self, pieces: Sequence[tuple[str, int, int]]) -> Iterator[bytes]:
        for blob, start, length in pieces:
            yield from self._bytes.read(blob, start, length)


def chosen_checksum(expected: Expectations, taken: Taken) -> Checksum | None:
    """The checksum that an object keeps: the one that the caller sent, else the one that was computed for him."""
    for algorithm in (*expected.checksums, *sorted(expected.wanted)):
        return Checksum(algorithm=algorithm, value=taken.checksums[algorithm])
    return None
