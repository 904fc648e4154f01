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
from stoker.wire.message import Call

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
        self._serve_tables(self._tables)
        single = ItemOperations(items, reader)
        self.get_item = single.get
        self.put_item = single.put
        self.update_item = single.update
        self.delete_item = single.delete
        self.query = single.query
        self.scan = single.scan
        batches = BatchOperations(items, reader, single)
        self.batch_get_item = batches.get
        self.batch_write_item = batches.write
        self.transact_write_items = batches.transact_write
        self.transact_get_items = batches.transact_get

    def __repr__(self) -> str:
        return "<DynamoDbService>"

    def _serve_tables(self, tables: TableOperations) -> None:
        self.create_table = tables.create
        self.describe_table = tables.describe
        self.list_tables = tables.list
        self.update_table = tables.update
        self.delete_table = tables.delete
        self.update_time_to_live = tables.update_ttl
        self.describe_time_to_live = tables.describe_ttl
        self.describe_continuous_backups = tables.describe_backups
        self.update_continuous_backups = tables.update_backups
        self.tag_resource = tables.tag
        self.untag_resource = tables.untag
        self.list_tags_of_resource = tables.list_tags

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
