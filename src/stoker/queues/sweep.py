"""Deleting what nobody can receive any more, a few rows at a time: purged queues, old messages, old duplicates."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from stoker.queues import message_rows
from stoker.queues.message_rows import MessageRow
from stoker.store.tables_queues import queue_deduplications, queue_groups, queue_messages, queue_removals

# A write of the sweep holds up others' for as long as this many rows take to delete: some milliseconds.
ROWS_AT_ONCE = 500

_messages = queue_messages.c
_OF_GENERATION = sa.select(_messages.id).where(_messages.generation == bindparam("generation")).limit(ROWS_AT_ONCE)
_OLD = (
    sa.select(queue_messages)
    .where(_messages.generation == bindparam("generation"), _messages.sent_at <= bindparam("before"))
    .limit(ROWS_AT_ONCE)
)


def removals(conn: Connection) -> list[int]:
    """Generations that are to be removed."""
    return list(conn.execute(sa.select(queue_removals.c.generation)).scalars())


def remove_some(conn: Connection, generation: int) -> bool:
    """Delete some rows of a generation; whether that were all."""
    ids = list(conn.execute(_OF_GENERATION, {"generation": generation}).scalars())
    message_rows.delete(conn, ids)
    if len(ids) == ROWS_AT_ONCE:
        return False
    for table in (queue_groups, queue_deduplications):
        conn.execute(sa.delete(table).where(table.c.generation == generation))
    conn.execute(sa.delete(queue_removals).where(queue_removals.c.generation == generation))
    return True


def has_old(conn: Connection, generation: int, before: float) -> bool:
    """Whether a message was sent before a moment."""
    return conn.execute(_OLD.limit(1), {"generation": generation, "before": before}).first() is not None


def drop_old(conn: Connection, generation: int, before: float) -> Sequence[MessageRow]:
    """Delete some messages that were sent before a moment; those that were."""
    rows = [MessageRow(**row._mapping) for row in conn.execute(_OLD, {"generation": generation, "before": before})]
    message_rows.delete(conn, [row.id for row in rows])
    for group in dict.fromkeys(row.group_id for row in rows if row.group_id is not None):
        message_rows.settle_group(conn, generation, group)
    return rows


def forget_duplicates(conn: Connection, now: float) -> None:
    expired = queue_deduplications.c.expires_at <= now
    conn.execute(sa.delete(queue_deduplications).where(expired))
