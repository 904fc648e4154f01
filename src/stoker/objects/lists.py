"""Lists of objects and of versions, page by page, along the indexes."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from stoker.objects import rows
from stoker.objects.bucket import Bucket
from stoker.objects.listing import From, Page, read_page, start_after
from stoker.objects.version import ObjectVersion, is_null, seq_of
from stoker.store.store import Store
from stoker.store.tables_objects import s3_objects

_objects = s3_objects.c


def _listed(after: bool, bounded: bool) -> sa.Select[Any]:
    """The newest versions from a key on, or behind it, up to another one."""
    where = (_objects.bucket == bindparam("bucket")) & (_objects.listed == sa.true())
    where &= _objects.key > bindparam("begin") if after else _objects.key >= bindparam("begin")
    if bounded:
        where &= _objects.key < bindparam("end")
    return sa.select(s3_objects).where(where).order_by(_objects.key).limit(bindparam("most"))


# Made once: a page of folders takes a look behind each, and to make its statement took most of that.
_LISTED = {(after, bounded): _listed(after, bounded) for after in (False, True) for bounded in (False, True)}


class Lists:
    """Pages of at most `limit` items and common prefixes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def objects(
        self, bucket: Bucket, *, prefix: str, delimiter: str, marker: str | None, limit: int
    ) -> Page[ObjectVersion]:
        """The newest versions, without those that are deleted."""
        start = start_after(prefix, delimiter, marker)

        def read(conn: Connection) -> Page[ObjectVersion]:
            def fetch(at: From, end: bytes | None, count: int) -> Sequence[ObjectVersion]:
                values = {"bucket": bucket.id, "begin": at.key, "end": end, "most": count}
                return [rows.version_of(row) for row in conn.execute(_LISTED[at.after, end is not None], values)]

            return read_page(fetch, start, prefix=prefix, delimiter=delimiter, limit=limit)

        return await self._store.read(read)

    async def versions(
        self,
        bucket: Bucket,
        *,
        prefix: str,
        delimiter: str,
        marker: str | None,
        version_marker: str | None,
        limit: int,
    ) -> Page[ObjectVersion]:
        """All versions and delete markers, the newest of a key first."""
        start = start_after(prefix, delimiter, marker)

        def read(conn: Connection) -> Page[ObjectVersion]:
            begin = start
            if start is not None and marker and version_marker and start.after:
                begin = From(key=start.key, after=True, tie=_seq(conn, bucket, marker, version_marker))

            def fetch(at: From, end: bytes | None, count: int) -> Sequence[ObjectVersion]:
                where = (_objects.bucket == bucket.id) & _behind(at)
                if end is not None:
                    where &= _objects.key < end
                query = sa.select(s3_objects).where(where).order_by(_objects.key, _objects.seq.desc()).limit(count)
                return [rows.version_of(row) for row in conn.execute(query)]

            return read_page(fetch, begin, prefix=prefix, delimiter=delimiter, limit=limit)

        return await self._store.read(read)


def _behind(at: From) -> sa.ColumnElement[bool]:
    if not at.after:
        return _objects.key >= at.key
    if at.tie is None:
        return _objects.key > at.key
    # The first term is what an index can be entered by.
    return (_objects.key >= at.key) & ((_objects.key > at.key) | (_objects.seq < at.tie))


def _seq(conn: Connection, bucket: Bucket, key: str, version_id: str) -> int | None:
    if not is_null(version_id):
        return seq_of(version_id)
    found = rows.find(conn, bucket.id, key, version_id)
    return None if found is None else found.seq
