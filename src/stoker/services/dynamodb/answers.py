"""What operations consumed, in DynamoDB's words."""

from collections.abc import Iterable, Mapping
from typing import Any

from stoker.items.capacity import Consumed
from stoker.items.table import Table

# From here on, writing an answer down takes over a millisecond.
LARGE_BYTES = 16 * 1024


def consumed_capacity(
    name: str, consumed: Consumed, detail: str | None, table: Table | None = None
) -> Mapping[str, Any] | None:
    """ConsumedCapacity, if it is asked for (`detail` is TOTAL or INDEXES). `table` tells apart kinds of indexes."""
    if detail in (None, "NONE"):
        return None
    told: dict[str, Any] = {"TableName": name, "CapacityUnits": consumed.total}
    if detail != "INDEXES":
        return told
    told["Table"] = {"CapacityUnits": consumed.table}
    for index, units in consumed.indexes.items():
        found = None if table is None else table.index(index)
        kind = "GlobalSecondaryIndexes" if found is None or found.is_global else "LocalSecondaryIndexes"
        told.setdefault(kind, {})[index] = {"CapacityUnits": units}
    return told


def add_up(consumed: Iterable[tuple[str, Consumed]]) -> Mapping[str, Consumed]:
    """What several operations on several tables consumed, by table."""
    totals: dict[str, Consumed] = {}
    for name, each in consumed:
        totals[name] = totals[name] + each if name in totals else each
    return totals
