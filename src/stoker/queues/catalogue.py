"""The queues that there are: made, changed, found and deleted. Held in memory, since every call names one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.model.clock import Clock
from stoker.queues import attributes as rules
from stoker.queues.attributes import Settings, settings_of
from stoker.queues.errors import (
    InvalidAttributeName,
    InvalidParameterValue,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    QueueNameExists,
)
from stoker.queues.queue import FIFO_SUFFIX, Queue, check_name, queue_arn
from stoker.queues.row_ids import RowIds
from stoker.store.store import Store
from stoker.store.tables_queues import queue_removals, queues

_columns = queues.c
PURGE_EVERY_S = 60.0
MAX_TAGS = 50


class Catalogue:
    """For the event loop's thread; `load` first. What it hands out is a value: ask again to see changes."""

    def __init__(self, *, account: str, store: Store, clock: Clock, ids: RowIds) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._ids = ids
        self._queues: dict[tuple[str, str], Queue] = {}
        self._by_id: dict[int, Queue] = {}

    def __repr__(self) -> str:
        return f"<Catalogue {len(self._queues)} queues>"

    async def load(self) -> None:
        rows = await self._store.read(lambda conn: list(conn.execute(sa.select(queues))))
        for row in rows:
            self._keep(_queue(row, self._account))

    def all(self) -> Sequence[Queue]:
        return list(self._queues.values())

    def find(self, region: str, name: str) -> Queue:
        """Raises QueueDoesNotExist."""
        queue = self._queues.get((region, name))
        if queue is None:
            raise QueueDoesNotExist
        return queue

    def by_arn(self, arn: str) -> Queue | None:
        parts = arn.split(":")
        if len(parts) != 6 or parts[2] != "sqs" or parts[4] != self._account:
            return None
        return self._queues.get((parts[3], parts[5]))

    def current(self, queue_id: int) -> Queue | None:
        """The queue as it is now."""
        return self._by_id.get(queue_id)

    def listed(self, region: str, prefix: str, after: str, limit: int) -> Sequence[Queue]:
        """Queues by name, from behind `after`."""
        names = sorted(name for place, name in self._queues if place == region and name.startswith(prefix))
        return [self._queues[region, name] for name in names if name > after][:limit]

    def sources_of(self, target: Queue) -> Sequence[Queue]:
        """The queues whose dead letters go to this one, by name."""
        sources = [each for each in self._queues.values() if _dead_letter_arn(each) == target.arn]
        return sorted(sources, key=lambda queue: queue.name)

    async def create(self, region: str, name: str, given: Mapping[str, str], tags: Mapping[str, str]) -> Queue:
        """A new queue, or the one there is if it has these attributes. Raises QueueNameExists."""
        fifo = given.get("FifoQueue") == "true"
        check_name(name, fifo=fifo)
        rules.check_names(given, fifo=fifo)
        _check_tags(tags)
        attributes = rules.change({}, given)
        known = self._queues.get((region, name))
        if known is not None:
            return _same(known, given)
        self._check_redrive(queue_arn(region, self._account, name), attributes, settings_of(attributes))
        now = self._clock.time()
        queue = Queue(
            id=self._ids.next(),
            generation=self._ids.next(),
            account=self._account,
            region=region,
            name=name,
            attributes=attributes,
            settings=settings_of(attributes),
            tags=dict(tags),
            created=now,
            modified=now,
        )

        def work(conn: Connection) -> Queue:
            found = conn.execute(sa.select(queues).where(_columns.region == region, _columns.name == name)).first()
            if found is not None:
                return _same(_queue(found, self._account), given)
            conn.execute(sa.insert(queues).values(_row(queue)))
            return queue

        return self._keep(await self._store.write(work))

    async def set_attributes(self, queue: Queue, given: Mapping[str, str]) -> Queue:
        """The queue with changed attributes."""
        rules.check_names(given, fifo=queue.settings.fifo)
        if "FifoQueue" in given:
            raise InvalidAttributeName("Unknown Attribute FifoQueue.")
        attributes = rules.change(queue.attributes, given)
        settings = settings_of(attributes)
        if "RedrivePolicy" in given:
            self._check_redrive(queue.arn, attributes, settings)
        changed = replace(queue, attributes=attributes, settings=settings, modified=self._clock.time())
        return await self._update(changed)

    async def change_policy(self, queue: Queue, change: Callable[[str | None], str | None]) -> Queue:
        """Put what `change` makes of the queue's policy in its place; None is no policy."""
        policy = change(queue.attributes.get("Policy"))
        attributes = {name: value for name, value in queue.attributes.items() if name != "Policy"}
        if policy is not None:
            attributes["Policy"] = policy
        return await self._update(replace(queue, attributes=attributes, modified=self._clock.time()))

    async def set_tags(self, queue: Queue, tags: Mapping[str, str]) -> Queue:
        _check_tags(tags)
        return await self._update(replace(queue, tags=dict(tags)))

    async def purge(self, queue: Queue) -> Queue:
        """Give the queue a new generation: whatever it had is gone. Raises PurgeQueueInProgress."""
        now = self._clock.time()
        if queue.purged is not None and now - queue.purged < PURGE_EVERY_S:
            raise PurgeQueueInProgress(f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.")
        purged = replace(queue, generation=self._ids.next(), purged=now)

        def work(conn: Connection) -> None:
            conn.execute(sa.update(queues).where(_columns.id == queue.id).values(_row(purged)))
            conn.execute(sa.insert(queue_removals).values(generation=queue.generation))

        await self._store.write(work)
        return self._keep(purged)

    async def delete(self, queue: Queue) -> None:
        """The queue is gone when this returns; its messages' rows follow."""

        def work(conn: Connection) -> bool:
            gone = conn.execute(sa.delete(queues).where(_columns.id == queue.id)).rowcount > 0
            if gone:
                conn.execute(sa.insert(queue_removals).values(generation=queue.generation))
            return gone

        await self._store.write(work)
        self._queues.pop((queue.region, queue.name), None)
        self._by_id.pop(queue.id, None)

    async def _update(self, queue: Queue) -> Queue:
        values = {name: value for name, value in _row(queue).items() if name not in ("id", "generation", "purged")}

        def work(conn: Connection) -> None:
            if not conn.execute(sa.update(queues).where(_columns.id == queue.id).values(values)).rowcount:
                raise QueueDoesNotExist

        await self._store.write(work)
        current = self._by_id.get(queue.id, queue)
        return self._keep(replace(queue, generation=current.generation, purged=current.purged))

    def _check_redrive(self, arn: str, attributes: Mapping[str, str], settings: Settings) -> None:
        if settings.redrive is None:
            return
        own = settings.redrive.target_arn == arn
        target = self.by_arn(settings.redrive.target_arn)
        known = settings if own else None if target is None else target.settings
        rules.check_redrive(arn, settings, known, attributes["RedrivePolicy"])

    def _keep(self, queue: Queue) -> Queue:
        self._queues[queue.region, queue.name] = queue
        self._by_id[queue.id] = queue
        return queue


def _same(known: Queue, given: Mapping[str, str]) -> Queue:
    shown = rules.described(known.attributes)
    for name, value in given.items():
        if shown.get(name, "") != value:
            raise QueueNameExists(
                f"A queue already exists with the same name and a different value for attribute {name}"
            )
    if known.name.endswith(FIFO_SUFFIX) and given.get("FifoQueue") != "true":
        raise QueueNameExists("A queue already exists with the same name and a different value for attribute FifoQueue")
    return known


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidParameterValue(f"Too many tags added for queue; there can be at most {MAX_TAGS}.")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            raise InvalidParameterValue(f"Tag key or value is invalid: {key}")


def _dead_letter_arn(queue: Queue) -> str | None:
    return None if queue.settings.redrive is None else queue.settings.redrive.target_arn


def _row(queue: Queue) -> dict[str, Any]:
    return {
        "id": queue.id,
        "region": queue.region,
        "name": queue.name,
        "generation": queue.generation,
        "attributes": dict(queue.attributes),
        "tags": dict(queue.tags),
        "created": queue.created,
        "modified": queue.modified,
        "purged": queue.purged,
    }


def _queue(row: Row[Any], account: str) -> Queue:
    return Queue(
        id=row.id,
        generation=row.generation,
        account=account,
        region=row.region,
        name=row.name,
        attributes=row.attributes,
        settings=settings_of(row.attributes),
        tags=row.tags,
        created=row.created,
        modified=row.modified,
        purged=row.purged,
    )
