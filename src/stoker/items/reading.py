"""Pages of queries and scans: rows in order, as many as fit, those that pass the filter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from stoker.items import item_rows
from stoker.items.attribute_value import AttributeValue, Item, item_size, normalise
from stoker.items.capacity import Consumed, read_units
from stoker.items.conditions import holds
from stoker.items.document_path import project
from stoker.items.expression import Condition, Projection
from stoker.items.item_rows import Span, StoredItem
from stoker.items.key_conditions import KeyTest, span_of
from stoker.items.keys import DIGEST_BYTES, hash_bytes, range_bytes
from stoker.items.table import ACTIVE, Index, Table, projected_names
from stoker.model.errors import ValidationException

MAX_PAGE_BYTES = 1024 * 1024
_HASHES = 1 << (8 * DIGEST_BYTES)
_BAD_START = "The provided starting key is invalid"


@dataclass(frozen=True, kw_only=True)
class Search:
    """A query (`tests` of the key) or a scan (of a `segment` of so many). `shows` is Select, None for its default."""

    table: str
    index: str | None = None
    tests: Mapping[str, KeyTest] | None = None
    segment: tuple[int, int] = (0, 1)
    filter: Condition | None = None
    filter_names: frozenset[str] = frozenset()
    projection: Projection | None = None
    shows: str | None = None
    limit: int | None = None
    start: Mapping[str, AttributeValue] | None = None
    descending: bool = False
    consistent: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """`items` is None where only the count was asked for; `last` is the key that the next page starts after.

    `size` is how much was looked at, in DynamoDB's bytes.
    """

    table: Table
    items: Sequence[Item] | None
    count: int
    scanned: int
    last: Item | None
    size: int
    consumed: Consumed


def required_index(table: Table, name: str | None) -> Index | None:
    """The index that a search names."""
    if name is None:
        return None
    index = table.index(name)
    if index is None:
        raise ValidationException(f"The table does not have the specified index: {name}")
    return index


def read_page(conn: Connection, table: Table, search: Search) -> Page:
    """One page. Raises ValidationException for what this table cannot be asked."""
    index = required_index(table, search.index)
    _check(table, index, search)
    span = _span(table, index, search)
    if index is None:
        rows = item_rows.table_span(conn, table, span, search.limit)
    else:
        rows = item_rows.index_span(conn, table, index, span, search.limit)
    return _collect(table, index, search, rows)


def _check(table: Table, index: Index | None, search: Search) -> None:
    if index is not None and index.is_global:
        if search.consistent:
            raise ValidationException("Consistent reads are not supported on global secondary indexes")
        if index.status != ACTIVE:
            raise ValidationException(f"Cannot read from backfilling global secondary index: {index.name}")
        if search.shows == "ALL_ATTRIBUTES" and projected_names(table, index) is not None:
            raise ValidationException(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
                f"secondary index {index.name} because its projection type is not ALL"
            )
        _check_projected(table, index, search)
    key = table.key if index is None else index.key
    for name in key.names if search.tests is not None else ():
        if name in search.filter_names:
            raise ValidationException(
                f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            )


def _check_projected(table: Table, index: Index, search: Search) -> None:
    names = projected_names(table, index)
    if names is None or search.projection is None:
        return
    absent = [str(path.parts[0]) for path in search.projection.paths if path.parts[0] not in names]
    if absent:
        raise ValidationException(
            "One or more parameter values were invalid: "
            f"Global secondary index {index.name} does not project [{', '.join(absent)}]"
        )


def _span(table: Table, index: Index | None, search: Search) -> Span:
    key = table.key if index is None else index.key
    if search.tests is not None:
        span = span_of(search.tests, key, table.types, descending=search.descending)
    else:
        segment, segments = search.segment
        bounds = -(-_HASHES * segment // segments), -(-_HASHES * (segment + 1) // segments) - 1
        first, last = (bound.to_bytes(DIGEST_BYTES, "big") for bound in bounds)
        span = Span(hash_from=first, hash_to=last)
    if search.start is None:
        return span
    after = _place(table, index, search.start)
    if not span.hash_from <= after[0] <= span.hash_to:
        if search.tests is None:
            raise ValidationException("The provided starting key is outside of the segment that is scanned")
        raise ValidationException("The provided starting key is outside query boundaries based on provided conditions")
    return replace(span, after=after)


def _place(table: Table, index: Index | None, start: Mapping[str, AttributeValue]) -> Sequence[bytes]:
    """Where the row of an ExclusiveStartKey stands, or stood."""
    keys = [table.key] if index is None else [index.key, table.key]
    names = {name for key in keys for name in key.names}
    if set(start) != names:
        raise ValidationException(_BAD_START if index is None else f"{_BAD_START}: it does not match the index's keys")
    values = {name: normalise(value) for name, value in start.items()}
    if any(table.types[name] not in values[name] for name in names):
        raise ValidationException("The provided key element does not match the schema")
    place = []
    for key in keys:
        place += [hash_bytes(values[key.hash]), b"" if key.range is None else range_bytes(values[key.range])]
    return place


def _collect(table: Table, index: Index | None, search: Search, rows: Iterator[StoredItem]) -> Page:
    names = None if index is None else projected_names(table, index)
    # A local index can be asked for what it does not have: the table has it.
    fetches = index is not None and not index.is_global and names is not None and _wants_more(search, names)
    found: list[Item] = []
    count = scanned = size = fetched = 0
    last: Item | None = None
    for row in rows:
        scanned += 1
        shown = row.item if names is None else {name: row.item[name] for name in names if name in row.item}
        size += row.size if names is None else item_size(shown)
        if fetches:
            shown, fetched = row.item, fetched + row.size
        if search.filter is None or holds(search.filter, shown):
            count += 1
            if search.shows != "COUNT":
                found.append(shown if search.projection is None else project(shown, search.projection.paths))
        if scanned == search.limit or size + fetched >= MAX_PAGE_BYTES:
            last = _key_of(table, index, row.item)
            break
    units = read_units(size, consistent=search.consistent)
    extra = read_units(fetched, consistent=search.consistent) if fetched else 0.0
    consumed = (
        Consumed(read=True, table=units)
        if index is None
        else Consumed(read=True, table=extra, indexes={index.name: units})
    )
    items = None if search.shows == "COUNT" else found
    return Page(table=table, items=items, count=count, scanned=scanned, last=last, size=size, consumed=consumed)


def _wants_more(search: Search, names: Sequence[str]) -> bool:
    wanted = {path.parts[0] for path in search.projection.paths} if search.projection is not None else set()
    return search.shows == "ALL_ATTRIBUTES" or not wanted <= set(names)


def _key_of(table: Table, index: Index | None, item: Item) -> Item:
    names = [*table.key.names, *(index.key.names if index is not None else ())]
    return {name: item[name] for name in names}
