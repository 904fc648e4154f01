"""GetItem, PutItem, UpdateItem, DeleteItem, Query and Scan."""

from collections.abc import Callable, Mapping
from typing import Any

from stoker.items.attribute_value import Item
from stoker.items.document_path import project
from stoker.items.items import Items
from stoker.items.reading import Page, Search
from stoker.items.updates import changed_parts
from stoker.items.writing import Decision, Write
from stoker.model.errors import ValidationException
from stoker.services.dynamodb.answers import LARGE_BYTES, consumed_capacity
from stoker.services.dynamodb.reading_params import read_params
from stoker.services.dynamodb.requests import RequestReader
from stoker.wire.message import Call, Result

_GIB = 1 << 30


class ItemOperations:
    """The operations on single items, and pages of many."""

    def __init__(self, items: Items, reader: RequestReader) -> None:
        self._items = items
        self._reader = reader

    async def get_item(self, call: Call) -> Result:
        params = call.params
        lookup, projection = await read_params(self._reader.lookup, params)
        found = await self._items.get(call.region, lookup)
        item = found.item
        if item is not None and projection is not None:
            item = project(item, projection.paths)
        consumed = consumed_capacity(lookup.table, found.consumed, params.get("ReturnConsumedCapacity"))
        return Result(members={"Item": item, "ConsumedCapacity": consumed}, is_large=found.size > LARGE_BYTES)

    async def put_item(self, call: Call) -> Result:
        returned = _return_values(call.params)
        write, decision = await self._write(call, self._reader.put)
        return await self._written(call, write, decision, decision.old if returned == "ALL_OLD" else None)

    async def delete_item(self, call: Call) -> Result:
        returned = _return_values(call.params)
        write, decision = await self._write(call, self._reader.delete)
        return await self._written(call, write, decision, decision.old if returned == "ALL_OLD" else None)

    async def update_item(self, call: Call) -> Result:
        write, decision = await self._write(call, self._reader.update)
        shown = _shown_of_update(call.params.get("ReturnValues", "NONE"), write, decision)
        return await self._written(call, write, decision, shown)

    async def query(self, call: Call) -> Result:
        return await self._search(call, self._reader.query)

    async def scan(self, call: Call) -> Result:
        return await self._search(call, self._reader.scan)

    async def _write(self, call: Call, read: Callable[[Mapping[str, Any]], Write]) -> tuple[Write, Decision]:
        write = await read_params(read, call.params)
        return write, await self._items.write(call.region, write)

    async def _written(self, call: Call, write: Write, decision: Decision, shown: Item | None) -> Result:
        params, table = call.params, decision.table
        detail = params.get("ReturnConsumedCapacity")
        members = {
            # Nothing to show of an item that was not there.
            "Attributes": shown or None,
            "ConsumedCapacity": consumed_capacity(write.table, decision.consumed, detail, table) if detail else None,
        }
        if params.get("ReturnItemCollectionMetrics") == "SIZE":
            members["ItemCollectionMetrics"] = await self.collection_metrics(decision)
        return Result(members=members, is_large=shown is not None)

    async def collection_metrics(self, decision: Decision) -> Mapping[str, Any] | None:
        """The size of the items with one partition key; only tables with local indexes tell."""
        table, item = decision.table, decision.new or decision.old
        if item is None or all(index.is_global for index in table.indexes):
            return None
        size = await self._items.collection_size(decision)
        key = {table.key.hash: item[table.key.hash]}
        return {"ItemCollectionKey": key, "SizeEstimateRangeGB": [float(size // _GIB), float(size // _GIB + 1)]}

    async def _search(self, call: Call, read: Callable[[Mapping[str, Any]], Search]) -> Result:
        search = await read_params(read, call.params)
        page: Page = await self._items.search(call.region, search)
        members = {
            "Items": page.items,
            "Count": page.count,
            "ScannedCount": page.scanned,
            "LastEvaluatedKey": page.last,
            "ConsumedCapacity": consumed_capacity(
                search.table, page.consumed, call.params.get("ReturnConsumedCapacity"), page.table
            ),
        }
        return Result(members=members, is_large=page.size > LARGE_BYTES)


def _return_values(params: Mapping[str, Any]) -> str:
    returned: str = params.get("ReturnValues", "NONE")
    if returned not in ("NONE", "ALL_OLD"):
        raise ValidationException("Return values set to invalid value")
    return returned


def _shown_of_update(returned: str, write: Write, decision: Decision) -> Item | None:
    assert write.update is not None
    match returned:
        case "ALL_OLD":
            return decision.old
        case "ALL_NEW":
            return decision.new
        case "UPDATED_OLD":
            return changed_parts(write.update, decision.old or {})
        case "UPDATED_NEW":
            return changed_parts(write.update, decision.new or {})
    return None
