"""What UpdateTable makes of a table. Pure but for the stream, which `tables.py` switches."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from stoker.items.errors import LimitExceeded, ResourceNotFound
from stoker.items.table import CREATING, PAY_PER_REQUEST, Index, Table, Throughput
from stoker.items.table_rules import merged_types, new_global_index, table_throughput
from stoker.model.errors import ValidationException

_CHANGES = (
    "ProvisionedThroughput",
    "BillingMode",
    "StreamSpecification",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
)


def changed_settings(table: Table, params: Mapping[str, Any], *, now: float) -> Table:
    """The table with its billing mode, throughput and protection changed."""
    if not any(name in params for name in _CHANGES):
        raise ValidationException(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    table = replace(table, is_protected=params.get("DeletionProtectionEnabled", table.is_protected))
    mode, given = params.get("BillingMode", table.billing_mode), params.get("ProvisionedThroughput")
    if mode == table.billing_mode:
        return table if given is None else _with_throughput(table, table_throughput(given, mode), now=now)
    throughput = table_throughput(given, mode)
    indexes = table.indexes
    if mode == PAY_PER_REQUEST:
        indexes = tuple(replace(index, throughput=None) for index in indexes)
    elif any(index.is_global and _index_throughput(params, index.name) is None for index in indexes):
        raise ValidationException(
            "One or more parameter values were invalid: ProvisionedThroughput must be specified for all of the table's "
            "global secondary indexes when BillingMode is PROVISIONED"
        )
    changed = replace(table, billing_mode=mode, indexes=indexes, throughput=throughput)
    return replace(changed, billing_changed=now if mode == PAY_PER_REQUEST else table.billing_changed)


def _with_throughput(table: Table, wanted: Throughput | None, *, now: float) -> Table:
    current = table.throughput
    assert wanted is not None and current is not None
    if wanted == current:
        raise ValidationException(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {current.read}. "
            f"Requested ReadCapacityUnits: {wanted.read}. "
            f"Current WriteCapacityUnits provisioned for the table: {current.write}. "
            f"Requested WriteCapacityUnits: {wanted.write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    if wanted.read > current.read or wanted.write > current.write:
        table = replace(table, throughput_increased=now)
    if wanted.read < current.read or wanted.write < current.write:
        table = replace(table, throughput_decreased=now)
    return replace(table, throughput=wanted)


def index_updates(table: Table, params: Mapping[str, Any]) -> tuple[Table, Sequence[Index], Sequence[Index]]:
    """The table with its global indexes changed, those that are added, and those that are gone."""
    added: list[Index] = []
    removed: list[Index] = []
    updates = params.get("GlobalSecondaryIndexUpdates", ())
    if sum("Create" in update or "Delete" in update for update in updates) > 1:
        raise LimitExceeded(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )
    for update in updates:
        if "Create" in update:
            types = merged_types(table, params.get("AttributeDefinitions"))
            index = new_global_index(update["Create"], table, types, status=CREATING)
            added.append(index)
            used = {name: types[name] for name in types if name in table.types or name in index.key.names}
            table = replace(table, types=used, indexes=(*table.indexes, index), next_index=table.next_index + 1)
        elif "Delete" in update:
            index = _required(table, update["Delete"]["IndexName"])
            removed.append(index)
            table = _without(table, index)
        elif "Update" in update:
            index = _required(table, update["Update"]["IndexName"])
            throughput = table_throughput(update["Update"]["ProvisionedThroughput"], table.billing_mode)
            changed = replace(index, throughput=throughput)
            table = replace(table, indexes=tuple(changed if it == index else it for it in table.indexes))
    return table, added, removed


def _without(table: Table, index: Index) -> Table:
    indexes = tuple(it for it in table.indexes if it != index)
    used = {*table.key.names, *(name for it in indexes for name in it.key.names)}
    types = {name: kind for name, kind in table.types.items() if name in used}
    return replace(table, indexes=indexes, types=types)


def _required(table: Table, name: str) -> Index:
    index = table.index(name)
    if index is None or not index.is_global:
        raise ResourceNotFound(f"Requested resource not found: Index: {name} not found")
    return index


def _index_throughput(params: Mapping[str, Any], name: str) -> Mapping[str, int] | None:
    for update in params.get("GlobalSecondaryIndexUpdates", ()):
        if update.get("Update", {}).get("IndexName") == name:
            throughput: Mapping[str, int] = update["Update"]["ProvisionedThroughput"]
            return throughput
    return None
