"""Items as requests see them: get, write, search, each in one transaction; what is acknowledged is on the disk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.items import item_rows, reading, transactions, writing
from stoker.items.attribute_value import Item
from stoker.items.capacity import TRANSACTION_FACTOR, Consumed, Rationing, read_units
from stoker.items.catalogue import Catalogue
from stoker.items.errors import ProvisionedThroughputExceeded
from stoker.items.expiry import Expiry
from stoker.items.keys import RowKey, checked_key, row_key
from stoker.items.reading import Page, Search
from stoker.items.table import Table
from stoker.items.transactions import Token
from stoker.items.writing import Decision, Write
from stoker.model.clock import Clock
from stoker.model.errors import ValidationException
from stoker.store import refusals
from stoker.store.arrivals import Arrivals
from stoker.store.grouped_reads import GroupedReads
from stoker.store.store import Store
from stoker.store.tables_items import items

# What one BatchGetItem answers at most; the rest is for the next.
MAX_BATCH_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One item that is asked for."""

    table: str
    key: Item
    consistent: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is of it, and what looking cost."""

    item: Item | None
    size: int
    consumed: Consumed


class Items:
    """The operations on items. On the event loop's thread; the work is done in the store's."""

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        clock: Clock,
        rationing: Rationing,
        arrivals: Arrivals,
        expiry: Expiry,
    ) -> None:
        self._store = store
        self._reads = GroupedReads(store)
        self._catalogue = catalogue
        self._clock = clock
        self._rationing = rationing
        self._arrivals = arrivals
        self._expiry = expiry

    def __repr__(self) -> str:
        return f"<Items of {self._catalogue!r}>"

    async def write(self, region: str, write: Write) -> Decision:
        """Do one write."""
        now = self._clock.time()

        def work(conn: Connection) -> Decision:
            table = self._catalogue.require(conn, region, write.table)
            self._rationing.admit(table, None, read=False)
            decision = writing.decide(conn, table, write)
            writing.act(conn, decision, now=now)
            return decision

        decision = await refusals.write(self._store, work)
        self._done([decision])
        return decision

    async def write_batch(self, region: str, writes: Sequence[Write]) -> Sequence[Decision | None]:
        """Do writes that do not depend on each other; None for those that a table's throughput does not allow now."""
        now = self._clock.time()

        def work(conn: Connection) -> Sequence[Decision | None]:
            decisions = [self._decide_admitted(conn, region, write) for write in writes]
            _refuse_duplicates([each for each in decisions if each is not None])
            if not any(decisions):
                raise ProvisionedThroughputExceeded
            for decision in decisions:
                if decision is not None:
                    writing.act(conn, decision, now=now)
            return decisions

        decisions = await refusals.write(self._store, work)
        self._done([each for each in decisions if each is not None])
        return decisions

    async def transact(self, region: str, writes: Sequence[Write], token: Token | None) -> Sequence[Decision]:
        """Do all writes or none (TransactionCanceled). Nothing for a transaction that was done with this token."""
        now = self._clock.time()

        def work(conn: Connection) -> Sequence[Decision]:
            if token is not None and transactions.was_done(conn, region, token, now=now):
                return []
            decisions = transactions.decide_all(
                conn, [(self._catalogue.require(conn, region, write.table), write) for write in writes], self._rationing
            )
            for decision in decisions:
                writing.act(conn, decision, now=now)
            if token is not None:
                transactions.note_done(conn, region, token, now=now)
            return decisions

        decisions = await refusals.write(self._store, work)
        self._done(decisions, factor=TRANSACTION_FACTOR)
        return decisions

    async def get(self, region: str, lookup: Lookup) -> Found:
        """One item."""

        def work(conn: Connection) -> tuple[Table, Found]:
            table = self._catalogue.require(conn, region, lookup.table)
            self._rationing.admit(table, None, read=True)
            return table, _look(conn, table, row_key(table, checked_key(table, lookup.key)), lookup.consistent)

        table, found = await self._reads.read(work)
        self._rationing.charge(table, found.consumed)
        return found

    async def get_batch(self, region: str, lookups: Sequence[Lookup]) -> Sequence[Found | None]:
        """Items of any tables from one snapshot; None for what is over the limit of an answer or of a table."""

        def work(conn: Connection) -> list[tuple[Table, Found | None]]:
            named = [(self._catalogue.require(conn, region, each.table), each) for each in lookups]
            keys = [(table, row_key(table, checked_key(table, each.key)), each.consistent) for table, each in named]
            if len({(table.id, key) for table, key, _ in keys}) < len(keys):
                raise ValidationException("Provided list of item keys contains duplicates")
            return self._look_while_it_fits(conn, keys)

        answers = await self._store.read(work)
        for table, found in answers:
            if found is not None:
                self._rationing.charge(table, found.consumed)
        return [found for _, found in answers]

    async def get_together(self, region: str, lookups: Sequence[Lookup]) -> Sequence[Found]:
        """Items from one snapshot, as a transaction: all of them or an error."""

        def work(conn: Connection) -> list[tuple[Table, Found]]:
            named = [(self._catalogue.require(conn, region, each.table), each) for each in lookups]
            for table, _ in named:
                self._rationing.admit(table, None, read=True)
            keys = [(table, row_key(table, checked_key(table, each.key))) for table, each in named]
            if len({(table.id, key) for table, key in keys}) < len(keys):
                raise ValidationException("Transaction request cannot include multiple operations on one item")
            return [(table, _look(conn, table, key, True)) for table, key in keys]

        answers = []
        for table, found in await self._store.read(work):
            consumed = found.consumed.times(TRANSACTION_FACTOR)
            self._rationing.charge(table, consumed)
            answers.append(replace(found, consumed=consumed))
        return answers

    async def search(self, region: str, search: Search) -> Page:
        """One page of a query or a scan."""

        def work(conn: Connection) -> tuple[Table, Page]:
            table = self._catalogue.require(conn, region, search.table)
            self._rationing.admit(table, reading.required_index(table, search.index), read=True)
            return table, reading.read_page(conn, table, search)

        table, page = await self._store.read(work)
        self._rationing.charge(table, page.consumed)
        return page

    async def collection_size(self, decision: Decision) -> int:
        """Bytes of all items that have the written one's partition key."""
        where = (items.c.table_id == decision.table.id) & (items.c.hash == decision.key.hash)
        query = sa.select(sa.func.sum(items.c.size)).where(where)
        return await self._store.read(lambda conn: conn.scalar(query) or 0)

    def _done(self, decisions: Iterable[Decision], *, factor: float = 1) -> None:
        """After the commit: tell who waits."""
        for decision in decisions:
            table = decision.table
            self._rationing.charge(table, decision.consumed.times(factor))
            if table.live_stream is not None:
                self._arrivals.announce([table.live_stream.id])
            if table.ttl_attribute is not None and decision.new is not None:
                self._expiry.expect(item_rows.expiry(table, decision.new))

    def _decide_admitted(self, conn: Connection, region: str, write: Write) -> Decision | None:
        table = self._catalogue.require(conn, region, write.table)
        try:
            self._rationing.admit(table, None, read=False)
        except ProvisionedThroughputExceeded:
            return None
        return writing.decide(conn, table, write)

    def _look_while_it_fits(
        self, conn: Connection, keys: Sequence[tuple[Table, RowKey, bool]]
    ) -> list[tuple[Table, Found | None]]:
        answers: list[tuple[Table, Found | None]] = []
        size, refused = 0, set[int]()
        for table, key, consistent in keys:
            try:
                self._rationing.admit(table, None, read=True)
            except ProvisionedThroughputExceeded:
                refused.add(table.id)
            stored = None
            if table.id in refused or size > MAX_BATCH_BYTES:
                answers.append((table, None))
                continue
            stored = item_rows.find(conn, table, key)
            size += 0 if stored is None else stored.size
            answers.append((table, _found(stored, consistent)))
        if all(found is None for _, found in answers):
            raise ProvisionedThroughputExceeded
        return answers


def _look(conn: Connection, table: Table, key: RowKey, consistent: bool) -> Found:
    return _found(item_rows.find(conn, table, key), consistent)


def _found(stored: item_rows.StoredItem | None, consistent: bool) -> Found:
    size = 0 if stored is None else stored.size
    consumed = Consumed(read=True, table=read_units(size, consistent=consistent))
    return Found(item=None if stored is None else stored.item, size=size, consumed=consumed)


def _refuse_duplicates(decisions: Sequence[Decision]) -> None:
    if len({(each.table.id, each.key) for each in decisions}) < len(decisions):
        raise ValidationException("Provided list of item keys contains duplicates")
