"""Transactions: all or nothing, and once."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.live_server import LiveServer

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
