"""Uploads in parts: begun, filled, completed or given up.

A completed object is its parts as they were uploaded: completing one moves no bytes. Source: "Uploading and copying
objects using multipart upload" in the S3 user guide.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.model.clock import Clock
from stoker.objects import changes, checksums, rows
from stoker.objects.bucket import Bucket
from stoker.objects.checksums import COMPOSITE, Checksum
from stoker.objects.conditions import WriteConditions, check_write
from stoker.objects.errors import BadDigest, EntityTooSmall, InvalidPart, InvalidPartOrder, InvalidRequest, NoSuchUpload
from stoker.objects.housekeeping import Housekeeping
from stoker.objects.intake import Expectations, Taken
from stoker.objects.listing import From, Page, read_page, start_after
from stoker.objects.objects import Objects
from stoker.objects.version import Actor, Attributes, ObjectVersion, Part, Upload
from stoker.store.store import Store
from stoker.store.tables_objects import s3_parts, s3_uploads
from stoker.wire.payload import IncomingBody

MAX_PARTS = 10_000
MIN_PART_BYTES = 5 * 1024**2
_uploads = s3_uploads.c
_parts = s3_parts.c


@dataclass(frozen=True, kw_only=True)
class NamedPart:
    """A part as CompleteMultipartUpload names it."""

    number: int
    etag: str
    checksums: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What CompleteMultipartUpload asks for. `size` and `checksum` are what the whole should have."""

    parts: Sequence[NamedPart]
    actor: Actor
    conditions: WriteConditions
    size: int | None = None
    checksum: str | None = None
    kind: str | None = None


class Uploads:
    """The uploads of all buckets; on the event loop's thread."""

    def __init__(self, *, store: Store, objects: Objects, housekeeping: Housekeeping, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._housekeeping = housekeeping
        self._clock = clock

    async def begin(
        self, bucket: Bucket, key: str, attributes: Attributes, algorithm: str | None, kind: str | None
    ) -> Upload:
        """A new upload. Raises InvalidRequest for a checksum that cannot be made of parts in that way."""
        chosen = algorithm or checksums.DEFAULT
        found = checksums.kind_for(chosen, kind)
        if found is None:
            raise InvalidRequest(
                f"The {kind} checksum type cannot be used with the {chosen.lower()} checksum algorithm."
            )
        now = self._clock.time()
        upload = Upload(
            id=_new_id(now),
            bucket=bucket.id,
            key=key,
            initiated=float(int(now)),
            attributes=attributes,
            algorithm=chosen,
            kind=found,
            asked=algorithm is not None,
        )

        def work(conn: Connection) -> None:
            changes.require(conn, bucket)
            conn.execute(sa.insert(s3_uploads).values(**_values(upload)))

        await self._store.write(work)
        return upload

    async def find(self, bucket: Bucket, key: str, upload_id: str) -> Upload:
        """The upload; raises NoSuchUpload."""
        return await self._store.read(lambda conn: _require(conn, bucket, key, upload_id))

    async def put_part(self, upload: Upload, number: int, body: IncomingBody, expected: Expectations) -> Part:
        """Take a part in; one with the same number is replaced."""
        stated = set(expected.checksums) | set(expected.wanted)
        if upload.asked and stated - {upload.algorithm}:
            (other,) = sorted(stated - {upload.algorithm})[:1]
            raise InvalidRequest(
                f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, "
                f"actual checksum Type: {other.lower()}"
            )
        wanted = frozenset({*expected.wanted, upload.algorithm} - set(expected.checksums))
        return await self._keep(upload, number, await self._objects.take(body, replace(expected, wanted=wanted)))

    async def copy_part(self, upload: Upload, number: int, source: ObjectVersion, start: int, length: int) -> Part:
        """Take a part of another object as a part."""
        taken = await self._objects.copy_bytes(source, start, length, frozenset({upload.algorithm}))
        return await self._keep(upload, number, taken)

    async def _keep(self, upload: Upload, number: int, taken: Taken) -> Part:
        part = Part(
            number=number,
            size=taken.size,
            etag=taken.md5,
            modified=float(int(self._clock.time())),
            blob=taken.blob,
            checksums=taken.checksums,
        )

        def work(conn: Connection) -> None:
            if conn.execute(sa.select(_uploads.id).where(_uploads.id == upload.id)).first() is None:
                raise NoSuchUpload(UploadId=upload.id)
            where = (_parts.upload == upload.id) & (_parts.number == number)
            before = conn.execute(sa.select(_parts.blob).where(where)).scalar()
            if before is not None:
                rows.add_garbage(conn, [before])
                conn.execute(sa.delete(s3_parts).where(where))
            conn.execute(sa.insert(s3_parts).values(upload=upload.id, **asdict(part)))

        try:
            await self._store.write(work)
        except BaseException:
            await self._housekeeping.discard(taken.blob)
            raise
        self._housekeeping.note(settled=[taken.blob], garbage=True)
        return part

    async def complete(self, bucket: Bucket, upload: Upload, asked: Completion) -> ObjectVersion:
        """Make the named parts an object, in one transaction."""

        def work(conn: Connection, now: float) -> ObjectVersion:
            current = _require(conn, bucket, upload.key, upload.id)
            chosen = choose_parts(rows.parts(conn, upload.id), asked.parts, current)
            draft = assemble(current, chosen, asked)
            holder = changes.require(conn, bucket)
            previous = rows.latest(conn, holder.id, current.key)
            check_write(previous, current.key, asked.conditions)
            rows.remove_parts(conn, upload.id, but=frozenset(part.number for part in chosen))
            start = 0
            for part in chosen:
                where = (_parts.upload == upload.id) & (_parts.number == part.number)
                conn.execute(sa.update(s3_parts).where(where).values(start=start))
                start += part.size
            conn.execute(sa.delete(s3_uploads).where(_uploads.id == upload.id))
            version = changes.put(conn, holder, draft, previous, now)
            event, reason = "ObjectCreated:CompleteMultipartUpload", "CompleteMultipartUpload"
            self._objects.tell(conn, holder, event, reason, version, asked.actor, now)
            return version

        version = await self._objects.change(work)
        self._housekeeping.note(garbage=True)
        return version

    async def completed(self, bucket: Bucket, key: str, upload_id: str) -> ObjectVersion | None:
        """What an upload has become, while that is the newest version: its client may not have heard the answer."""
        found = await self._store.read(lambda conn: rows.latest(conn, bucket.id, key))
        return found if found is not None and found.upload == upload_id else None

    async def abort(self, bucket: Bucket, key: str, upload_id: str) -> None:
        def work(conn: Connection) -> None:
            upload = _require(conn, bucket, key, upload_id)
            remove_upload(conn, upload.id)

        await self._store.write(work)
        self._housekeeping.note(garbage=True)

    async def parts(self, upload: Upload, after: int, limit: int) -> Sequence[Part]:
        return await self._store.read(lambda conn: rows.parts(conn, upload.id, after=after, limit=limit))

    async def list(
        self, bucket: Bucket, *, prefix: str, delimiter: str, marker: str | None, id_marker: str | None, limit: int
    ) -> Page[Upload]:
        """A page of uploads by key, and by their beginning for one key."""
        start = start_after(prefix, delimiter, marker)
        if start is not None and start.after and id_marker:
            start = replace(start, tie=id_marker)

        def read(conn: Connection) -> Page[Upload]:
            def fetch(at: From, end: bytes | None, count: int) -> Sequence[Upload]:
                where = (_uploads.bucket == bucket.id) & _behind(at)
                if end is not None:
                    where &= _uploads.key < end
                query = sa.select(s3_uploads).where(where).order_by(_uploads.key, _uploads.id).limit(count)
                return [_upload(row) for row in conn.execute(query)]

            return read_page(fetch, start, prefix=prefix, delimiter=delimiter, limit=limit)

        return await self._store.read(read)


def choose_parts(uploaded: Sequence[Part], named: Sequence[NamedPart], upload: Upload) -> Sequence[Part]:
    """The parts that are named, which must be there and in order. Pure."""
    by_number = {part.number: part for part in uploaded}
    chosen: list[Part] = []
    for each in named:
        if chosen and each.number <= chosen[-1].number:
            raise InvalidPartOrder(UploadId=upload.id)
        part = by_number.get(each.number)
        same = part is not None and each.etag.strip('"') == part.etag
        if part is None or not same or any(part.checksums.get(k, v) != v for k, v in each.checksums.items()):
            raise InvalidPart(UploadId=upload.id, PartNumber=each.number, ETag=each.etag.strip('"'))
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise EntityTooSmall(
                ETag=part.etag, MinSizeAllowed=MIN_PART_BYTES, PartNumber=part.number, ProposedSize=part.size
            )
    return chosen


def assemble(upload: Upload, chosen: Sequence[Part], asked: Completion) -> ObjectVersion:
    """The object that parts make; raises what AWS says of one that is not what was said of it. Pure."""
    size = sum(part.size for part in chosen)
    if asked.size is not None and asked.size != size:
        raise InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {asked.size} does not match what was computed: {size}"
        )
    checksum = checksums.of_parts(
        upload.algorithm, upload.kind, [(part.checksums[upload.algorithm], part.size) for part in chosen]
    )
    if asked.kind is not None and asked.kind != upload.kind:
        raise InvalidRequest(f"The upload was created using the {upload.kind} checksum mode.")
    if asked.checksum is not None and not _agrees(asked.checksum, checksum):
        raise BadDigest(f"The {upload.algorithm.lower()} you specified did not match the calculated checksum.")
    joined = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in chosen), usedforsecurity=False)
    return ObjectVersion(
        bucket=upload.bucket,
        key=upload.key,
        seq=0,
        version_id="",
        modified=0,
        etag=f"{joined.hexdigest()}-{len(chosen)}",
        size=size,
        upload=upload.id,
        attributes=replace(upload.attributes, checksum=checksum, parts=len(chosen)),
    )


def remove_upload(conn: Connection, upload_id: str) -> None:
    """An upload and its parts are given up."""
    rows.remove_parts(conn, upload_id)
    conn.execute(sa.delete(s3_uploads).where(_uploads.id == upload_id))


def _agrees(stated: str, checksum: Checksum) -> bool:
    """A composite one may be said without the number of parts."""
    value = checksum.value
    return stated == value or (checksum.kind == COMPOSITE and stated == value.rpartition("-")[0])


def _behind(at: From) -> sa.ColumnElement[bool]:
    if not at.after:
        return _uploads.key >= at.key
    if at.tie is None:
        return _uploads.key > at.key
    return (_uploads.key >= at.key) & ((_uploads.key > at.key) | (_uploads.id > at.tie))


def _new_id(now: float) -> str:
    """Ids compare by their age, as lists of uploads are ordered."""
    return int(now * 1_000_000).to_bytes(8, "big").hex() + secrets.token_hex(24)


def _require(conn: Connection, bucket: Bucket, key: str, upload_id: str) -> Upload:
    where = (_uploads.id == upload_id) & (_uploads.bucket == bucket.id) & (_uploads.key == key.encode())
    row = conn.execute(sa.select(s3_uploads).where(where)).first()
    if row is None:
        raise NoSuchUpload(UploadId=upload_id)
    return _upload(row)


def _values(upload: Upload) -> dict[str, Any]:
    document = {
        "attributes": upload.attributes.document(),
        "algorithm": upload.algorithm,
        "kind": upload.kind,
        "asked": upload.asked,
    }
    return {
        "id": upload.id,
        "bucket": upload.bucket,
        "key": upload.key.encode(),
        "initiated": upload.initiated,
        "document": document,
    }


def _upload(row: Row[Any]) -> Upload:
    document = row.document
    return Upload(
        id=row.id,
        bucket=row.bucket,
        key=row.key.decode(),
        initiated=row.initiated,
        attributes=Attributes.read(document["attributes"]),
        algorithm=document["algorithm"],
        kind=document["kind"],
        asked=document["asked"],
    )
