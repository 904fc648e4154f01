"""Carries out buckets' lifecycle rules, every hour, a page of versions at a time."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.model.clock import Clock, Timer
from stoker.objects import changes, rows
from stoker.objects.bucket import Bucket
from stoker.objects.buckets import Buckets
from stoker.objects.housekeeping import Housekeeping
from stoker.objects.lifecycle_rules import DAY_S, Due, LifecycleRule, due, midnight_after, read_rules
from stoker.objects.objects import Objects
from stoker.objects.uploads import remove_upload
from stoker.objects.version import Actor, ObjectVersion
from stoker.store.store import Store
from stoker.store.tables_objects import s3_objects, s3_uploads

INTERVAL_S = 3600.0
FIRST_AFTER_S = 60.0
_PAGE = 1000
_AT_ONCE = 100
ACTOR = Actor(principal_id="s3.amazonaws.com", source_ip="s3.amazonaws.com", request_id="lifecycle")
_objects = s3_objects.c

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Scan:
    """What a page has shown: what is due, and where the next one begins (None: that was the last)."""

    due: Sequence[tuple[ObjectVersion, Due]]
    next_key: bytes | None


class Lifecycle:
    """`start` sets the clock, `close` stops; on the event loop's thread."""

    def __init__(
        self, *, store: Store, buckets: Buckets, objects: Objects, housekeeping: Housekeeping, clock: Clock
    ) -> None:
        self._store = store
        self._buckets = buckets
        self._objects = objects
        self._housekeeping = housekeeping
        self._clock = clock
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Lifecycle {'running' if self._task is not None and not self._task.done() else 'waiting'}>"

    async def start(self) -> None:
        self._timer = self._clock.call_later(FIRST_AFTER_S, self._begin)

    async def close(self) -> None:
        """What is begun is dropped: nothing is half done, and the next run finds the rest."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self.run()
        except Exception:
            # The boundary of a background task: the next hour tries again.
            log.exception("lifecycle rules could not be carried out")
        self._timer = self._clock.call_later(INTERVAL_S, self._begin)

    async def run(self) -> None:
        """Do everything that is due now."""
        for bucket in self._buckets.all():
            rules = read_rules(bucket)
            if rules:
                await self._expire(bucket, rules)
                await self._abort(bucket, [rule for rule in rules if rule.abort_days is not None])

    async def _expire(self, bucket: Bucket, rules: Sequence[LifecycleRule]) -> None:
        now = self._clock.time()
        key: bytes | None = b""
        while key is not None:
            begin = key
            scan = await self._store.read(lambda conn, begin=begin: _scan(conn, bucket, rules, begin, now))  # type: ignore[misc]
            for at in range(0, len(scan.due), _AT_ONCE):
                await self._carry_out(bucket, scan.due[at : at + _AT_ONCE])
            key = scan.next_key

    async def _carry_out(self, bucket: Bucket, wanted: Sequence[tuple[ObjectVersion, Due]]) -> None:
        def work(conn: Connection, now: float) -> None:
            current = changes.require(conn, bucket)
            for version, what in wanted:
                self._do(conn, current, version, what, now)

        await self._objects.change(work)
        self._housekeeping.note(garbage=True)

    def _do(self, conn: Connection, bucket: Bucket, version: ObjectVersion, what: Due, now: float) -> None:
        newest = rows.latest(conn, bucket.id, version.key)
        if newest is None or (what is Due.EXPIRE and newest.seq != version.seq):
            # Somebody was faster: what was due is not there, or no longer the newest.
            return
        if what is Due.EXPIRE:
            deleted = changes.delete(conn, bucket, version.key, now)
        elif rows.find(conn, bucket.id, version.key, version.version_id) is None:
            return
        else:
            deleted = changes.delete_version(conn, version)
        made = deleted.marker or deleted.removed
        if made is not None:
            event = "LifecycleExpiration:" + ("Delete" if deleted.marker is None else "DeleteMarkerCreated")
            self._objects.tell(conn, bucket, event, "Lifecycle Expiration", made, ACTOR, now)

    async def _abort(self, bucket: Bucket, rules: Sequence[LifecycleRule]) -> None:
        if not rules:
            return
        now = self._clock.time()
        shortest = min(rule.abort_days or 0 for rule in rules)

        def work(conn: Connection) -> None:
            where = (s3_uploads.c.bucket == bucket.id) & (s3_uploads.c.initiated <= now - shortest * DAY_S)
            for row in conn.execute(sa.select(s3_uploads).where(where)).all():
                key = row.key.decode()
                days = [rule.abort_days or 0 for rule in rules if key.startswith(rule.prefix)]
                if days and midnight_after(row.initiated + min(days) * DAY_S) <= now:
                    remove_upload(conn, row.id)

        await self._store.write(work)
        self._housekeeping.note(garbage=True)


def _scan(conn: Connection, bucket: Bucket, rules: Sequence[LifecycleRule], begin: bytes, now: float) -> _Scan:
    """Whole keys only: a page ends before its last key, unless it is the last page."""
    limit = _PAGE
    while True:
        where = (_objects.bucket == bucket.id) & (_objects.key >= begin)
        query = sa.select(s3_objects).where(where).order_by(_objects.key, _objects.seq.desc()).limit(limit)
        versions = [rows.version_of(row) for row in conn.execute(query)]
        if len(versions) < limit:
            return _Scan(due=_due(rules, versions, now), next_key=None)
        last = versions[-1].key
        whole = [version for version in versions if version.key != last]
        if whole:
            return _Scan(due=_due(rules, whole, now), next_key=last.encode())
        # A key with more versions than a page has rows.
        limit *= 2


def _due(
    rules: Sequence[LifecycleRule], versions: Sequence[ObjectVersion], now: float
) -> list[tuple[ObjectVersion, Due]]:
    by_key = groupby(versions, key=lambda version: version.key)
    return [each for _, group in by_key for each in due(rules, list(group), now)]
