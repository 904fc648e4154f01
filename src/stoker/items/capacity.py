"""Capacity units: what an operation consumes, and how a provisioned table's are rationed.

Source: "DynamoDB throughput capacity" and "Burst capacity" in the Amazon DynamoDB Developer Guide.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.items.attribute_value import Item, item_size
from stoker.items.errors import ProvisionedThroughputExceeded
from stoker.items.keys import index_row_key
from stoker.items.table import PROVISIONED, Index, Table, projected_names
from stoker.model.clock import Clock

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
TRANSACTION_FACTOR = 2
# What is not used is saved up for so long.
BURST_S = 300


@dataclass(frozen=True, kw_only=True)
class Consumed:
    """Units of one operation on one table: the table's own, and those of indexes by name."""

    read: bool
    table: float = 0.0
    indexes: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return self.table + sum(self.indexes.values())

    def __add__(self, other: "Consumed") -> "Consumed":
        indexes: dict[str, float] = defaultdict(float, self.indexes)
        for name, units in other.indexes.items():
            indexes[name] += units
        return Consumed(read=self.read, table=self.table + other.table, indexes=dict(indexes))

    def times(self, factor: float) -> "Consumed":
        indexes = {name: units * factor for name, units in self.indexes.items()}
        return Consumed(read=self.read, table=self.table * factor, indexes=indexes)


def read_units(size: int, *, consistent: bool) -> float:
    """Units for so many bytes that were looked at; what is not there costs as much as the smallest."""
    return max(1, -(-size // READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)


def write_consumption(table: Table, old: Item | None, new: Item | None) -> Consumed:
    """Units of a write: the larger of both states of the item, and what changes in each index."""
    indexes = {index.name: units for index in table.indexes if (units := _index_units(table, index, old, new))}
    return Consumed(read=False, table=_units(max(_size(old), _size(new))), indexes=indexes)


def _index_units(table: Table, index: Index, old: Item | None, new: Item | None) -> float:
    before, after = _entry(table, index, old), _entry(table, index, new)
    if before == after:
        return 0.0
    if before is None or after is None:
        return _units(_size(before or after))
    if index_row_key(table, index, before) == index_row_key(table, index, after):
        return _units(max(_size(before), _size(after)))
    return _units(_size(before)) + _units(_size(after))


def _entry(table: Table, index: Index, item: Item | None) -> Item | None:
    """What an index has of an item."""
    if item is None or index_row_key(table, index, item) is None:
        return None
    names = projected_names(table, index)
    return item if names is None else {name: item[name] for name in names if name in item}


def _units(size: int) -> float:
    return float(max(1, -(-size // WRITE_UNIT_BYTES)))


def _size(item: Item | None) -> int:
    return 0 if item is None else item_size(item)


@dataclass(kw_only=True, slots=True)
class _Bucket:
    """Units that may be consumed now; below zero for a while after an operation that cost more than there was."""

    units: float
    at: float


class Rationing:
    """Holds provisioned tables and indexes to their throughput. Thread-safe; forgets at a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Guarded by the lock.
        self._buckets: dict[tuple[int, int, bool], _Bucket] = {}

    def __repr__(self) -> str:
        return f"<Rationing {len(self._buckets)} buckets>"

    def admit(self, table: Table, index: Index | None, *, read: bool) -> None:
        """Raises ProvisionedThroughputExceeded while a table, or one of its indexes, has used up its units."""
        if table.billing_mode != PROVISIONED:
            return
        with self._lock:
            for each in self._rationed(table, index, read=read):
                rate = self._rate(table, each, read=read)
                if self._bucket(table, each, rate, read=read).units <= 0:
                    raise ProvisionedThroughputExceeded

    def charge(self, table: Table, consumed: Consumed) -> None:
        """Take what an operation consumed."""
        if table.billing_mode != PROVISIONED:
            return
        with self._lock:
            self._take(table, None, consumed.table, read=consumed.read)
            for index in table.indexes:
                if units := consumed.indexes.get(index.name):
                    self._take(table, index if index.is_global else None, units, read=consumed.read)

    def _take(self, table: Table, index: Index | None, units: float, *, read: bool) -> None:
        self._bucket(table, index, self._rate(table, index, read=read), read=read).units -= units

    def _rationed(self, table: Table, index: Index | None, *, read: bool) -> list[Index | None]:
        """A read uses one of them; a write has to be taken by the table and by all its global indexes."""
        if read:
            return [index if index is not None and index.is_global else None]
        return [None, *(each for each in table.indexes if each.is_global)]

    def _rate(self, table: Table, index: Index | None, *, read: bool) -> int:
        throughput = table.throughput if index is None else index.throughput
        assert throughput is not None
        return throughput.read if read else throughput.write

    def _bucket(self, table: Table, index: Index | None, rate: int, *, read: bool) -> _Bucket:
        now = self._clock.monotonic()
        key = (table.id, 0 if index is None else index.number, read)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(units=float(rate * BURST_S), at=now)
        bucket.units = min(bucket.units + (now - bucket.at) * rate, float(rate * BURST_S))
        bucket.at = now
        return bucket
