"""Messages in the database: plain functions of a connection, for `Store.write`. Statements are made once."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection, bindparam

from stoker.store.prepared import Prepared, PreparedInsert, items
from stoker.store.tables_queues import (
    queue_contents,
    queue_deduplications,
    queue_groups,
    queue_messages,
    queues,
)

_messages = queue_messages.c
_groups = queue_groups.c
_dedups = queue_deduplications.c
# A receive takes at most ten messages of a group, and no more until they are settled: what is in flight of it lies
# among its first ten.
GROUP_HEAD = 10

_GENERATION = Prepared(lambda _: sa.select(queues.c.generation).where(queues.c.id == bindparam("queue")))
_DUPLICATE = Prepared(
    lambda _: sa.select(_dedups.message_id, _dedups.sequence).where(
        _dedups.generation == bindparam("generation"),
        _dedups.scope == bindparam("scope"),
        _dedups.deduplication_id == bindparam("deduplication_id"),
        _dedups.expires_at > bindparam("now"),
    )
)
_FORGET_DUPLICATE = Prepared(
    lambda _: sa.delete(queue_deduplications).where(
        _dedups.generation == bindparam("generation"),
        _dedups.scope == bindparam("scope"),
        _dedups.deduplication_id == bindparam("deduplication_id"),
    )
)
_REMEMBER = Prepared(lambda _: sa.insert(queue_deduplications))
# Both engines have this form; a group that is there keeps its moment, since its first message is older.
_OPEN_GROUP = Prepared(
    lambda _: sa.text(
        "INSERT INTO queue_groups (generation, group_id, ready_at) VALUES (:generation, :group_id, :ready_at) "
        "ON CONFLICT DO NOTHING"
    )
)
_HEAD = Prepared(
    lambda _: (
        sa.select(_messages.visible_at, _messages.receive_count, _messages.received_before)
        .where(_messages.generation == bindparam("generation"), _messages.group_id == bindparam("group"))
        .order_by(_messages.id)
        .limit(GROUP_HEAD)
    )
)
_GROUP = (_groups.generation == bindparam("of_generation")) & (_groups.group_id == bindparam("of_group"))
_CLOSE_GROUP = Prepared(lambda _: sa.delete(queue_groups).where(_GROUP))
_READY_GROUP = Prepared(lambda _: sa.update(queue_groups).where(_GROUP).values(ready_at=bindparam("at")))
_INSERT_CONTENT = PreparedInsert(queue_contents, ("id", "content"))
_DELETE = Prepared(lambda count: sa.delete(queue_messages).where(_messages.id.in_(items(count))))
_DELETE_CONTENT = Prepared(lambda count: sa.delete(queue_contents).where(queue_contents.c.id.in_(items(count))))
_HIDE = Prepared(
    lambda _: sa.update(queue_messages).where(_messages.id == bindparam("row")).values(visible_at=bindparam("at"))
)
_FIND = Prepared(lambda count: sa.select(queue_messages).where(_messages.id.in_(items(count))))


class Arrival(Struct, frozen=True, kw_only=True):
    """A message that is to be written. `scope` is where its deduplication id counts; None in standard queues."""

    row: int
    queue_id: int
    message_id: str
    content: bytes
    visible_at: float
    sent_at: float
    group_id: str | None = None
    scope: str | None = None
    deduplication_id: str | None = None
    deduplicated_until: float = 0.0


class Written(Struct, frozen=True, kw_only=True):
    """What became of an arrival: the ids under which it is there, which are the first's for a duplicate."""

    message_id: str
    row: int
    duplicate: bool = False


class MessageRow(Struct, frozen=True):
    """The changing half of a message, in the order of its table's columns: a row of that is made one by place."""

    id: int
    generation: int
    visible_at: float
    sent_at: float
    receive_count: int
    received_before: int
    first_received_at: float | None
    received_at: float | None
    group_id: str | None
    source_arn: str | None

    @property
    def received(self) -> bool:
        """Whether it was received from the queue that it is in now."""
        return self.receive_count > self.received_before


_INSERT = PreparedInsert(queue_messages, MessageRow.__struct_fields__)


def generation_of(conn: Connection, queue_id: int) -> int | None:
    """Under which a queue keeps its messages now; None if it is gone."""
    found = _GENERATION.rows(conn, {"queue": queue_id})
    return found[0][0] if found else None


def insert(conn: Connection, arrivals: Sequence[Arrival]) -> list[Written | None]:
    """Write messages in their order; None for those whose queue is gone."""
    generations = {queue: generation_of(conn, queue) for queue in {arrival.queue_id for arrival in arrivals}}
    written: list[Written | None] = []
    new: list[tuple[int, Arrival]] = []
    for arrival in arrivals:
        generation = generations[arrival.queue_id]
        if generation is None:
            written.append(None)
            continue
        first = None if arrival.scope is None else _deduplicate(conn, generation, arrival)
        written.append(first or Written(message_id=arrival.message_id, row=arrival.row))
        if first is None:
            new.append((generation, arrival))
    _write(conn, new)
    for generation, arrival in new:
        if arrival.scope is not None and arrival.group_id is not None:
            open_group(conn, generation, arrival.group_id, arrival.visible_at)
    return written


def write(conn: Connection, generation: int, arrival: Arrival) -> None:
    """Write one message as it is."""
    _write(conn, [(generation, arrival)])


def _write(conn: Connection, new: Sequence[tuple[int, Arrival]]) -> None:
    rows = [
        (it.row, generation, it.visible_at, it.sent_at, 0, 0, None, None, it.group_id, None) for generation, it in new
    ]
    _INSERT.run(conn, rows)
    _INSERT_CONTENT.run(conn, [(arrival.row, arrival.content) for _, arrival in new])


def _deduplicate(conn: Connection, generation: int, arrival: Arrival) -> Written | None:
    """The message that this one is a duplicate of; else it is remembered."""
    key = {
        "generation": generation,
        "scope": arrival.scope,
        "deduplication_id": arrival.deduplication_id,
    }
    for message_id, sequence in _DUPLICATE.rows(conn, {**key, "now": arrival.sent_at}):
        return Written(message_id=message_id, row=sequence, duplicate=True)
    _FORGET_DUPLICATE.run(conn, key)
    found = {"message_id": arrival.message_id, "sequence": arrival.row, "expires_at": arrival.deduplicated_until}
    _REMEMBER.run(conn, {**key, **found})
    return None


def open_group(conn: Connection, generation: int, group: str, ready_at: float) -> None:
    """A group has a message; what it had before comes first."""
    _OPEN_GROUP.run(conn, {"generation": generation, "group_id": group, "ready_at": ready_at})


def settle_group(conn: Connection, generation: int, group: str) -> None:
    """Say anew when a group may be received from: once all that is in flight of it, and its first, is visible."""
    head = _HEAD.rows(conn, {"generation": generation, "group": group})
    key = {"of_generation": generation, "of_group": group}
    if not head:
        _CLOSE_GROUP.run(conn, key)
        return
    in_flight = [visible_at for visible_at, receive_count, received_before in head if receive_count > received_before]
    _READY_GROUP.run(conn, {**key, "at": max([head[0][0], *in_flight])})


def find(conn: Connection, ids: Sequence[int]) -> dict[int, MessageRow]:
    """The rows that are there."""
    return {row[0]: MessageRow(*row) for row in _FIND.rows(conn, listed=ids)}


def delete(conn: Connection, ids: Sequence[int]) -> None:
    """In one statement each: a step of SQLite's gives Python's lock away, and has to wait for it again."""
    if ids:
        _DELETE.run(conn, listed=ids)
        _DELETE_CONTENT.run(conn, listed=ids)


def delay_again(conn: Connection, generation: int, delay_s: float) -> None:
    """A FIFO queue's delay has changed: also for what waits in it and was never received."""
    fresh = (_messages.generation == generation) & (_messages.receive_count == _messages.received_before)
    conn.execute(sa.update(queue_messages).where(fresh).values(visible_at=_messages.sent_at + delay_s))
    for group in conn.execute(sa.select(_groups.group_id).where(_groups.generation == generation)).scalars().all():
        settle_group(conn, generation, group)


def hide(conn: Connection, until: Mapping[int, float]) -> None:
    """Change when messages are visible."""
    if until:
        _HIDE.run_many(conn, [{"row": row, "at": at} for row, at in until.items()])
