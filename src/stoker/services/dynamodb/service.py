"""DynamoDB, operation by operation."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from stoker.items.items import Items
from stoker.items.table_rules import table_name
from stoker.items.tables import Tables
from stoker.services.dynamodb.access import ACCESS
from stoker.services.dynamodb.batch_operations import BatchOperations
from stoker.services.dynamodb.item_operations import ItemOperations
from stoker.services.dynamodb.requests import RequestReader
from stoker.services.dynamodb.table_operations import TableOperations
from stoker.services.dynamodb.unconfigured import Unconfigured
from stoker.wire.message import Call
from stoker.wire.operations import Method, operations_of

# AWS's defaults. Tables here are held to what they are provisioned with and to nothing else.
_QUOTAS = {
    "AccountMaxReadCapacityUnits": 80_000,
    "AccountMaxWriteCapacityUnits": 80_000,
    "TableMaxReadCapacityUnits": 40_000,
    "TableMaxWriteCapacityUnits": 40_000,
}
_ENDPOINT_CACHE_MINUTES = 1_440


class DynamoDbService:
    """Which module answers which operation. `endpoint` is where clients find this Stoker."""

    name = "dynamodb"
    access = ACCESS

    def __init__(self, *, tables: Tables, items: Items, endpoint: str) -> None:
        self._endpoint = endpoint
        self._tables = TableOperations(tables)
        reader = RequestReader()
        single = ItemOperations(items, reader)
        self.operations: Mapping[str, Method] = operations_of(
            self, self._tables, Unconfigured(tables), single, BatchOperations(items, reader, single)
        )

    def __repr__(self) -> str:
        return "<DynamoDbService>"

    async def describe_limits(self, _call: Call) -> Mapping[str, Any]:
        return _QUOTAS

    async def describe_endpoints(self, _call: Call) -> Mapping[str, Any]:
        address = urlsplit(self._endpoint).netloc
        return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": _ENDPOINT_CACHE_MINUTES}]}

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """A table's tags, also for its indexes and streams."""
        parts = arn.split(":", 5)
        if len(parts) < 6 or not parts[5].startswith("table/"):
            return {}
        name = parts[5].split("/")[1]
        return await self._tables.tags_of(parts[3], table_name(name))
