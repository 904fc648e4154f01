"""Kinesis in CBOR, as Java's SDKs speak it unless they are told not to."""

import http.client
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer
from fakes.s3 import fetch

CBOR = "application/x-amz-cbor-1.1"
FIRST = "shardId-000000000000"
Ask = Callable[[str, Any], tuple[int, dict[str, str], Any]]


@pytest.fixture(scope="module")
def stream(live_server: LiveServer) -> Iterator[str]:
    kinesis, name = live_server.client("kinesis"), f"s-{uuid.uuid4().hex}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name)
    yield name
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def opened(answer: bytes) -> Any:
    """As Java's SDKs take it: a moment is the milliseconds that its tag holds, which others would take for seconds."""
    return cbor2.loads(answer, semantic_decoders={1: lambda value, _immutable=False: value})


def signed(server: LiveServer, operation: str, body: bytes) -> dict[str, str]:
    headers = {"content-type": CBOR, "x-amz-target": f"Kinesis_20131202.{operation}"}
    request = AWSRequest("POST", f"{server.endpoint}/", headers=headers, data=body)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "kinesis", REGION).add_auth(request)
    return dict(request.headers)


@pytest.fixture(scope="module")
def ask(live_server: LiveServer) -> Ask:
    def ask(operation: str, members: Any) -> tuple[int, dict[str, str], Any]:
        body = members if isinstance(members, bytes) else cbor2.dumps(members)
        headers = signed(live_server, operation, body)
        status, told, answer = fetch(f"{live_server.endpoint}/", "POST", body, headers)
        return status, told, opened(answer) if answer else {}

    return ask


def test_records_go_in_and_come_out_as_bytes_with_their_moment(ask: Ask, stream: str) -> None:
    before = int(time.time() * 1000)
    # A map of no stated length, as Jackson writes it.
    body = b"\xbfjStreamNamex" + bytes([len(stream)]) + stream.encode() + b"dDataD\x00\xff\xfe\x01lPartitionKeyak\xff"
    status, headers, put = ask("PutRecord", body)
    assert (status, headers["content-type"], put["ShardId"]) == (200, CBOR, FIRST)
    place = {"StreamName": stream, "ShardId": FIRST, "ShardIteratorType": "AT_TIMESTAMP"}
    _, _, iterator = ask("GetShardIterator", {**place, "Timestamp": cbor2.CBORTag(1, before - 1000)})
    _, _, got = ask("GetRecords", iterator)
    (record,) = got["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b"\x00\xff\xfe\x01", "k")
    arrived = record["ApproximateArrivalTimestamp"]
    assert isinstance(arrived, int) and before - 1 <= arrived <= time.time() * 1000 + 1


def test_an_operation_that_answers_nothing_and_one_that_is_refused(ask: Ask, stream: str) -> None:
    assert ask("AddTagsToStream", {"StreamName": stream, "Tags": {"a": "b"}})[0] == 200
    status, headers, error = ask("DescribeStreamSummary", {"StreamName": "no-such-stream"})
    assert (status, headers["content-type"], error["__type"]) == (400, CBOR, "ResourceNotFoundException")
    assert "no-such-stream" in error["message"]
    place = {"StreamName": stream, "ShardId": FIRST, "ShardIteratorType": "AT_TIMESTAMP"}
    for bad in (
        b"\xff",
        b"\x81" * 10_000,
        cbor2.dumps([1]),
        cbor2.dumps({**place, "Timestamp": cbor2.CBORTag(1, 1e300)}),
    ):
        status, headers, error = ask("GetShardIterator", bad)
        assert (status, headers["content-type"], error["__type"]) == (400, CBOR, "SerializationException")


def test_who_is_not_known_is_told_so_in_cbor(live_server: LiveServer, stream: str) -> None:
    body = cbor2.dumps({"StreamName": stream})
    headers = signed(live_server, "DescribeStreamSummary", body)
    status, told, answer = fetch(f"{live_server.endpoint}/", "POST", body + b"\xa0", headers)
    assert (status, told["content-type"]) == (403, CBOR)
    assert opened(answer)["__type"] == "InvalidSignatureException"


def test_a_subscription_s_events_are_cbor_too(live_server: LiveServer, ask: Ask, stream: str) -> None:
    arn = live_server.client("kinesis").describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
        "StreamARN"
    ]
    _, _, made = ask("RegisterStreamConsumer", {"StreamARN": arn, "ConsumerName": "c"})
    consumer = made["Consumer"]["ConsumerARN"]
    start = {"Type": "TRIM_HORIZON"}
    ask("PutRecord", {"StreamName": stream, "Data": b"\x00", "PartitionKey": "k"})
    body = cbor2.dumps({"ConsumerARN": consumer, "ShardId": FIRST, "StartingPosition": start})
    first, event = _two_messages(live_server, signed(live_server, "SubscribeToShard", body), body)
    assert (first.headers[":event-type"], event.headers[":event-type"]) == ("initial-response", "SubscribeToShardEvent")
    assert event.headers[":content-type"] == CBOR
    assert opened(event.payload)["Records"][-1]["Data"] == b"\x00"


def _two_messages(server: LiveServer, headers: dict[str, str], body: bytes) -> tuple[Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", "/", body, headers)
        answer, buffer, messages = connection.getresponse(), EventStreamBuffer(), []
        while len(messages) < 2:
            buffer.add_data(answer.read1())
            messages.extend(buffer)
        return messages[0], messages[1]
    finally:
        connection.close()
