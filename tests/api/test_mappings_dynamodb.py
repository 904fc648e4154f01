"""Rows that change start functions, with the client that everybody has."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.hearing import KEEPS, Rows
from fakes.live_server import LiveServer
from fakes.waiting import eventually


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
        "eventSourceARN": rows.source_arn,
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
    assert (info["batchSize"], info["streamArn"]) == (1, rows.source_arn)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["shardId"].startswith("shardId-")
    eventually(lambda: rows.names()[-1] == "c", "the row after it to be heard")


def test_a_mapping_that_begins_at_the_latest_hears_all_from_when_it_is_enabled(live_server: LiveServer) -> None:
    rows = Rows(live_server)
    rows.put("before")
    rows.map(StartingPosition="LATEST", MaximumBatchingWindowInSeconds=300, BatchSize=3)
    rows.put("a", "b", "c")
    eventually(lambda: rows.names() == ["a", "b", "c"], "what came after to be heard")
    assert [len(event["Records"]) for event in rows.events()] == [3]


def test_a_stream_that_cannot_be_read_is_refused_in_lambda_s_words(live_server: LiveServer) -> None:
    rows = Rows(live_server)
    made = rows.map()
    absent = rows.source_arn[:-1] + ("0" if rows.source_arn[-1] != "0" else "1")

    def ask(**params: Any) -> tuple[str, str]:
        given = {
            "EventSourceArn": rows.source_arn,
            "FunctionName": rows.function,
            "StartingPosition": "LATEST",
            **params,
        }
        return refused(lambda: rows.functions.create_event_source_mapping(**given))

    assert ask(EventSourceArn=absent) == ("InvalidParameterValueException", f"Stream not found: {absent}")
    assert ask() == (
        "ResourceConflictException",
        f'The event source arn (" {rows.source_arn} ") and function (" {rows.function} ") provided mapping already '
        f"exists. Please update or delete the existing mapping with UUID {made['UUID']}",
    )
    assert ask(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0) == (
        "InvalidParameterValueException",
        f"Unsupported starting position for arn type: {rows.source_arn}",
    )
    poor = Deployment(rows.functions).deploy(KEEPS, Role="arn:aws:iam::000000000000:role/test")
    code, text = ask(FunctionName=poor)
    assert code == "InvalidParameterValueException"
    assert text.startswith(
        f"Cannot access stream {rows.source_arn}. Please ensure the role can perform the GetRecords, "
    )
