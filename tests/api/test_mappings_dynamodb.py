"""Rows that change start functions, with the client that everybody has."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

# What it got is kept in another table, since logs are searched more slowly than tables are read.
KEEPS = """
    import json, os, time
    import boto3
    dynamodb = boto3.client("dynamodb")
    def handler(event, context):
        kept = {"id": {"S": context.aws_request_id}, "at": {"N": str(time.time())}, "event": {"S": json.dumps(event)}}
        dynamodb.put_item(TableName=os.environ["KEPT"], Item=kept)
        if os.environ.get("BAD"):
            bad = [each["dynamodb"]["SequenceNumber"] for each in event["Records"]
                   if each["dynamodb"]["Keys"]["id"]["S"] == os.environ["BAD"]]
            return {"batchItemFailures": [{"itemIdentifier": number} for number in bad]}
"""
ID = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
      "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip


class Rows:
    """A table with a stream, a table of what a function got, and the function."""

    def __init__(self, server: LiveServer, *, view: str = "NEW_AND_OLD_IMAGES", bad: str = "") -> None:
        self.dynamodb = server.client("dynamodb")
        self.functions = server.client("lambda")
        self.table, self.kept = f"rows-{uuid.uuid4().hex}", f"kept-{uuid.uuid4().hex}"
        self.dynamodb.create_table(TableName=self.kept, **ID)
        self.stream: str = self.dynamodb.create_table(
            TableName=self.table, StreamSpecification={"StreamEnabled": True, "StreamViewType": view}, **ID
        )["TableDescription"]["LatestStreamArn"]
        variables = {"KEPT": self.kept, "BAD": bad}
        self.function = Deployment(self.functions).deploy(KEEPS, Environment={"Variables": variables})

    def map(self, **options: Any) -> dict[str, Any]:
        """A mapping that is enabled."""
        made: dict[str, Any] = self.functions.create_event_source_mapping(
            EventSourceArn=self.stream,
            FunctionName=self.function,
            **{"StartingPosition": "TRIM_HORIZON", **options},
        )
        self.until_state(made["UUID"], "Enabled")
        return made

    def until_state(self, mapping: str, state: str) -> None:
        eventually(
            lambda: self.functions.get_event_source_mapping(UUID=mapping)["State"] == state,
            f"the mapping to be {state}",
        )

    def put(self, *names: str, **attributes: Any) -> None:
        for name in names:
            self.dynamodb.put_item(TableName=self.table, Item={"id": {"S": name}, **attributes})

    def events(self) -> list[dict[str, Any]]:
        """What the function got, in the order in which it did."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.kept, ConsistentRead=True)
        kept = sorted((item for page in pages for item in page["Items"]), key=lambda item: float(item["at"]["N"]))
        return [json.loads(item["event"]["S"]) for item in kept]

    def records(self) -> list[dict[str, Any]]:
        return [record for event in self.events() for record in event["Records"]]

    def names(self) -> list[str]:
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in self.records()]


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: Any = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_row_s_life_reaches_the_function_in_aws_s_shape(live_server: LiveServer) -> None:
    rows = Rows(live_server)
    made = rows.map()
    assert (made["State"], made["StateTransitionReason"], made["BatchSize"]) == ("Creating", "User action", 100)
    assert (made["LastProcessingResult"], made["StartingPosition"]) == ("No records processed", "TRIM_HORIZON")
    assert (made["MaximumRetryAttempts"], made["DestinationConfig"]) == (-1, {"OnFailure": {}})
    rows.put("a", bytes={"B": b"foobar"}, n={"N": "1.0"})
    rows.put("a", n={"N": "2"})
    rows.dynamodb.delete_item(TableName=rows.table, Key={"id": {"S": "a"}})
    eventually(lambda: len(rows.records()) == 3, "three changes to be heard")
    first, second, third = rows.records()
    numbers = [record["dynamodb"].pop("SequenceNumber") for record in (first, second, third)]
    assert numbers == sorted(numbers)
    assert all(record.pop("eventID") for record in (first, second, third))
    assert isinstance(first["dynamodb"].pop("ApproximateCreationDateTime"), int)
    assert first == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": rows.stream,
        "dynamodb": {
            "Keys": {"id": {"S": "a"}},
            "NewImage": {"id": {"S": "a"}, "bytes": {"B": "Zm9vYmFy"}, "n": {"N": "1"}},
            "SizeBytes": 20,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    assert (second["eventName"], second["dynamodb"]["NewImage"]["n"]) == ("MODIFY", {"N": "2"})
    assert second["dynamodb"]["OldImage"]["n"] == {"N": "1"}
    assert third["eventName"] == "REMOVE" and "NewImage" not in third["dynamodb"]
    eventually(
        lambda: rows.functions.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"] == "OK",
        "the result to be told",
    )


def test_only_rows_that_a_filter_matches_start_the_function(live_server: LiveServer) -> None:
    rows = Rows(live_server)
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"size": {"N": [{"exists": True}]}}}}
    rows.map(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    rows.put("small")
    rows.put("large", size={"N": "7"})
    rows.put("large", size={"N": "8"})
    rows.put("last", size={"N": "7"})
    eventually(lambda: rows.names() == ["large", "last"], "two rows to be heard")


def test_a_row_that_fails_is_split_off_and_told_to_the_destination(live_server: LiveServer) -> None:
    rows = Rows(live_server, bad="bad", view="NEW_IMAGE")
    sqs = live_server.client("sqs")
    name = f"lost-{uuid.uuid4().hex}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    rows.put("a", "bad", "c")
    rows.map(
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:000000000000:{name}"}},
    )
    (message,) = eventually(
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5).get("Messages"), "the row to be given up"
    )
    told = json.loads(message["Body"])
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["functionArn"].endswith(f":{rows.function}")
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}
    info = told["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, rows.stream)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["shardId"].startswith("shardId-")
    eventually(lambda: rows.names()[-1] == "c", "the row after it to be heard")


def test_a_mapping_that_begins_at_the_latest_hears_all_from_when_it_is_enabled(live_server: LiveServer) -> None:
    rows = Rows(live_server)
    rows.put("before")
    rows.map(StartingPosition="LATEST", MaximumBatchingWindowInSeconds=1, BatchSize=3)
    rows.put("a", "b", "c")
    eventually(lambda: rows.names() == ["a", "b", "c"], "what came after to be heard")
    assert [len(event["Records"]) for event in rows.events()] == [3]


def test_a_stream_that_cannot_be_read_is_refused_in_lambda_s_words(live_server: LiveServer) -> None:
    rows = Rows(live_server)
    made = rows.map()
    absent = rows.stream[:-1] + ("0" if rows.stream[-1] != "0" else "1")

    def ask(**params: Any) -> tuple[str, str]:
        given = {"EventSourceArn": rows.stream, "FunctionName": rows.function, "StartingPosition": "LATEST", **params}
        return refused(lambda: rows.functions.create_event_source_mapping(**given))

    assert ask(EventSourceArn=absent) == ("InvalidParameterValueException", f"Stream not found: {absent}")
    assert ask() == (
        "ResourceConflictException",
        f'The event source arn (" {rows.stream} ") and function (" {rows.function} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {made['UUID']}",
    )
    assert ask(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0) == (
        "InvalidParameterValueException",
        f"Unsupported starting position for arn type: {rows.stream}",
    )
    poor = Deployment(rows.functions).deploy(KEEPS, Role="arn:aws:iam::000000000000:role/test")
    code, text = ask(FunctionName=poor)
    assert code == "InvalidParameterValueException"
    assert text.startswith(f"Cannot access stream {rows.stream}. Please ensure the role can perform the GetRecords, ")


def test_killed_at_any_moment_no_change_is_lost_and_what_was_done_is_not_done_again(own_server: LiveServer) -> None:
    own_server.start()
    rows = Rows(own_server)
    rows.map(BatchSize=1)
    rows.put("a", "b")
    eventually(lambda: rows.names() == ["a", "b"], "the first to be heard")
    rows.put(*"cdefgh")
    own_server.kill()
    own_server.start()
    rows.put("z")
    eventually(lambda: "z" in rows.names(), "the last to be heard")
    names = rows.names()
    assert set(names) == set("abcdefghz")
    # Only what ran when Stoker was killed comes twice, and what went well a moment before, perhaps.
    assert names == sorted(names)
    assert names[:2] == ["a", "b"] and names.count("a") == 1
