"""What a receive takes: the longest visible messages, or the first ones of message groups that are free.

Whatever waits in a queue, a claim reads what it takes and little more: both kinds walk along an index. On the way it
drops what is too old and sends on what has been received too often.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection, bindparam

from stoker.queues import message_rows
from stoker.queues.attributes import Settings
from stoker.queues.message_rows import MessageRow
from stoker.store.prepared import Prepared, items
from stoker.store.tables_queues import queue_contents, queue_groups, queue_messages

_messages = queue_messages.c
_groups = queue_groups.c
# Each time a claim meets nothing but dead or old messages it looks again; a sweep deletes the rest of a large backlog.
MAX_LOOKS = 20
LOOK_AHEAD = 200

_CONTENT = sa.join(queue_messages, queue_contents, _messages.id == queue_contents.c.id)
_VISIBLE = Prepared(
    lambda _: (
        sa.select(queue_messages, queue_contents.c.content)
        .select_from(_CONTENT)
        .where(_messages.generation == bindparam("generation"), _messages.visible_at <= bindparam("now"))
        .order_by(_messages.visible_at, _messages.id)
        .limit(bindparam("most"))
    )
)
_FREE_GROUPS = Prepared(
    lambda _: (
        sa.select(_groups.group_id)
        .where(_groups.generation == bindparam("generation"), _groups.ready_at <= bindparam("now"))
        .order_by(_groups.ready_at, _groups.group_id)
        .limit(bindparam("most"))
    )
)
_IN_GROUP = Prepared(
    lambda _: (
        sa.select(queue_messages, queue_contents.c.content)
        .select_from(_CONTENT)
        .where(_messages.generation == bindparam("generation"), _messages.group_id == bindparam("group"))
        .order_by(_messages.id)
        .limit(bindparam("most"))
    )
)
_TAKE = Prepared(
    lambda count: (
        sa.update(queue_messages)
        .where(_messages.id.in_(items(count)))
        .values(
            visible_at=bindparam("until"),
            receive_count=_messages.receive_count + 1,
            first_received_at=sa.func.coalesce(_messages.first_received_at, bindparam("at")),
            received_at=bindparam("at"),
        )
    )
)
_BURY = Prepared(
    lambda _: (
        sa.update(queue_messages)
        .where(_messages.id == bindparam("row"))
        .values(
            generation=bindparam("grave"),
            visible_at=bindparam("at"),
            sent_at=bindparam("sent"),
            received_before=_messages.receive_count,
            source_arn=bindparam("source"),
        )
    )
)
_RELEASE = Prepared(
    lambda count: (
        sa.update(queue_messages)
        .where(_messages.id.in_(items(count)))
        .values(visible_at=bindparam("now"), receive_count=_messages.receive_count - 1)
    )
)
_NEXT_MESSAGE = Prepared(
    lambda _: sa.select(sa.func.min(_messages.visible_at)).where(_messages.generation == bindparam("generation"))
)
_NEXT_GROUP = Prepared(
    lambda _: sa.select(sa.func.min(_groups.ready_at)).where(_groups.generation == bindparam("generation"))
)


class Want(Struct, frozen=True, kw_only=True):
    """One receiver: how many it takes at most, and for how long they are to be hidden from others; seconds."""

    most: int
    visibility_s: float


class Source(Struct, frozen=True, kw_only=True):
    """The queue to take from. `grave` is its dead-letter queue's generation, None where it has none that is there."""

    generation: int
    arn: str
    settings: Settings
    grave: int | None = None


class Taken(Struct, frozen=True, kw_only=True):
    """A message that was taken: as it was, its content, and until when it is hidden."""

    row: MessageRow
    content: bytes
    until: float


class Claimed(Struct, frozen=True, kw_only=True):
    """What each receiver gets, what was dropped and buried on the way, and when there may be more."""

    taken: Sequence[Sequence[Taken]]
    dropped: Sequence[MessageRow]
    buried: Sequence[MessageRow]
    next_at: float | None


Found = Sequence[tuple[MessageRow, bytes]]


class Claim:
    """One claim in one transaction. Made, run and forgotten by a work, which may have to run again."""

    def __init__(self, conn: Connection, source: Source, now: float) -> None:
        self._conn = conn
        self._source = source
        self._now = now
        self._dropped: list[MessageRow] = []
        self._buried: list[MessageRow] = []

    def run(self, wants: Sequence[Want]) -> Claimed:
        take = self._take_groups if self._source.settings.fifo else self._take_visible
        taken = take(wants)
        short = any(len(each) < want.most for each, want in zip(taken, wants, strict=True))
        query = _NEXT_GROUP if self._source.settings.fifo else _NEXT_MESSAGE
        next_at = query.rows(self._conn, {"generation": self._source.generation})[0][0] if short else self._now
        return Claimed(taken=taken, dropped=self._dropped, buried=self._buried, next_at=next_at)

    def _take_visible(self, wants: Sequence[Want]) -> list[list[Taken]]:
        total = sum(want.most for want in wants)
        good = list(self._look(_VISIBLE, {"now": self._now}, total))
        taken = []
        for want in wants:
            taken.append(self._taken(good[: want.most], want))
            good = good[want.most :]
        self._hide([each for mine in taken for each in mine])
        return taken

    def _take_groups(self, wants: Sequence[Want]) -> list[list[Taken]]:
        """A receiver gets the first messages of one group after another; whoever comes next gets other groups."""
        total = sum(want.most for want in wants)
        where = {"generation": self._source.generation, "now": self._now, "most": total + LOOK_AHEAD}
        groups = [group for (group,) in _FREE_GROUPS.rows(self._conn, where)]
        taken: list[list[Taken]] = [[] for _ in wants]
        for want, mine in zip(wants, taken, strict=True):
            while groups and len(mine) < want.most:
                group = groups.pop(0)
                found = self._look(_IN_GROUP, {"group": group}, want.most - len(mine))
                first = self._taken(_first_visible(found, self._now), want)
                self._hide(first)
                mine += first
                message_rows.settle_group(self._conn, self._source.generation, group)
        return taken

    def _look(self, query: Prepared, where: dict[str, Any], most: int) -> Found:
        """What may be taken, at most so many; drops and buries what else it meets."""
        limit = most
        good: list[tuple[MessageRow, bytes]] = []
        for _ in range(MAX_LOOKS):
            found = query.rows(self._conn, {**where, "generation": self._source.generation, "most": limit})
            rows = [(MessageRow(*values), content) for *values, content in found]
            old = [row for row, _ in rows if row.sent_at <= self._now - self._source.settings.retention_s]
            dead = [row for row, _ in rows if row not in old and self._is_dead(row)]
            if not old and not dead:
                return rows[:most]
            good = [(row, content) for row, content in rows if row not in old and row not in dead][:most]
            self._drop(old)
            self._bury(dead)
            if len(good) == most or len(rows) < limit:
                break
            limit = LOOK_AHEAD
        return good

    def _is_dead(self, row: MessageRow) -> bool:
        redrive = self._source.settings.redrive
        if redrive is None or self._source.grave is None:
            return False
        return row.receive_count - row.received_before >= redrive.max_receives and row.visible_at <= self._now

    def _drop(self, rows: Sequence[MessageRow]) -> None:
        message_rows.delete(self._conn, [row.id for row in rows])
        self._dropped += rows

    def _bury(self, rows: Sequence[MessageRow]) -> None:
        """Send messages to the dead-letter queue, where standard ones are as old as they were, FIFO ones new."""
        if not rows:
            return
        fifo, now = self._source.settings.fifo, self._now
        _BURY.run_many(
            self._conn,
            [
                {
                    "row": row.id,
                    "grave": self._source.grave,
                    "at": now,
                    "sent": now if fifo else row.sent_at,
                    "source": self._source.arn,
                }
                for row in rows
            ],
        )
        if fifo and self._source.grave is not None:
            for group in dict.fromkeys(row.group_id for row in rows if row.group_id is not None):
                message_rows.open_group(self._conn, self._source.grave, group, now)
                message_rows.settle_group(self._conn, self._source.grave, group)
        self._buried += rows

    def _taken(self, found: Found, want: Want) -> list[Taken]:
        until = self._now + want.visibility_s
        return [Taken(row=row, content=content, until=until) for row, content in found]

    def _hide(self, taken: Sequence[Taken]) -> None:
        """One statement for all that are hidden for as long."""
        for until in {each.until for each in taken}:
            rows = [each.row.id for each in taken if each.until == until]
            _TAKE.run(self._conn, {"until": until, "at": self._now}, rows)


def _first_visible(found: Found, now: float) -> Found:
    """A group's messages up to the first that is not to be had yet: none overtakes another."""
    for place, (row, _) in enumerate(found):
        if row.visible_at > now:
            return found[:place]
    return found


def release(conn: Connection, rows: Sequence[int], generation: int, groups: Sequence[str], now: float) -> None:
    """Undo a take whose receiver has gone: as if it had not been."""
    _RELEASE.run(conn, {"now": now}, rows)
    for group in groups:
        message_rows.settle_group(conn, generation, group)
