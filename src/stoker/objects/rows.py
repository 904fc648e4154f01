"""Rows of versions and parts to values and back; how they are found. Works of the store, on a connection."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.objects.bucket import Bucket
from stoker.objects.version import Attributes, ObjectVersion, Part, is_null, seq_of
from stoker.store.tables_objects import s3_buckets, s3_garbage, s3_objects, s3_parts

_objects = s3_objects.c
_parts = s3_parts.c


def bucket_of(row: Row[Any]) -> Bucket:
    return Bucket(
        id=row.id,
        name=row.name,
        region=row.region,
        created=row.created,
        versioning=row.versioning,
        settings=row.settings,
    )


def find_bucket(conn: Connection, bucket_id: int) -> Bucket | None:
    row = conn.execute(sa.select(s3_buckets).where(s3_buckets.c.id == bucket_id)).first()
    return None if row is None else bucket_of(row)


def version_of(row: Row[Any]) -> ObjectVersion:
    return ObjectVersion(
        bucket=row.bucket,
        key=row.key.decode(),
        seq=row.seq,
        version_id=row.version_id,
        modified=row.modified,
        etag=row.etag,
        size=row.size,
        is_marker=row.is_marker,
        listed=row.listed,
        blob=row.blob,
        upload=row.upload,
        attributes=Attributes.read(row.document),
    )


def is_key(bucket: int, key: str) -> sa.ColumnElement[bool]:
    return (_objects.bucket == bucket) & (_objects.key == key.encode())


def is_version(version: ObjectVersion) -> sa.ColumnElement[bool]:
    return is_key(version.bucket, version.key) & (_objects.seq == version.seq)


def latest(conn: Connection, bucket: int, key: str) -> ObjectVersion | None:
    """The newest version, which may be a delete marker."""
    query = sa.select(s3_objects).where(is_key(bucket, key)).order_by(_objects.seq.desc()).limit(1)
    row = conn.execute(query).first()
    return None if row is None else version_of(row)


def find(conn: Connection, bucket: int, key: str, version_id: str | None) -> ObjectVersion | None:
    """A version by its id, or the newest one."""
    if version_id is None:
        return latest(conn, bucket, key)
    where = is_key(bucket, key) & (_objects.version_id == version_id)
    if not is_null(version_id):
        seq = seq_of(version_id)
        if seq is None:
            return None
        where &= _objects.seq == seq
    row = conn.execute(sa.select(s3_objects).where(where)).first()
    return None if row is None else version_of(row)


def insert(conn: Connection, version: ObjectVersion) -> None:
    conn.execute(
        sa.insert(s3_objects).values(
            bucket=version.bucket,
            key=version.key.encode(),
            seq=version.seq,
            version_id=version.version_id,
            listed=version.listed,
            is_marker=version.is_marker,
            size=version.size,
            etag=version.etag,
            modified=version.modified,
            blob=version.blob,
            upload=version.upload,
            document=version.attributes.document(),
        )
    )


def set_listed(conn: Connection, version: ObjectVersion, listed: bool) -> None:
    conn.execute(sa.update(s3_objects).where(is_version(version)).values(listed=listed))


def set_attributes(conn: Connection, version: ObjectVersion, attributes: Attributes) -> None:
    conn.execute(sa.update(s3_objects).where(is_version(version)).values(document=attributes.document()))


def remove(conn: Connection, version: ObjectVersion) -> None:
    """Remove a version; its bytes are garbage from now on."""
    conn.execute(sa.delete(s3_objects).where(is_version(version)))
    if version.blob is not None:
        add_garbage(conn, [version.blob])
    if version.upload is not None:
        remove_parts(conn, version.upload)


def add_garbage(conn: Connection, blobs: Sequence[str]) -> None:
    if blobs:
        conn.execute(sa.insert(s3_garbage), [{"blob": blob} for blob in blobs])


def remove_parts(conn: Connection, upload: str, *, but: frozenset[int] = frozenset()) -> None:
    """Remove the parts of an upload, except the numbers in `but`."""
    rows = conn.execute(sa.select(_parts.number, _parts.blob).where(_parts.upload == upload)).all()
    gone = [row for row in rows if row.number not in but]
    add_garbage(conn, [row.blob for row in gone])
    if not but:
        conn.execute(sa.delete(s3_parts).where(_parts.upload == upload))
        return
    for row in gone:
        conn.execute(sa.delete(s3_parts).where((_parts.upload == upload) & (_parts.number == row.number)))


def part_of(row: Row[Any]) -> Part:
    return Part(
        number=row.number,
        size=row.size,
        etag=row.etag,
        modified=row.modified,
        blob=row.blob,
        checksums=row.checksums,
        start=row.start,
    )


def parts(conn: Connection, upload: str, *, after: int = 0, limit: int | None = None) -> Sequence[Part]:
    """The parts of an upload by number."""
    where = (_parts.upload == upload) & (_parts.number > after)
    query = sa.select(s3_parts).where(where).order_by(_parts.number).limit(limit)
    return [part_of(row) for row in conn.execute(query)]


def pieces(conn: Connection, version: ObjectVersion, start: int, length: int) -> Sequence[tuple[str, int, int]]:
    """Where the bytes of a range are: blobs with a start and a length in each."""
    if version.blob is not None:
        return [(version.blob, start, length)] if length else []
    end = start + length
    where = (_parts.upload == version.upload) & (_parts.start < end) & (_parts.start + _parts.size > start)
    query = sa.select(_parts.blob, _parts.start, _parts.size).where(where).order_by(_parts.start)
    found = []
    for row in conn.execute(query):
        begin = max(start, row.start)
        found.append((row.blob, begin - row.start, min(end, row.start + row.size) - begin))
    return found
