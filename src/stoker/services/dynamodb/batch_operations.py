"""BatchGetItem, BatchWriteItem and transactions."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from stoker.items.capacity import TRANSACTION_FACTOR
from stoker.items.document_path import project
from stoker.items.items import Items, Lookup
from stoker.items.table_rules import table_name
from stoker.items.transactions import Token
from stoker.items.writing import Decision, Write
from stoker.model.errors import ValidationException
from stoker.services.dynamodb.answers import LARGE_BYTES, add_up, consumed_capacity
from stoker.services.dynamodb.item_operations import ItemOperations
from stoker.services.dynamodb.requests import RequestReader
from stoker.wire.message import Call, Result

MAX_GETS = 100
MAX_WRITES = 25
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class BatchOperations:
    """The operations on several items."""

    def __init__(self, items: Items, reader: RequestReader, single: ItemOperations) -> None:
        self._items = items
        self._reader = reader
        self._single = single

    async def batch_get_item(self, call: Call) -> Result:
        requests: Mapping[str, Mapping[str, Any]] = call.params["RequestItems"]
        if sum(len(request["Keys"]) for request in requests.values()) > MAX_GETS:
            raise ValidationException("Too many items requested for the BatchGetItem call")
        asked = await asyncio.to_thread(self._lookups, requests)
        found = await self._items.get_batch(call.region, [lookup for _, lookup, _ in asked])
        responses: dict[str, list[Any]] = {name: [] for name in requests}
        left: defaultdict[str, list[Any]] = defaultdict(list)
        consumed = []
        for (name, lookup, projection), each in zip(asked, found, strict=True):
            if each is None:
                left[name].append(lookup.key)
                continue
            consumed.append((lookup.table, each.consumed))
            if each.item is not None:
                item = each.item if projection is None else project(each.item, projection.paths)
                responses[name].append(item)
        members = {
            "Responses": responses,
            "UnprocessedKeys": {name: {**requests[name], "Keys": keys} for name, keys in left.items()},
            "ConsumedCapacity": _told(consumed, call.params, {}),
        }
        return Result(members=members, is_large=sum(each.size for each in found if each is not None) > LARGE_BYTES)

    async def batch_write_item(self, call: Call) -> Result:
        requests: Mapping[str, Sequence[Mapping[str, Any]]] = call.params["RequestItems"]
        if sum(map(len, requests.values())) > MAX_WRITES:
            raise ValidationException("Too many items requested for the BatchWriteItem call")
        asked = await asyncio.to_thread(self._writes, requests)
        decisions = await self._items.write_batch(call.region, [write for _, _, write in asked])
        left: defaultdict[str, list[Any]] = defaultdict(list)
        for (name, request, _), decision in zip(asked, decisions, strict=True):
            if decision is None:
                left[name].append(request)
        done = [decision for decision in decisions if decision is not None]
        members = {"UnprocessedItems": left, **await self._about_writes(call.params, done, 1)}
        return Result(members=members)

    async def transact_write_items(self, call: Call) -> Result:
        asked = await asyncio.to_thread(self._transaction, call.params)
        decisions = await self._items.transact(call.region, *asked)
        return Result(members=await self._about_writes(call.params, decisions, TRANSACTION_FACTOR))

    async def transact_get_items(self, call: Call) -> Result:
        gets = [each["Get"] for each in call.params["TransactItems"]]
        asked = await asyncio.to_thread(lambda: [self._reader.lookup(get) for get in gets])
        found = await self._items.get_together(call.region, [lookup for lookup, _ in asked])
        responses: list[Mapping[str, Any]] = []
        for (_, projection), each in zip(asked, found, strict=True):
            if each.item is None:
                responses.append({})
            else:
                responses.append({"Item": each.item if projection is None else project(each.item, projection.paths)})
        consumed = [(lookup.table, each.consumed) for (lookup, _), each in zip(asked, found, strict=True)]
        members = {"Responses": responses, "ConsumedCapacity": _told(consumed, call.params, {})}
        return Result(members=members, is_large=sum(each.size for each in found) > LARGE_BYTES)

    def _lookups(self, requests: Mapping[str, Mapping[str, Any]]) -> Sequence[tuple[str, Lookup, Any]]:
        asked = []
        for name, request in requests.items():
            lookups, projection = self._reader.lookups(table_name(name), request)
            asked += [(name, lookup, projection) for lookup in lookups]
        return asked

    def _writes(
        self, requests: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> Sequence[tuple[str, Mapping[str, Any], Write]]:
        asked = []
        for name, each in requests.items():
            for request in each:
                if len(request) != 1:
                    raise ValidationException(
                        "Supplied write request must contain exactly one of PutRequest and DeleteRequest"
                    )
                params = {"TableName": name, **next(iter(request.values()))}
                read = self._reader.put if "PutRequest" in request else self._reader.delete
                asked.append((name, request, read(params)))
        return asked

    def _transaction(self, params: Mapping[str, Any]) -> tuple[Sequence[Write], Token | None]:
        readers = {
            "Put": self._reader.put,
            "Update": self._reader.update,
            "Delete": self._reader.delete,
            "ConditionCheck": self._reader.check,
        }
        writes = []
        for each in params["TransactItems"]:
            if len(each) != 1:
                raise ValidationException("TransactItems can only contain one of Check, Put, Update or Delete")
            ((kind, operation),) = each.items()
            writes.append(readers[kind](operation))
        token = params.get("ClientRequestToken")
        if token is None:
            return writes, None
        digest = hashlib.blake2b(_encode(params["TransactItems"]), digest_size=16).digest()
        return writes, Token(token=token, digest=digest)

    async def _about_writes(
        self, params: Mapping[str, Any], decisions: Sequence[Decision], factor: float
    ) -> Mapping[str, Any]:
        """What is told of writes besides that they are done."""
        told: dict[str, Any] = {}
        if params.get("ReturnConsumedCapacity", "NONE") != "NONE":
            consumed = [(each.table.name, each.consumed.times(factor)) for each in decisions]
            told["ConsumedCapacity"] = _told(consumed, params, {each.table.name: each.table for each in decisions})
        if params.get("ReturnItemCollectionMetrics") == "SIZE":
            metrics: defaultdict[str, list[Any]] = defaultdict(list)
            for each in decisions:
                if metric := await self._single.collection_metrics(each):
                    metrics[each.table.name].append(metric)
            told["ItemCollectionMetrics"] = metrics
        return told


def _told(consumed: Iterable[tuple[str, Any]], params: Mapping[str, Any], tables: Mapping[str, Any]) -> Any:
    detail = params.get("ReturnConsumedCapacity", "NONE")
    if detail == "NONE":
        return None
    return [consumed_capacity(name, each, detail, tables.get(name)) for name, each in add_up(consumed).items()]
