"""DynamoDB as boto3's users have it: items put, changed, found, counted."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer

_numbers = itertools.count(1)
ORDERS: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "customer", "AttributeType": "S"},
        {"AttributeName": "placed", "AttributeType": "N"},
        {"AttributeName": "status", "AttributeType": "S"},
        {"AttributeName": "total", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "customer", "KeyType": "HASH"},
        {"AttributeName": "placed", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-status",
            "KeySchema": [
                {"AttributeName": "status", "KeyType": "HASH"},
                {"AttributeName": "total", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "by-total",
            "KeySchema": [
                {"AttributeName": "customer", "KeyType": "HASH"},
                {"AttributeName": "total", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="session")
def resource(live_server: LiveServer) -> Any:
    return boto3.resource(
        "dynamodb",
        endpoint_url=live_server.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


@pytest.fixture
def make(resource: Any) -> Callable[..., Any]:
    def make(**settings: Any) -> Any:
        table = resource.create_table(TableName=f"items-{next(_numbers)}", **settings)
        table.wait_until_exists()
        return table

    return make


@pytest.fixture
def orders(make: Callable[..., Any]) -> Any:
    table = make(**ORDERS)
    with table.batch_writer() as batch:
        for number in range(10):
            batch.put_item(
                {
                    "customer": f"c{number % 2}",
                    "placed": number,
                    "status": "open" if number < 6 else "sent",
                    "total": Decimal(100 - number),
                    "note": f"n{number}",
                    "entries": [{"sku": "a", "n": number}],
                }
            )
    return table


def refusal(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_an_item_of_every_type_comes_back_as_it_was_put(orders: Any) -> None:
    item = {
        "customer": "all",
        "placed": Decimal("-1.5"),
        "text": "ünïcode",
        "empty": "",
        "number": Decimal("12345678901234567890123456789012345678"),
        "bytes": b"\x00\xff",
        "yes": True,
        "nothing": None,
        "list": [1, "a", [b"x"]],
        "map": {"a": {"b": [True]}},
        "texts": {"a", "b"},
        "numbers": {1, 2},
        "binaries": {b"a", b"b"},
    }
    orders.put_item(Item=item)
    found = orders.get_item(Key={"customer": "all", "placed": Decimal("-1.5")}, ConsistentRead=True)["Item"]
    assert found["bytes"].value == b"\x00\xff"
    assert {name: found[name] for name in found if name not in ("bytes", "list", "binaries")} == {
        name: item[name] for name in item if name not in ("bytes", "list", "binaries")
    }


def test_a_query_reads_a_range_in_either_direction_and_in_pages(orders: Any) -> None:
    condition = Key("customer").eq("c1") & Key("placed").between(3, 9)
    assert [it["placed"] for it in orders.query(KeyConditionExpression=condition)["Items"]] == [3, 5, 7, 9]
    first = orders.query(KeyConditionExpression=condition, ScanIndexForward=False, Limit=3)
    assert [it["placed"] for it in first["Items"]] == [9, 7, 5]
    rest = orders.query(
        KeyConditionExpression=condition, ScanIndexForward=False, ExclusiveStartKey=first["LastEvaluatedKey"]
    )
    assert [it["placed"] for it in rest["Items"]] == [3]
    assert "LastEvaluatedKey" not in rest


def test_indexes_are_sparse_ordered_and_show_what_they_project(orders: Any) -> None:
    found = orders.query(IndexName="by-status", KeyConditionExpression=Key("status").eq("open"))["Items"]
    assert [it["total"] for it in found] == [95, 96, 97, 98, 99, 100]
    assert set(found[0]) == {"customer", "placed", "status", "total", "note"}
    orders.update_item(
        Key={"customer": "c0", "placed": 0}, UpdateExpression="REMOVE #s", ExpressionAttributeNames={"#s": "status"}
    )
    orders.delete_item(Key={"customer": "c1", "placed": 1})
    pages = [
        orders.query(IndexName="by-status", KeyConditionExpression=Key("status").eq("open"), Limit=2),
    ]
    while "LastEvaluatedKey" in pages[-1]:
        pages.append(
            orders.query(
                IndexName="by-status",
                KeyConditionExpression=Key("status").eq("open"),
                Limit=2,
                ExclusiveStartKey=pages[-1]["LastEvaluatedKey"],
            )
        )
    assert [it["total"] for page in pages for it in page["Items"]] == [95, 96, 97, 98]


def test_a_local_index_reads_from_the_table_what_it_does_not_have(orders: Any) -> None:
    query = {"IndexName": "by-total", "KeyConditionExpression": Key("customer").eq("c1") & Key("total").lt(96)}
    keys = orders.query(**query)["Items"]
    assert [sorted(it) for it in keys] == [["customer", "placed", "total"]] * 3
    whole = orders.query(**query, Select="ALL_ATTRIBUTES", ConsistentRead=True)["Items"]
    assert [it["note"] for it in whole] == ["n9", "n7", "n5"]


def test_segments_of_a_scan_share_the_table(orders: Any) -> None:
    found = [
        it["placed"]
        for segment in range(4)
        for it in orders.scan(Segment=segment, TotalSegments=4, FilterExpression=Attr("total").gt(92))["Items"]
    ]
    assert sorted(found) == list(range(8))
    counted = orders.scan(Select="COUNT", FilterExpression=Attr("entries[0].n").gt(7))
    assert (counted["Count"], counted["ScannedCount"]) == (2, 10)


def test_a_page_ends_at_a_megabyte(make: Callable[..., Any]) -> None:
    table = make(
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(5):
        table.put_item(Item={"id": number, "large": "x" * 300_000})
    first = table.scan(ReturnConsumedCapacity="TOTAL")
    assert first["Count"] == 4
    assert first["ConsumedCapacity"]["CapacityUnits"] == 146.5
    assert table.scan(ExclusiveStartKey=first["LastEvaluatedKey"])["Count"] == 1
    assert refusal(table.put_item, Item={"id": 9, "large": "x" * 409_600}) == (
        "ValidationException",
        "Item size has exceeded the maximum allowed size",
    )


def test_updates_change_what_they_say_and_show_it(orders: Any) -> None:
    answer = orders.update_item(
        Key={"customer": "c0", "placed": 0},
        UpdateExpression="SET entries[0].n = entries[0].n + :one, tags = if_not_exists(tags, :none), "
        "entries[7] = :line REMOVE note ADD seen :one, marks :marks",
        ExpressionAttributeValues={":one": 1, ":none": [], ":line": {"sku": "b"}, ":marks": {"x"}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert answer["entries"] == [{"sku": "a", "n": 1}, {"sku": "b"}]
    assert (answer["tags"], answer["seen"], answer["marks"]) == ([], 1, {"x"})
    assert "note" not in answer
    shown = orders.update_item(
        Key={"customer": "c0", "placed": 0},
        UpdateExpression="SET entries[0].n = :v DELETE marks :marks",
        ExpressionAttributeValues={":v": 7, ":marks": {"x"}},
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    assert shown == {"entries": [{"n": 7}]}
    assert orders.update_item(
        Key={"customer": "new", "placed": 0},
        UpdateExpression="SET a = :v",
        ExpressionAttributeValues={":v": 1},
        ReturnValues="ALL_NEW",
    )["Attributes"] == {"customer": "new", "placed": 0, "a": 1}


def test_a_condition_that_does_not_hold_changes_nothing_and_shows_the_item(orders: Any) -> None:
    with pytest.raises(ClientError) as caught:
        orders.put_item(
            Item={"customer": "c0", "placed": 0},
            ConditionExpression=Attr("customer").not_exists(),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    response = caught.value.response
    assert response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert response["Error"]["Message"] == "The conditional request failed"
    assert response["Item"]["note"] == {"S": "n0"}
    assert orders.get_item(Key={"customer": "c0", "placed": 0})["Item"]["note"] == "n0"


def test_a_counter_that_many_raise_at_once_misses_none(orders: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def raise_it(_: int) -> None:
        orders.meta.client.update_item(
            TableName=orders.name,
            Key={"customer": "count", "placed": 0},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": 1},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(raise_it, range(100)))
    assert orders.get_item(Key={"customer": "count", "placed": 0})["Item"]["n"] == 100


def test_the_parameters_from_before_expressions_still_work(orders: Any) -> None:
    client, name = orders.meta.client, orders.name
    found = client.query(
        TableName=name,
        KeyConditions={
            "customer": {"ComparisonOperator": "EQ", "AttributeValueList": ["c0"]},
            "placed": {"ComparisonOperator": "GT", "AttributeValueList": [2]},
        },
        QueryFilter={"note": {"ComparisonOperator": "NE", "AttributeValueList": ["n6"]}},
        AttributesToGet=["placed"],
    )["Items"]
    assert found == [{"placed": 4}, {"placed": 8}]
    answer = client.update_item(
        TableName=name,
        Key={"customer": "c0", "placed": 0},
        AttributeUpdates={"note": {"Action": "PUT", "Value": "new"}, "seen": {"Action": "ADD", "Value": 2}},
        Expected={"note": {"Value": "n0"}},
        ReturnValues="UPDATED_OLD",
    )
    assert answer["Attributes"] == {"note": "n0"}
    assert (
        refusal(
            client.delete_item,
            TableName=name,
            Key={"customer": "c0", "placed": 0},
            Expected={"note": {"Exists": False}},
        )[0]
        == "ConditionalCheckFailedException"
    )


def test_batches_read_and_write_several_tables(orders: Any, make: Callable[..., Any]) -> None:
    other = make(
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "B"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client = orders.meta.client
    client.batch_write_item(
        RequestItems={
            orders.name: [{"DeleteRequest": {"Key": {"customer": "c0", "placed": 0}}}],
            other.name: [{"PutRequest": {"Item": {"id": b"\xff", "v": 1}}}],
        }
    )
    answer = client.batch_get_item(
        RequestItems={
            orders.name: {"Keys": [{"customer": "c0", "placed": 0}, {"customer": "c0", "placed": 2}]},
            other.name: {"Keys": [{"id": b"\xff"}], "ProjectionExpression": "v"},
        }
    )
    assert [it["placed"] for it in answer["Responses"][orders.name]] == [2]
    assert answer["Responses"][other.name] == [{"v": 1}]
    assert answer["UnprocessedKeys"] == {}
    twice = [{"DeleteRequest": {"Key": {"id": b"a"}}}] * 2
    assert refusal(client.batch_write_item, RequestItems={other.name: twice}) == (
        "ValidationException",
        "Provided list of item keys contains duplicates",
    )
