"""Records of Kinesis streams start functions, with the client that everybody has."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.hearing import Hearing
from fakes.live_server import LiveServer
from fakes.waiting import eventually

FIRST = "shardId-000000000000"
ROLE = "arn:aws:iam::000000000000:role/e2e"


class Stream(Hearing):
    """A stream as the source."""

    def __init__(self, server: LiveServer, shards: int = 1) -> None:
        self.kinesis = server.client("kinesis")
        self.name = f"s-{uuid.uuid4().hex}"
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)
        super().__init__(server, f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.name}")

    def put(self, *texts: str, key: str = "k") -> list[str]:
        return [
            self.kinesis.put_record(StreamName=self.name, Data=text, PartitionKey=key)["SequenceNumber"]
            for text in texts
        ]

    def texts(self) -> list[str]:
        return [base64.b64decode(record["kinesis"]["data"]).decode() for record in self.records()]


def test_a_record_reaches_the_function_in_aws_s_shape(live_server: LiveServer) -> None:
    stream = Stream(live_server)
    made = stream.map()
    assert (made["BatchSize"], made["ParallelizationFactor"], made["StartingPosition"]) == (100, 1, "TRIM_HORIZON")
    (number,) = stream.put("hello")
    (record,) = eventually(stream.records, "the record to be heard")
    assert isinstance(record["kinesis"].pop("approximateArrivalTimestamp"), float)
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": number,
            "data": base64.b64encode(b"hello").decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{FIRST}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": ROLE,
        "awsRegion": "us-east-1",
        "eventSourceARN": stream.source_arn,
    }


def test_filters_see_what_is_in_a_record(live_server: LiveServer) -> None:
    stream = Stream(live_server)
    patterns = [{"data": {"size": [{"numeric": [">", 5]}]}, "partitionKey": ["wanted"]}, {"data": ["text"]}]
    stream.map(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]})
    stream.put('{"size": 7}', key="other")
    stream.put('{"size": 3}', '{"size": 8}', "other", "text", key="wanted")
    eventually(lambda: stream.texts() == ['{"size": 8}', "text"], "two records to be heard")


def test_a_split_shard_is_read_to_its_end_before_its_children(live_server: LiveServer) -> None:
    stream = Stream(live_server)
    stream.map(StartingPosition="LATEST", BatchSize=1)
    stream.put("a", "b", "c")
    stream.kinesis.split_shard(StreamName=stream.name, ShardToSplit=FIRST, NewStartingHashKey=str(1 << 127))
    stream.put("d")
    eventually(lambda: stream.texts() == ["a", "b", "c", "d"], "all to be heard")
    children = stream.kinesis.list_shards(StreamName=stream.name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    names = [child["ShardId"] for child in children]
    stream.kinesis.merge_shards(StreamName=stream.name, ShardToMerge=names[0], AdjacentShardToMerge=names[1])
    stream.put("e")
    eventually(lambda: stream.texts()[-1] == "e", "what is in the merged shard to be heard")
    assert stream.texts() == ["a", "b", "c", "d", "e"]


def test_a_function_counts_what_comes_in_a_window_by_the_state_that_it_hands_on(live_server: LiveServer) -> None:
    stream = Stream(live_server)
    stream.put(*"abcde")
    stream.map(TumblingWindowInSeconds=1, BatchSize=2)

    def last() -> list[Any]:
        return [event for event in stream.events() if event["isFinalInvokeForWindow"]]

    # However they fall into windows: each window's last invocation has its count, and no records.
    eventually(lambda: sum(event["state"]["count"] for event in last()) == 5, "all windows to be over")
    assert all(event["Records"] == [] and event["shardId"] == FIRST for event in last())
    assert all(event["window"]["start"] < event["window"]["end"] for event in last())
    assert stream.texts() == list("abcde")


def test_a_consumer_s_records_reach_the_function_with_its_arn(live_server: LiveServer) -> None:
    stream = Stream(live_server)
    consumer = stream.kinesis.register_stream_consumer(StreamARN=stream.source_arn, ConsumerName="c")["Consumer"]
    stream.source_arn = consumer["ConsumerARN"]
    stream.map()
    stream.put("hello")
    (record,) = eventually(stream.records, "the record to be heard")
    assert record["eventSourceARN"] == consumer["ConsumerARN"]


def test_a_stream_that_cannot_be_read_is_refused_in_lambda_s_words(live_server: LiveServer) -> None:
    stream = Stream(live_server)

    def refused(ask: Callable[..., Any], **params: Any) -> str:
        with pytest.raises(ClientError) as caught:
            ask(**params)
        error: Any = caught.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        return str(error["Message"])

    create = stream.functions.create_event_source_mapping
    given = {"FunctionName": stream.function, "StartingPosition": "LATEST"}
    absent = f"{stream.source_arn}-not"
    begins = {**given, "StartingPosition": "AT_TIMESTAMP"}
    assert refused(create, EventSourceArn=stream.source_arn, **begins) == "Need to specify a timestamp"
    assert refused(create, EventSourceArn=absent, **given) == f"Stream not found: {absent}"
    for arn, text in (
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", "The provided destination config DestinationConfig("),
        ("arn:aws:sqs:us-east-1:000000000000:lost.fifo", "The destination ARN arn:aws:sqs"),
        ("arn:aws:sns:us-east-1:000000000000:lost", "The provided execution role does not have permissions to call "),
    ):
        lost = {"DestinationConfig": {"OnFailure": {"Destination": arn}}}
        assert refused(create, EventSourceArn=stream.source_arn, **given, **lost).startswith(text)
    made = stream.map()
    too_many = {"UUID": made["UUID"], "TumblingWindowInSeconds": 5, "ParallelizationFactor": 2}
    assert "ParallelizationFactor must be 1" in refused(stream.functions.update_event_source_mapping, **too_many)
