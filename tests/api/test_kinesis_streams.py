"""Kinesis as an unmodified client sees it: streams, shards, records, iterators."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.live_server import LiveServer
from fakes.waiting import eventually

LAST_KEY = (1 << 128) - 1
FIRST = "shardId-000000000000"
ACCOUNT = "000000000000"


@pytest.fixture
def kinesis(live_server: LiveServer) -> Any:
    return live_server.client("kinesis")


@pytest.fixture
def make(kinesis: Any) -> Callable[..., str]:
    def make(shards: int = 1) -> str:
        name = f"s-{uuid.uuid4().hex}"
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        return name

    return make


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error: Any = caught.value.response["Error"]
    return error["Code"], error["Message"]


def read(kinesis: Any, name: str, shard: str = FIRST, kind: str = "TRIM_HORIZON", **place: Any) -> Any:
    """One answer of GetRecords."""
    place = {"StreamName": name, "ShardId": shard, "ShardIteratorType": kind, **place}
    return kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**place)["ShardIterator"])


def texts(answer: Any) -> list[str]:
    return [record["Data"].decode() for record in answer["Records"]]


def test_records_come_back_in_the_order_in_which_they_were_put(kinesis: Any, make: Any) -> None:
    name = make()
    first = kinesis.put_record(StreamName=name, Data=b"\x00\xff", PartitionKey="a")
    assert first["ShardId"] == FIRST
    many = [{"Data": f"{number}".encode(), "PartitionKey": f"{number}"} for number in range(20)]
    answer = kinesis.put_records(StreamName=name, Records=many)
    assert (answer["FailedRecordCount"], len(answer["Records"])) == (0, 20)
    found = read(kinesis, name)
    assert [record["Data"] for record in found["Records"]] == [b"\x00\xff", *(each["Data"] for each in many)]
    numbers = [first["SequenceNumber"], *(each["SequenceNumber"] for each in answer["Records"])]
    assert [record["SequenceNumber"] for record in found["Records"]] == numbers == sorted(numbers)
    assert found["Records"][0]["PartitionKey"] == "a"
    assert abs((datetime.now(UTC) - found["Records"][0]["ApproximateArrivalTimestamp"]).total_seconds()) < 60
    assert found["MillisBehindLatest"] == 0
    assert kinesis.get_records(ShardIterator=found["NextShardIterator"])["Records"] == []


def test_an_iterator_begins_where_its_type_says(kinesis: Any, make: Any) -> None:
    name = make()
    before = datetime.now(UTC)
    numbers = [
        kinesis.put_record(StreamName=name, Data=text, PartitionKey="k")["SequenceNumber"]
        for text in (b"a", b"b", b"c")
    ]
    assert texts(read(kinesis, name, kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])) == ["b", "c"]
    assert texts(read(kinesis, name, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])) == ["c"]
    assert texts(read(kinesis, name, kind="AT_TIMESTAMP", Timestamp=before)) == ["a", "b", "c"]
    last = read(kinesis, name, kind="LATEST")
    assert texts(last) == []
    kinesis.put_record(StreamName=name, Data=b"d", PartitionKey="k")
    assert texts(kinesis.get_records(ShardIterator=last["NextShardIterator"])) == ["d"]
    place = {"StreamName": name, "ShardId": FIRST, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**place)["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator, Limit=2)["MillisBehindLatest"] >= 0
    kinds = refused(kinesis.get_shard_iterator, **{**place, "ShardIteratorType": "AT_SEQUENCE_NUMBER"})
    assert kinds == (
        "InvalidArgumentException",
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) "
        "TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified AT_SEQUENCE_NUMBER and no "
        "StartingSequenceNumber.",
    )
    assert refused(kinesis.get_shard_iterator, **{**place, "ShardId": "shardId-000000000007"}) == (
        "ResourceNotFoundException",
        f"Shard shardId-000000000007 in stream {name} under account {ACCOUNT} does not exist",
    )
    assert refused(kinesis.get_records, ShardIterator="nothing") == (
        "InvalidArgumentException",
        "Invalid ShardIterator.",
    )


def test_a_record_s_key_says_its_shard(kinesis: Any, make: Any) -> None:
    name = make(shards=4)
    ranges = {
        shard["ShardId"]: (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in kinesis.list_shards(StreamName=name)["Shards"]
    }
    bounds = sorted(ranges.values())
    assert (bounds[0][0], bounds[-1][1], len(bounds)) == (0, LAST_KEY, 4)
    assert all(one[1] + 1 == other[0] for one, other in pairwise(bounds))
    records = [{"Data": b"", "PartitionKey": f"key {number}"} for number in range(20)]
    records += [{"Data": b"", "PartitionKey": "k", "ExplicitHashKey": str(key)} for key in (0, LAST_KEY)]
    placed = kinesis.put_records(StreamName=name, Records=records)["Records"]
    for record, place in zip(records, placed, strict=True):
        digest = hashlib.md5(str(record["PartitionKey"]).encode()).hexdigest()
        key = int(str(record.get("ExplicitHashKey", int(digest, 16))))
        first, last = ranges[place["ShardId"]]
        assert first <= key <= last
    assert refused(
        kinesis.put_record, StreamName=name, Data=b"", PartitionKey="k", ExplicitHashKey=str(LAST_KEY + 1)
    ) == (
        "InvalidArgumentException",
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. "
        f"Specified value was {LAST_KEY + 1}",
    )  # fmt: skip


def test_shards_are_split_merged_and_counted_and_their_children_told(kinesis: Any, make: Any) -> None:
    name = make()
    kinesis.put_record(StreamName=name, Data=b"before", PartitionKey="k")
    middle = str(1 << 127)
    kinesis.split_shard(StreamName=name, ShardToSplit=FIRST, NewStartingHashKey=middle)
    parent, left, right = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"]
    assert "EndingSequenceNumber" in parent["SequenceNumberRange"]
    assert (left["ParentShardId"], right["ParentShardId"]) == (FIRST, FIRST)
    assert right["HashKeyRange"] == {"StartingHashKey": middle, "EndingHashKey": str(LAST_KEY)}
    placed = kinesis.put_record(StreamName=name, Data=b"after", PartitionKey="k", ExplicitHashKey="0")
    assert placed["ShardId"] == left["ShardId"]
    end = read(kinesis, name)
    assert texts(end) == ["before"]
    assert "NextShardIterator" not in end
    assert [child["ShardId"] for child in end["ChildShards"]] == [left["ShardId"], right["ShardId"]]
    assert texts(read(kinesis, name, left["ShardId"])) == ["after"]
    assert refused(kinesis.split_shard, StreamName=name, ShardToSplit=FIRST, NewStartingHashKey=middle) == (
        "ResourceInUseException",
        f"Shard {FIRST} in stream {name} under account {ACCOUNT} has already been merged or split, and thus is not "
        "eligible for merging or splitting.",
    )
    kinesis.merge_shards(StreamName=name, ShardToMerge=right["ShardId"], AdjacentShardToMerge=left["ShardId"])
    merged = kinesis.list_shards(StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    assert [(each["ParentShardId"], each["AdjacentParentShardId"]) for each in merged] == [
        (right["ShardId"], left["ShardId"])
    ]
    answer = kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (1, 2)
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"] == 2
    pages = [kinesis.list_shards(StreamName=name, MaxResults=4)]
    pages.append(kinesis.list_shards(NextToken=pages[0]["NextToken"]))
    assert [[shard["ShardId"][-1] for shard in page["Shards"]] for page in pages] == [list("0123"), list("45")]
    assert refused(kinesis.update_shard_count, StreamName=name, TargetShardCount=9, ScalingType="UNIFORM_SCALING")[
        0
    ] == ("LimitExceededException")


def test_streams_are_listed_tagged_kept_for_longer_and_deleted(kinesis: Any, make: Any) -> None:
    name = make()
    kinesis.create_stream(StreamName=f"{name}-od", StreamModeDetails={"StreamMode": "ON_DEMAND"}, Tags={"team": "a"})
    summary = kinesis.describe_stream_summary(StreamName=f"{name}-od")["StreamDescriptionSummary"]
    assert (summary["StreamModeDetails"]["StreamMode"], summary["OpenShardCount"]) == ("ON_DEMAND", 4)
    assert (summary["StreamStatus"], summary["RetentionPeriodHours"]) == ("ACTIVE", 24)
    pages = kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1})
    listed = [each for page in pages for each in page["StreamNames"]]
    assert {name, f"{name}-od"} <= set(listed) and listed == sorted(listed)
    arn = summary["StreamARN"]
    kinesis.add_tags_to_stream(StreamName=f"{name}-od", Tags={"stage": "b"})
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert kinesis.list_tags_for_stream(StreamARN=arn)["Tags"] == [{"Key": "stage", "Value": "b"}]
    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    assert kinesis.describe_stream(StreamName=name)["StreamDescription"]["RetentionPeriodHours"] == 48
    assert refused(kinesis.increase_stream_retention_period, StreamName=name, RetentionPeriodHours=25) == (
        "InvalidArgumentException",
        f"Requested retention period (25 hours) for stream {name} can not be shorter than existing retention period "
        "(48 hours). Use DecreaseRetentionPeriod API.",
    )
    kinesis.put_record(StreamARN=arn.replace("-od", ""), Data=b"a", PartitionKey="k")
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=FIRST, ShardIteratorType="TRIM_HORIZON")
    assert refused(kinesis.create_stream, StreamName=name, ShardCount=1) == (
        "ResourceInUseException",
        f"Stream {name} under account {ACCOUNT} already exists.",
    )
    kinesis.delete_stream(StreamName=name)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=name)
    assert refused(kinesis.put_record, StreamName=name, Data=b"", PartitionKey="k") == (
        "ResourceNotFoundException",
        f"Stream {name} under account {ACCOUNT} not found.",
    )
    kinesis.create_stream(StreamName=name, ShardCount=1)
    assert texts(read(kinesis, name)) == []
    assert refused(kinesis.get_records, ShardIterator=iterator["ShardIterator"])[0] == "ResourceNotFoundException"


def test_what_is_too_large_is_refused_in_kinesis_words(kinesis: Any, make: Any) -> None:
    name = make()
    kinesis.put_record(StreamName=name, Data=b"x" * 1_048_576, PartitionKey="k")
    assert refused(kinesis.put_record, StreamName=name, Data=b"x" * 1_048_577, PartitionKey="k") == (
        "ValidationException",
        "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1048577 cap=1048577]' at 'data' failed "
        "to satisfy constraint: Member must have length less than or equal to 1048576",
    )
    records = [{"Data": b"", "PartitionKey": "k"}] * 501
    code, text = refused(kinesis.put_records, StreamName=name, Records=records)
    assert code == "ValidationException"
    assert text.endswith("at 'records' failed to satisfy constraint: Member must have length less than or equal to 500")
    large = [{"Data": b"x" * 1_000_000, "PartitionKey": "k"}] * 11
    assert refused(kinesis.put_records, StreamName=name, Records=large) == (
        "InvalidArgumentException",
        "Records size exceeds 10 MB limit",
    )
    for operation, params in (
        ("start_stream_encryption", {"StreamName": name, "EncryptionType": "KMS", "KeyId": "k"}),
        ("enable_enhanced_monitoring", {"StreamName": name, "ShardLevelMetrics": ["ALL"]}),
    ):
        with pytest.raises(ClientError) as caught:
            getattr(kinesis, operation)(**params)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_consumer_is_told_of_records_as_they_come_and_of_the_shard_s_end(kinesis: Any, make: Any) -> None:
    name = make()
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    kinesis.put_record(StreamName=name, Data=b"before", PartitionKey="k")
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
    described = kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]
    assert (described["ConsumerStatus"], described["StreamARN"]) == ("ACTIVE", arn)
    assert kinesis.list_stream_consumers(StreamARN=arn)["Consumers"] == [consumer]
    place = {"ConsumerARN": consumer["ConsumerARN"], "ShardId": FIRST, "StartingPosition": {"Type": "TRIM_HORIZON"}}
    events = (event["SubscribeToShardEvent"] for event in kinesis.subscribe_to_shard(**place)["EventStream"])

    def next_texts() -> list[str]:
        return next(found for event in events if (found := texts(event)))

    assert next_texts() == ["before"]
    kinesis.put_record(StreamName=name, Data=b"pushed", PartitionKey="k")
    assert next_texts() == ["pushed"]
    assert refused(kinesis.subscribe_to_shard, **place)[0] == "ResourceInUseException"
    kinesis.split_shard(StreamName=name, ShardToSplit=FIRST, NewStartingHashKey=str(1 << 127))
    last = list(events)[-1]
    assert [child["ShardId"][-1] for child in last["ChildShards"]] == ["1", "2"]
    assert "ContinuationSequenceNumber" not in last
    assert refused(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="c") == (
        "ResourceInUseException",
        f"Consumer c under stream {arn} already exists for account {ACCOUNT}.",
    )
    assert refused(kinesis.delete_stream, StreamName=name)[0] == "ResourceInUseException"
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="c")
    assert refused(kinesis.describe_stream_consumer, ConsumerARN=consumer["ConsumerARN"]) == (
        "ResourceNotFoundException",
        f"Consumer c under stream {arn} not found for account {ACCOUNT}.",
    )


def test_who_may_not_read_a_stream_may_not_with_an_iterator_either(live_server: LiveServer, make: Any) -> None:
    name, iam = make(), live_server.client("iam")
    user = f"u-{uuid.uuid4().hex}"
    iam.create_user(UserName=user)
    arn = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    allowed = {"Effect": "Allow", "Action": ["kinesis:GetShardIterator", "kinesis:PutRecord"], "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    client = live_server.client("kinesis", access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"])
    client.put_record(StreamName=name, Data=b"", PartitionKey="k")
    place = {"StreamName": name, "ShardId": FIRST, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = client.get_shard_iterator(**place)["ShardIterator"]
    # One that is made up: it says another stream's name, which the user may read.
    other = make()
    iam.put_user_policy(
        UserName=user, PolicyName="o", PolicyDocument=policy.replace("PutRecord", "GetRecords").replace(name, other)
    )
    made_up = base64.urlsafe_b64encode(base64.urlsafe_b64decode(iterator).replace(name.encode(), other.encode()))
    client.get_records(ShardIterator=client.get_shard_iterator(**{**place, "StreamName": other})["ShardIterator"])
    assert refused(client.get_records, ShardIterator=made_up.decode()) == (
        "InvalidArgumentException",
        "Invalid ShardIterator.",
    )
    code, text = refused(client.get_records, ShardIterator=iterator)
    assert code == "AccessDeniedException"
    assert f"kinesis:GetRecords on resource: {arn}" in text


def test_a_rule_puts_what_happens_into_a_stream(live_server: LiveServer, kinesis: Any, make: Any) -> None:
    name, iam, events = make(), live_server.client("iam"), live_server.client("events")
    role = f"r-{uuid.uuid4().hex}"
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": "*"}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [statement]}) for statement in (trust, may)]
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=documents[1])
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    stream = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"
    answer = events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": stream, "RoleArn": arn}])
    assert answer["FailedEntryCount"] == 0
    events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": '{"n": 1}'}])
    (record,) = eventually(lambda: read(kinesis, name)["Records"], "the event to arrive")
    event = json.loads(record["Data"])
    assert (event["detail"], record["PartitionKey"]) == ({"n": 1}, event["id"])
    target = {"Id": "1", "Arn": stream, "RoleArn": arn, "KinesisParameters": {"PartitionKeyPath": "$.detail.who"}}
    events.put_targets(Rule=name, Targets=[target])
    assert events.list_targets_by_rule(Rule=name)["Targets"] == [target]
    for detail in ({"who": "ada"}, {"who": 7}, {"who": ""}, {"who": "é" * 300}, {}):
        events.put_events(Entries=[{"Source": name, "DetailType": "t", "Detail": json.dumps(detail)}])
    records = eventually(
        lambda: read(kinesis, name)["Records"][1:] if len(read(kinesis, name)["Records"]) == 6 else None,
        "all events to arrive",
    )
    keys = {json.dumps(json.loads(each["Data"])["detail"]): each["PartitionKey"] for each in records}
    own = {json.dumps(json.loads(each["Data"])["detail"]): json.loads(each["Data"])["id"] for each in records}
    assert (keys['{"who": "ada"}'], keys['{"who": 7}']) == ("ada", "7")
    assert (keys['{"who": ""}'], keys["{}"]) == (own['{"who": ""}'], own["{}"])
    assert keys[json.dumps({"who": "é" * 300})] == "é" * 256
    bad = [{**target, "KinesisParameters": {"PartitionKeyPath": "detail"}}]
    assert refused(events.put_targets, Rule=name, Targets=bad)[0] == "ValidationException"
