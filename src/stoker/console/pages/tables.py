"""Tables: put an item in, and see that it is there."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer  # type: ignore[import-untyped]

from stoker.console.routing import Route, get, post
from stoker.console.visit import InputError, Page, Redirect, Visit

SHOWN = 50
_ACTIVE_TRIES = 100


class TablePages:
    """The list, and one table."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/tables", self.show),
            post("/tables", self.create),
            get("/tables/{name}", self.show_one),
            post("/tables/{name}/put", self.put),
        ]

    async def show(self, visit: Visit) -> Page:
        answer = await visit.aws.call("dynamodb", "ListTables", Limit=100)
        return Page(template="tables.html", context={"section": "tables", "names": answer["TableNames"]})

    async def create(self, visit: Visit) -> Redirect:
        """With one key, and a stream of changes that functions can follow."""
        name, form = visit.form["name"], visit.form
        keys = [(form["partition"], "HASH"), (form["sort"], "RANGE")]
        given = [(key, role) for key, role in keys if key]
        await visit.aws.call(
            "dynamodb",
            "CreateTable",
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": role} for key, role in given],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in given],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        for _ in range(_ACTIVE_TRIES):
            if (await visit.aws.call("dynamodb", "DescribeTable", TableName=name))["Table"]["TableStatus"] == "ACTIVE":
                break
            await asyncio.sleep(0.05)
        return Redirect(to=f"/tables/{name}")

    async def show_one(self, visit: Visit) -> Page:
        name = visit.names["name"]
        table = (await visit.aws.call("dynamodb", "DescribeTable", TableName=name))["Table"]
        scanned = await visit.aws.call("dynamodb", "Scan", TableName=name, Limit=SHOWN)
        keys = [each["AttributeName"] for each in table["KeySchema"]]
        items = [_plain(item) for item in scanned["Items"]]
        context = {
            "section": "tables",
            "name": name,
            "table": table,
            "keys": keys,
            "items": [([item.get(key, "") for key in keys], _json(item)) for item in items],
            "more": "LastEvaluatedKey" in scanned,
            "example": _json(dict.fromkeys(keys, "…")),
        }
        return Page(template="table.html", context=context)

    async def put(self, visit: Visit) -> Redirect:
        """An item as plain JSON."""
        try:
            item = json.loads(visit.form["item"], parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise InputError(f"The item is no JSON: {error}.") from None
        if not isinstance(item, dict):
            raise InputError("An item is a JSON object.")
        typed = {name: TypeSerializer().serialize(value) for name, value in item.items()}
        await visit.aws.call("dynamodb", "PutItem", TableName=visit.names["name"], Item=typed)
        return Redirect(to=f"/tables/{visit.names['name']}")


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _json(item: Mapping[str, Any]) -> str:
    return json.dumps(item, indent=2, ensure_ascii=False, default=_shown)


def _shown(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set):
        return sorted(value, key=str)
    return f"{len(value)} bytes" if isinstance(value, Binary) else str(value)
