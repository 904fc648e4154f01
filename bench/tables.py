"""DynamoDB: point reads and writes of eight clients, in a small table and in a large one, in turns.

Requests are signed ahead, for items that were chosen by chance: what is asked for is not always in one page.
"""

import asyncio
import json
import random
import sqlite3
from dataclasses import dataclass, field

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from load import Endpoint, http_post, measure
from scale import Scale
from stoker_target import REGION, Stoker

from stoker.items.attribute_value import item_size
from stoker.items.keys import hash_bytes

CLIENTS = 8
FEW_ITEMS = 1_000
# Signing one takes longer than answering it.
REQUESTS = 2_000
NOTE = "x" * 100


@dataclass(kw_only=True)
class TableFigures:
    """By rounds: reads and writes a second in the small and in the large table."""

    few_reads: list[float] = field(default_factory=list)
    many_reads: list[float] = field(default_factory=list)
    few_writes: list[float] = field(default_factory=list)
    many_writes: list[float] = field(default_factory=list)


async def measure_tables(stoker: Stoker, scale: Scale) -> TableFigures:
    """Leaves two tables behind, and Stoker started anew."""
    sizes = {"bench-few": FEW_ITEMS, "bench-many": scale.many_items}
    for name in sizes:
        await asyncio.to_thread(_make, stoker, name)
    stoker.stop()
    await asyncio.to_thread(_fill, str(stoker.data / "stoker.db"), sizes)
    stoker.start()
    figures = TableFigures()
    turns = (
        ("bench-few", "GetItem", figures.few_reads),
        ("bench-many", "GetItem", figures.many_reads),
        ("bench-few", "PutItem", figures.few_writes),
        ("bench-many", "PutItem", figures.many_writes),
    )
    endpoints = [
        await asyncio.to_thread(_endpoint, stoker, name, sizes[name], operation) for name, operation, _ in turns
    ]
    for _ in range(scale.warm_rounds):
        for endpoint, (_, _, rates) in zip(endpoints, turns, strict=True):
            rates.append((await measure(endpoint, connections=CLIENTS, seconds=scale.throughput_s)).per_second)
    return figures


def _make(stoker: Stoker, name: str) -> None:
    stoker.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )


def _item(number: int) -> dict[str, dict[str, str]]:
    return {"id": {"S": f"item-{number}"}, "note": {"S": NOTE}, "number": {"N": str(number)}}


def _fill(path: str, sizes: dict[str, int]) -> None:
    """Put items there behind Stoker's back: through its door a million would take minutes."""
    encode = msgspec.msgpack.Encoder().encode
    with sqlite3.connect(path) as store:
        for name, size in sizes.items():
            (table,) = store.execute("SELECT id FROM item_tables WHERE name = ?", (name,)).fetchone()
            items = (_item(number) for number in range(size))
            rows = ((table, hash_bytes(item["id"]), b"", item_size(item), encode(item)) for item in items)
            store.executemany("INSERT INTO items (table_id, hash, range, size, document) VALUES (?, ?, ?, ?, ?)", rows)


def _endpoint(stoker: Stoker, table: str, size: int, operation: str) -> Endpoint:
    """Requests signed now, for items that are there."""
    signer = SigV4Auth(Credentials(*stoker.keys), "dynamodb", REGION)
    chosen = random.Random(1).choices(range(size), k=REQUESTS)
    signed = []
    for number in chosen:
        item = _item(number)
        members = {"Key": {"id": item["id"]}, "ConsistentRead": True} if operation == "GetItem" else {"Item": item}
        body = json.dumps({"TableName": table, **members}).encode()
        headers = {
            "Host": f"127.0.0.1:{stoker.port}",
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        }
        request = AWSRequest("POST", f"http://127.0.0.1:{stoker.port}/", data=body, headers=headers)
        signer.add_auth(request)
        signed.append(http_post("/", body, dict(request.headers)))
    return Endpoint(port=stoker.port, request=signed[0], others=signed[1:])
