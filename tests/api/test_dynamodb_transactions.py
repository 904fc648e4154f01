"""Transactions: all or nothing, once, and so after kill -9."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from fakes.live_server import LiveServer
from fakes.waiting import eventually

ID = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
      "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip


@pytest.fixture
def dynamodb(live_server: LiveServer) -> Any:
    return live_server.client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> str:
    name = f"accounts-{uuid.uuid4().hex}"
    dynamodb.create_table(TableName=name, **ID)
    for account, balance in (("a", "10"), ("b", "0")):
        dynamodb.put_item(TableName=name, Item={"id": {"S": account}, "balance": {"N": balance}})
    return name


def booking(table: str, account: str, amount: int, condition: str | None = None) -> dict[str, Any]:
    update: dict[str, Any] = {
        "TableName": table,
        "Key": {"id": {"S": account}},
        "UpdateExpression": "ADD balance :amount",
        "ExpressionAttributeValues": {":amount": {"N": str(amount)}},
    }
    if condition is not None:
        update["ConditionExpression"] = condition
        update["ExpressionAttributeValues"][":least"] = {"N": str(-amount)}
        update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {"Update": update}


def balances(dynamodb: Any, table: str) -> dict[str, str]:
    return {item["id"]["S"]: item["balance"]["N"] for item in dynamodb.scan(TableName=table)["Items"]}


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    response: dict[str, Any] = caught.value.response
    return response


def test_all_writes_of_a_transaction_are_done_or_none(dynamodb: Any, table: str) -> None:
    def transfer(amount: int) -> Any:
        writes = [booking(table, "a", -amount, "balance >= :least"), booking(table, "b", amount)]
        return dynamodb.transact_write_items(TransactItems=writes)

    transfer(7)
    assert balances(dynamodb, table) == {"a": "3", "b": "7"}
    response = refused(lambda: transfer(4))
    assert response["Error"]["Code"] == "TransactionCanceledException"
    assert response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]"
    )
    assert response["CancellationReasons"] == [
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"id": {"S": "a"}, "balance": {"N": "3"}},
        },
        {"Code": "None"},
    ]
    assert balances(dynamodb, table) == {"a": "3", "b": "7"}
    answer = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": {"id": {"S": name}}}} for name in ("b", "none", "a")]
    )
    assert [each.get("Item", {}).get("balance") for each in answer["Responses"]] == [{"N": "7"}, None, {"N": "3"}]


def test_a_transaction_with_a_token_happens_once(dynamodb: Any, table: str) -> None:
    token = str(uuid.uuid4())
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[booking(table, "b", 5)], ClientRequestToken=token)
    assert balances(dynamodb, table)["b"] == "5"
    other = refused(
        lambda: dynamodb.transact_write_items(TransactItems=[booking(table, "b", 6)], ClientRequestToken=token)
    )
    assert other["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_what_a_transaction_cannot_be_is_refused_in_dynamodb_s_words(dynamodb: Any, table: str) -> None:
    twice = [booking(table, "a", -100, "balance >= :least"), booking(table, "a", 1)]
    assert refused(lambda: dynamodb.transact_write_items(TransactItems=twice))["Error"] == {
        "Code": "ValidationException",
        "Message": "Transaction request cannot include multiple operations on one item",
    }
    wrong = [{"Put": {"TableName": table, "Item": {"id": {"N": "1"}}}}, booking(table, "a", 1)]
    response = refused(lambda: dynamodb.transact_write_items(TransactItems=wrong))
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["ValidationError", "None"]
    assert response["CancellationReasons"][0]["Message"] == (
        "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N"
    )
    absent = [{"Delete": {"TableName": "not-there", "Key": {"id": {"S": "a"}}}}]
    assert refused(lambda: dynamodb.transact_write_items(TransactItems=absent))["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "Requested resource not found",
    }
    check = {"TableName": table, "Key": {"id": {"S": "none"}}, "ConditionExpression": "attribute_exists(id)"}
    response = refused(
        lambda: dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": check}, booking(table, "a", 1)])
    )
    assert [reason["Code"] for reason in response["CancellationReasons"]] == ["ConditionalCheckFailed", "None"]
    assert balances(dynamodb, table) == {"a": "10", "b": "0"}


def test_killed_in_the_middle_a_transaction_was_done_or_was_not(own_server: LiveServer) -> None:
    own_server.start()
    dynamodb = own_server.client("dynamodb")
    arn = dynamodb.create_table(
        TableName="ledger", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, **ID
    )["TableDescription"]["LatestStreamArn"]
    acknowledged: list[int] = []

    def book(number: int) -> None:
        writes = [booking("ledger", f"{number}-{side}", 1) for side in range(3)] + [booking("ledger", "total", 3)]
        try:
            dynamodb.transact_write_items(TransactItems=writes)
        except (ClientError, BotoCoreError):
            return
        acknowledged.append(number)

    with ThreadPoolExecutor(4) as pool:
        for number in range(400):
            pool.submit(book, number)
        eventually(lambda: len(acknowledged) > 40, "some to be done")
        own_server.kill()
    own_server.start()
    pages = dynamodb.get_paginator("scan").paginate(TableName="ledger")
    found = {item["id"]["S"]: item["balance"]["N"] for page in pages for item in page["Items"]}
    total = int(found.pop("total"))
    done = {name.split("-")[0] for name in found}
    assert len(found) == 3 * len(done) == total
    assert {str(number) for number in acknowledged} <= done
    streams = own_server.client("dynamodbstreams")
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records, iterator = [], place["ShardIterator"]
    while page := streams.get_records(ShardIterator=iterator):
        records += page["Records"]
        iterator = page["NextShardIterator"]
        if not page["Records"]:
            break
    assert len(records) == 4 * len(done)
