"""Tables as DescribeTable tells of them."""

from collections.abc import Mapping
from typing import Any

from stoker.items.streams import stream_arn
from stoker.items.table import ACTIVE, INCLUDE, PAY_PER_REQUEST, Index, Key, Table, Throughput
from stoker.items.tables import Tally


def describe(table: Table, account: str, tally: Tally, *, status: str = ACTIVE) -> Mapping[str, Any]:
    """A TableDescription. `status` is what the operation that answers calls it."""
    arn = table.arn(account)
    on_demand = table.billing_mode == PAY_PER_REQUEST
    described: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in table.types.items()],
        "TableName": table.name,
        "KeySchema": key_schema(table.key),
        "TableStatus": status,
        "CreationDateTime": table.created,
        "ProvisionedThroughput": _throughput(table.throughput)
        | {"LastIncreaseDateTime": table.throughput_increased, "LastDecreaseDateTime": table.throughput_decreased},
        "TableSizeBytes": tally.size,
        "ItemCount": tally.items,
        "TableArn": arn,
        "TableId": table.uuid,
        "DeletionProtectionEnabled": table.is_protected,
    }
    if on_demand or table.billing_changed is not None:
        described["BillingModeSummary"] = {
            "BillingMode": table.billing_mode,
            "LastUpdateToPayPerRequestDateTime": table.billing_changed,
        }
    for kind, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        indexes = [_index(index, arn, tally) for index in table.indexes if index.is_global == is_global]
        if indexes:
            described[kind] = indexes
    if table.stream is not None:
        described["LatestStreamLabel"] = table.stream.label
        described["LatestStreamArn"] = stream_arn(table.region, account, table.name, table.stream.label)
    if table.live_stream is not None:
        described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.live_stream.view_type}
    return described


def key_schema(key: Key) -> list[Mapping[str, str]]:
    """A KeySchema."""
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(key.names, ("HASH", "RANGE"), strict=False)]


def _index(index: Index, table_arn: str, tally: Tally) -> Mapping[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.projection == INCLUDE:
        projection["NonKeyAttributes"] = list(index.included)
    described: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": key_schema(index.key),
        "Projection": projection,
        "ItemCount": tally.indexed.get(index.number, 0),
        "IndexArn": f"{table_arn}/index/{index.name}",
    }
    if index.is_global:
        described["IndexStatus"] = index.status
        described["Backfilling"] = True if index.status != ACTIVE else None
        described["ProvisionedThroughput"] = _throughput(index.throughput)
    return described


def _throughput(throughput: Throughput | None) -> dict[str, Any]:
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0 if throughput is None else throughput.read,
        "WriteCapacityUnits": 0 if throughput is None else throughput.write,
    }
