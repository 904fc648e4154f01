"""Tables, streams and their mappings after kill -9: one server, killed while all of them are busy."""

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from fakes.hearing import ID, Rows
from fakes.live_server import LiveServer, free_port
from fakes.waiting import eventually

FAILURES = (ClientError, BotoCoreError)


@dataclass
class Busy:
    """What was done to a server, as far as it was acknowledged, until it was killed and started again."""

    server: LiveServer
    rows: Rows
    transactions: set[int] = field(default_factory=set)
    records: dict[str, str] = field(default_factory=dict)
    # By the numbers of batches: items, messages that were sent, and of those the ones that were deleted.
    items: set[int] = field(default_factory=set)
    sent: set[int] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def book(self, number: int) -> None:
        """Three new items and a total, in one transaction."""
        names = [f"{number}-{side}" for side in range(3)]
        writes = [{"Update": _raised(name, 1)} for name in names] + [{"Update": _raised("total", 3)}]
        try:
            self.rows.dynamodb.transact_write_items(TransactItems=writes)
        except FAILURES:
            return
        self.transactions.add(number)

    def put(self, kinesis: Any, number: int) -> None:
        """Four records, in one request."""
        records = [{"Data": f"{number}-{part}", "PartitionKey": f"{part}"} for part in range(4)]
        try:
            answer = kinesis.put_records(StreamName="records", Records=records)
        except FAILURES:
            return
        for record, placed in zip(records, answer["Records"], strict=True):
            self.records[record["Data"]] = placed["SequenceNumber"]

    def batch(self, sqs: Any, number: int) -> None:
        """Four items in one request, then four messages, of which those that come back are deleted together."""
        names = [f"{number}-{part}" for part in range(4)]
        puts = [{"PutRequest": {"Item": {"id": {"S": name}}}} for name in names]
        try:
            left = self.rows.dynamodb.batch_write_item(RequestItems={"batches": puts})["UnprocessedItems"]
        except FAILURES:
            return
        if not left:
            self.items.add(number)
        url = sqs.get_queue_url(QueueName="batches")["QueueUrl"]
        try:
            entries = [{"Id": name, "MessageBody": name} for name in names]
            if sqs.send_message_batch(QueueUrl=url, Entries=entries).get("Failed"):
                return
            self.sent.add(number)
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2).get("Messages", [])
            handles = [{"Id": each["Body"], "ReceiptHandle": each["ReceiptHandle"]} for each in messages]
            done = sqs.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"] if handles else []
        except FAILURES:
            return
        self.deleted |= {each["Id"] for each in done}


def _raised(name: str, by: int) -> dict[str, Any]:
    values = {":by": {"N": str(by)}}
    update = {"UpdateExpression": "ADD n :by", "ExpressionAttributeValues": values}
    return {"TableName": "ledger", "Key": {"id": {"S": name}}, **update}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    server = LiveServer(data=tmp_path_factory.mktemp("killed"), port=free_port())
    server.start()
    busy = Busy(server=server, rows=Rows(server))
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    busy.rows.dynamodb.create_table(TableName="ledger", StreamSpecification=stream, **ID)
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName="records", ShardCount=2)
    busy.rows.dynamodb.create_table(TableName="batches", **ID)
    sqs = server.client("sqs")
    sqs.create_queue(QueueName="batches", Attributes={"VisibilityTimeout": "3600"})
    busy.rows.map(BatchSize=1)
    busy.rows.put("a", "b")
    eventually(lambda: busy.rows.names() == ["a", "b"], "the first changes to be heard")
    numbers, killed = itertools.count(), threading.Event()

    def work() -> None:
        while not killed.is_set():
            number = next(numbers)
            busy.book(number)
            busy.put(kinesis, number)
            busy.batch(sqs, number)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(work)
        eventually(lambda: len(busy.transactions) > 20 and len(busy.records) > 80, "some of it to be done")
        busy.rows.put(*"cdefgh")
        server.kill()
        killed.set()
    server.start()
    yield busy
    assert server.stop() == 0, server.log()


def test_a_transaction_was_done_or_was_not(busy: Busy) -> None:
    pages = busy.rows.dynamodb.get_paginator("scan").paginate(TableName="ledger")
    found = {item["id"]["S"]: item["n"]["N"] for page in pages for item in page["Items"]}
    total = int(found.pop("total"))
    done = {int(name.split("-")[0]) for name in found}
    assert len(found) == 3 * len(done) == total
    assert busy.transactions <= done
    # And the table's stream has what was done.
    table, streams = (
        busy.rows.dynamodb.describe_table(TableName="ledger")["Table"],
        busy.server.client("dynamodbstreams"),
    )
    arn = table["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    changes, iterator = 0, place["ShardIterator"]
    while records := (page := streams.get_records(ShardIterator=iterator))["Records"]:
        changes, iterator = changes + len(records), page["NextShardIterator"]
    assert changes == 4 * len(done)


def test_no_batch_that_was_acknowledged_is_lost(busy: Busy) -> None:
    pages = busy.rows.dynamodb.get_paginator("scan").paginate(TableName="batches", ConsistentRead=True)
    found = {item["id"]["S"] for page in pages for item in page["Items"]}
    assert busy.items
    assert {f"{number}-{part}" for number in busy.items for part in range(4)} <= found
    # What was received and not deleted is hidden for an hour.
    sqs = busy.server.client("sqs")
    url = sqs.get_queue_url(QueueName="batches")["QueueUrl"]
    seen: set[str] = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        seen |= {message["Body"] for message in messages}
    sent = {f"{number}-{part}" for number in busy.sent for part in range(4)}
    assert busy.sent
    assert not busy.deleted & seen
    # Each of the four threads had received two whose delete, or the answer to it, did not come through.
    assert len(sent - seen - busy.deleted) <= 8


def test_no_record_that_was_acknowledged_is_lost(busy: Busy) -> None:
    kinesis = busy.server.client("kinesis")
    found = {}
    for shard in kinesis.list_shards(StreamName="records")["Shards"]:
        place = {"StreamName": "records", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        answer = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**place)["ShardIterator"])
        found |= {record["Data"].decode(): record["SequenceNumber"] for record in answer["Records"]}
    assert busy.records.items() <= found.items()
    # Of one request all are there or none.
    assert len(found) == 4 * len({name.split("-")[0] for name in found})


def test_a_mapping_loses_no_change_and_goes_on_where_it_was(busy: Busy) -> None:
    busy.rows.put("z")
    eventually(lambda: "z" in busy.rows.names(), "the last change to be heard")
    names = busy.rows.names()
    assert set(names) == set("abcdefghz")
    # Only what ran when Stoker was killed comes twice, and what went well a moment before, perhaps.
    assert names == sorted(names)
    assert names.count("a") == 1
