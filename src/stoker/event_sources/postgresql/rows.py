"""A database's changes as a stream of one shard: read from its slot, which moves on once they are done with."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from stoker.event_sources.mapping import Options
from stoker.event_sources.postgresql.attribute_values import AttributeValues
from stoker.event_sources.postgresql.database import Database
from stoker.event_sources.postgresql.pgoutput import Commit, Keepalive, Relation, decode
from stoker.event_sources.postgresql.replication import Replication, open_replication
from stoker.event_sources.postgresql.row_events import Place, RowEvents
from stoker.event_sources.shards import Page, Shard, StreamRecord
from stoker.model.clock import Clock

_SHARD = Shard(id="slot")
# A message takes some 20 µs, and the event loop is everybody's.
_MESSAGES_AT_A_STRETCH = 25
# So much of a page is kept in memory: large rows make small pages.
_PAGE_BYTES = 6_000_000


class PostgresRows:
    """`Shards` for one mapping, which `Retains`: the slot moves on by what is done.

    Between two reads nothing is read from the connection, so that a slow function slows the database's sending and
    fills no memory.
    """

    batch_info = "PostgreSQLBatchInfo"

    def __init__(self, database: Database, source_arn: str, clock: Clock) -> None:
        self._database = database
        self._arn = source_arn
        self._clock = clock
        self._values = AttributeValues()
        self._replication: Replication | None = None
        self._events = RowEvents(source_arn, Place(), self._values)
        self._at: str | None = None
        # How far it has been read, and done with; and from where on WAL is needed once a place is done with.
        self._read_to = self._done_to = Place()
        self._ends: deque[tuple[Place, int]] = deque()

    def __repr__(self) -> str:
        return f"<PostgresRows {self._database.address}, {self._replication!r}>"

    async def shards(self) -> Sequence[Shard]:
        await self._database.check()
        return [_SHARD]

    async def changed(self, known: Sequence[Shard]) -> None:
        """A slot has one beginning and no end."""
        await asyncio.get_running_loop().create_future()

    async def start(self, shard: Shard, options: Options) -> str:
        await self._database.prepare()
        return str(Place())

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        replication = await self._replication_at(position)
        self._at = None
        until = None if wait_s is None else asyncio.get_running_loop().time() + wait_s
        records: list[StreamRecord] = []
        # Of the waiting alone: a message that has been taken is worked on to its end.
        with contextlib.suppress(TimeoutError):
            await self._fill(records, replication, most, until)
        self._at = records[-1].position if records else position
        return Page(records=records, position=self._at)

    def done(self, shard: Shard, position: str) -> None:
        self._done_to = Place.of(position)
        lsn = 0
        while self._ends and self._ends[0][0] <= self._done_to:
            _, lsn = self._ends.popleft()
        if lsn and self._replication is not None:
            self._replication.done(lsn)

    async def close(self) -> None:
        replication, self._replication = self._replication, None
        if replication is not None:
            await replication.close()

    async def _replication_at(self, position: str) -> Replication:
        """The connection, if it is where reading is to go on; else a new one: what came after is sent once more."""
        if self._replication is None or position != self._at:
            await self.close()
            self._events = RowEvents(self._arn, Place.of(position), self._values)
            self._read_to = self._done_to = Place.of(position)
            self._ends.clear()
            self._replication = await open_replication(self._database, self._clock)
        return self._replication

    async def _fill(
        self, records: list[StreamRecord], replication: Replication, most: int, until: float | None
    ) -> None:
        """Until there is a page, or nothing more that has arrived after a first record."""
        messages = size = 0
        while len(records) < most and size < _PAGE_BYTES:
            data = replication.next_at_hand()
            if data is None:
                if records:
                    return
                async with asyncio.timeout_at(until):
                    await replication.arrival()
                continue
            message = decode(data)
            if message is None:
                continue
            if isinstance(message, Relation) and message.identity == "f":
                message = await self._with_primary_key(message)
            found = self._events.take(message)
            if found:
                records += found
                size += sum(len(each.record.event) for each in found)
                self._read_to = Place.of(found[-1].position)
            if isinstance(message, Commit | Keepalive) and not self._events.in_transaction:
                self._note_end(message.end_lsn, replication)
            messages += 1
            if messages % _MESSAGES_AT_A_STRETCH == 0:
                await asyncio.sleep(0)

    def _note_end(self, end_lsn: int, replication: Replication) -> None:
        """What is before this need not be kept once what was read of it is done with: now, where that is all."""
        if self._read_to <= self._done_to:
            replication.done(end_lsn)
            return
        if self._ends and self._ends[-1][0] == self._read_to:
            self._ends.pop()
        self._ends.append((self._read_to, end_lsn))

    async def _with_primary_key(self, relation: Relation) -> Relation:
        """With the full row as its identity, PostgreSQL does not tell what the key is."""
        key = set(await self._database.primary_key(relation.oid))
        if not key & {column.name for column in relation.columns}:
            return relation
        columns = tuple(replace(column, is_key=column.name in key) for column in relation.columns)
        return replace(relation, columns=columns)
