"""Rows of items and of their places in indexes: single ones by key, and ranges in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from stoker.items.attribute_value import Item, item_size
from stoker.items.keys import RowKey, index_row_key
from stoker.items.table import Index, Table
from stoker.store.tables_items import index_entries, items

# Rows fetched at once: 400 KB each at most.
FETCHED_ROWS = 32
_items = items.c
_entries = index_entries.c
_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Item] = msgspec.msgpack.Decoder()


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item with where it stands and DynamoDB's measure of it."""

    key: RowKey
    size: int
    item: Item


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A part of a table or an index. Bounds are inclusive; `after` is exclusive and where an earlier page ended.

    A `prefix` of the sort key is a lower bound and a condition. For an index `after` has four parts.
    """

    hash_from: bytes
    hash_to: bytes
    range_from: bytes | None = None
    range_to: bytes | None = None
    range_above: bytes | None = None
    range_below: bytes | None = None
    after: Sequence[bytes] = ()
    descending: bool = False


def _key_is(table: sa.Table) -> sa.ColumnElement[bool]:
    columns = table.c
    return (
        (columns.table_id == sa.bindparam("k_table"))
        & (columns.hash == sa.bindparam("k_hash"))
        & (columns.range == sa.bindparam("k_range"))
    )


def _key_values(table: Table, key: RowKey) -> dict[str, Any]:
    return {"k_table": table.id, "k_hash": key.hash, "k_range": key.range}


_FIND = sa.select(_items.size, _items.document).where(_key_is(items))
_DELETE = sa.delete(items).where(_key_is(items))
_DELETE_ENTRY = sa.delete(index_entries).where(
    _key_is(index_entries),
    _entries.number == sa.bindparam("k_number"),
    _entries.item_hash == sa.bindparam("k_item_hash"),
    _entries.item_range == sa.bindparam("k_item_range"),
)


def _upsert(dialect: Any) -> sa.Insert:
    statement = dialect.insert(items)
    changed = {name: statement.excluded[name] for name in ("size", "expires_at", "document")}
    return statement.on_conflict_do_update(index_elements=["table_id", "hash", "range"], set_=changed)  # type: ignore[no-any-return]


# Both engines have it in the same words, but each in its own dialect's classes.
_UPSERT: Mapping[str, sa.Insert] = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}
_ADD_ENTRY: Mapping[str, sa.Insert] = {
    "sqlite": sqlite.insert(index_entries).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(index_entries).on_conflict_do_nothing(),
}


def find(conn: Connection, table: Table, key: RowKey) -> StoredItem | None:
    """The item of this key."""
    row = conn.execute(_FIND, _key_values(table, key)).first()
    return None if row is None else StoredItem(key, row.size, _decoder.decode(row.document))


def put(conn: Connection, table: Table, key: RowKey, item: Item, old: Item | None) -> None:
    """Write an item and its places in indexes, where they changed."""
    values = {
        "table_id": table.id,
        "hash": key.hash,
        "range": key.range,
        "size": item_size(item),
        "expires_at": expiry(table, item),
        "document": _encode(item),
    }
    conn.execute(_UPSERT[conn.dialect.name], values)
    _move_entries(conn, table, key, old, item)


def delete(conn: Connection, table: Table, key: RowKey, old: Item) -> None:
    """Remove an item and its places in indexes."""
    conn.execute(_DELETE, _key_values(table, key))
    _move_entries(conn, table, key, old, None)


def _move_entries(conn: Connection, table: Table, key: RowKey, old: Item | None, new: Item | None) -> None:
    for index in table.indexes:
        before = None if old is None else index_row_key(table, index, old)
        after = None if new is None else index_row_key(table, index, new)
        if before == after:
            continue
        if before is not None:
            values = {**_key_values(table, before), "k_number": index.number}
            conn.execute(_DELETE_ENTRY, {**values, "k_item_hash": key.hash, "k_item_range": key.range})
        if after is not None:
            add_entry(conn, table, index, after, key)


def add_entry(conn: Connection, table: Table, index: Index, place: RowKey, key: RowKey) -> None:
    """Note where an item stands in an index; one that is noted already is no error."""
    values = {"table_id": table.id, "number": index.number, "hash": place.hash, "range": place.range}
    conn.execute(_ADD_ENTRY[conn.dialect.name], {**values, "item_hash": key.hash, "item_range": key.range})


def expiry(table: Table, item: Item) -> int | None:
    """When an item's time to live ends, in seconds since the epoch: what the table's attribute for it says."""
    value = item.get(table.ttl_attribute, {}).get("N") if table.ttl_attribute is not None else None
    if value is None:
        return None
    seconds = int(float(value))
    # What no clock will show, or was not meant as a time, does not end.
    return seconds if 0 < seconds < 1 << 40 else None


def table_span(conn: Connection, table: Table, span: Span, limit: int | None) -> Iterator[StoredItem]:
    """Items of a part of a table in their order, read as they are asked for."""
    where = [_items.table_id == table.id, *_within(items, span)]
    if span.after:
        where.append(_beyond((_items.hash, _items.range), span))
    order = [_items.hash, _items.range]
    query = sa.select(_items.hash, _items.range, _items.size, _items.document).where(*where)
    yield from _stream(conn, query, order, span, limit)


def index_span(conn: Connection, table: Table, index: Index, span: Span, limit: int | None) -> Iterator[StoredItem]:
    """Items of a part of an index in its order."""
    order = [_entries.hash, _entries.range, _entries.item_hash, _entries.item_range]
    where = [_entries.table_id == table.id, _entries.number == index.number, *_within(index_entries, span)]
    if span.after:
        where.append(_beyond(order, span))
    item_is = (
        (_items.table_id == _entries.table_id)
        & (_items.hash == _entries.item_hash)
        & (_items.range == _entries.item_range)
    )
    query = (
        sa.select(_items.hash, _items.range, _items.size, _items.document)
        .select_from(index_entries.join(items, item_is))
        .where(*where)
    )
    yield from _stream(conn, query, order, span, limit)


def _within(table: sa.Table, span: Span) -> Iterator[sa.ColumnElement[bool]]:
    columns = table.c
    if span.hash_from == span.hash_to:
        yield columns.hash == span.hash_from
    else:
        yield columns.hash.between(span.hash_from, span.hash_to)
    if span.range_from is not None:
        yield columns.range >= span.range_from
    if span.range_to is not None:
        yield columns.range <= span.range_to
    if span.range_above is not None:
        yield columns.range > span.range_above
    if span.range_below is not None:
        yield columns.range < span.range_below


def _beyond(columns: Sequence[sa.Column[Any]], span: Span) -> sa.ColumnElement[bool]:
    """Rows that come after the last page's, in the direction of reading: a comparison of whole rows uses the key."""
    skipped = 1 if span.hash_from == span.hash_to else 0
    place = sa.tuple_(*(sa.literal(part, sa.LargeBinary) for part in span.after[skipped:]))
    row = sa.tuple_(*columns[skipped:])
    return row < place if span.descending else row > place


def _stream(
    conn: Connection, query: sa.Select[Any], order: Sequence[sa.Column[Any]], span: Span, limit: int | None
) -> Iterator[StoredItem]:
    query = query.order_by(*(column.desc() if span.descending else column for column in order))
    if limit is not None:
        query = query.limit(limit)
    with conn.execute(query, execution_options={"yield_per": FETCHED_ROWS}) as rows:
        for row in rows:
            yield StoredItem(RowKey(row[0], row[1]), row[2], _decoder.decode(row[3]))


def stored_items(
    conn: Connection, where: sa.ColumnElement[bool], order: Sequence[sa.Column[Any]], limit: int
) -> list[tuple[int, StoredItem]]:
    """Some items of any tables, with their tables' ids: for work over all of them."""
    columns = (_items.table_id, _items.hash, _items.range, _items.size, _items.document)
    rows = conn.execute(sa.select(*columns).where(where).order_by(*order).limit(limit)).all()
    return [(row[0], StoredItem(RowKey(row[1], row[2]), row[3], _decoder.decode(row[4]))) for row in rows]
