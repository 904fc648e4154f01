"""DynamoDB's tables, indexes, streams and times to live, as an unmodified client sees them."""

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.live_server import LiveServer
from fakes.waiting import eventually

ID = {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
      "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip
BY_KIND = {
    "IndexName": "by-kind",
    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
KIND = {"AttributeName": "kind", "AttributeType": "S"}


@pytest.fixture
def dynamodb(live_server: LiveServer) -> Any:
    return live_server.client("dynamodb")


@pytest.fixture
def streams(live_server: LiveServer) -> Any:
    return live_server.client("dynamodbstreams")


@pytest.fixture
def make(dynamodb: Any) -> Callable[..., str]:
    def make(**settings: Any) -> str:
        name = f"t-{uuid.uuid4().hex}"
        dynamodb.create_table(TableName=name, **{**ID, **settings})
        return name

    return make


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error: Any = caught.value.response["Error"]
    return error["Code"], error["Message"]


def changes(streams: Any, arn: str, kind: str = "TRIM_HORIZON", **place: Any) -> tuple[list[dict[str, Any]], Any]:
    """What a stream has from a place on, and its next iterator."""
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    place = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind, **place}
    answer = streams.get_records(ShardIterator=streams.get_shard_iterator(**place)["ShardIterator"])
    return answer["Records"], answer.get("NextShardIterator")


def test_a_global_index_that_is_added_later_gets_what_was_there_and_what_comes(dynamodb: Any, make: Any) -> None:
    table = make()
    for start in range(0, 250, 25):
        puts = [
            {"PutRequest": {"Item": {"id": {"S": f"{number}"}, "kind": {"S": "even" if number % 2 == 0 else "odd"}}}}
            for number in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})
    create = [{"Create": BY_KIND}]
    answer = dynamodb.update_table(TableName=table, AttributeDefinitions=[KIND], GlobalSecondaryIndexUpdates=create)
    assert answer["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    dynamodb.put_item(TableName=table, Item={"id": {"S": "new"}, "kind": {"S": "odd"}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "1"}})

    def status() -> str:
        found: str = dynamodb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"]
        return found

    eventually(lambda: status() == "ACTIVE", "the index to be filled")
    query = {"TableName": table, "IndexName": "by-kind", "KeyConditionExpression": "kind = :kind"}
    odd = dynamodb.query(**query, ExpressionAttributeValues={":kind": {"S": "odd"}})["Items"]
    assert {item["id"]["S"] for item in odd} == {f"{number}" for number in range(3, 250, 2)} | {"new"}
    assert refused(
        dynamodb.put_item, TableName=table, Item={"id": {"S": "bad"}, "kind": {"N": "1"}}
    ) == (
        "ValidationException",
        "One or more parameter values were invalid: Type mismatch for Index Key kind Expected: S Actual: N "
        "IndexName: by-kind",
    )  # fmt: skip
    dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}])
    assert "GlobalSecondaryIndexes" not in dynamodb.describe_table(TableName=table)["Table"]
    assert refused(dynamodb.query, **query, ExpressionAttributeValues={":kind": {"S": "odd"}}) == (
        "ValidationException",
        "The table does not have the specified index: by-kind",
    )
    dynamodb.put_item(TableName=table, Item={"id": {"S": "bad"}, "kind": {"N": "1"}})


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
def test_a_stream_shows_what_its_view_type_says(dynamodb: Any, streams: Any, make: Any, view: str) -> None:
    table = make(StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    for number in ("1", "2", "2"):
        dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "n": {"N": number}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})
    dynamodb.delete_item(TableName=table, Key={"id": {"S": "a"}})
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    records, following = changes(streams, arn)
    # What changes nothing is no change.
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    shown = [
        {name: image["n"]["N"] for name in ("OldImage", "NewImage") if (image := record["dynamodb"].get(name))}
        for record in records
    ]
    old, new = view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"), view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
    assert shown == [
        {**({"NewImage": "1"} if new else {})},
        {**({"OldImage": "1"} if old else {}), **({"NewImage": "2"} if new else {})},
        {**({"OldImage": "2"} if old else {})},
    ]
    second = records[1]["dynamodb"]["SequenceNumber"]
    assert changes(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=second)[0] == records[1:]
    assert changes(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second)[0] == records[2:]
    assert changes(streams, arn, "LATEST")[0] == []
    assert streams.get_records(ShardIterator=following)["Records"] == []
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    last = streams.get_records(ShardIterator=following)
    assert (last["Records"], "NextShardIterator" in last) == ([], False)
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"


def test_an_item_whose_time_has_come_goes_as_the_service_s_deletion(dynamodb: Any, streams: Any, make: Any) -> None:
    table = make(StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "before"}, "ends": {"N": f"{int(time.time()) - 5}"}})
    ttl = {"TableName": table, "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True}}
    dynamodb.update_time_to_live(**ttl)
    described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    assert refused(dynamodb.update_time_to_live, **ttl) == ("ValidationException", "TimeToLive is already enabled")
    for name, ends in (("soon", time.time() + 1), ("late", time.time() + 3600), ("ancient", 1)):
        dynamodb.put_item(TableName=table, Item={"id": {"S": name}, "ends": {"N": f"{int(ends)}"}})
    dynamodb.put_item(TableName=table, Item={"id": {"S": "text"}, "ends": {"S": "0"}})

    def left() -> set[str]:
        return {item["id"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}

    # What ended more than five years ago was not meant as a time.
    eventually(lambda: left() == {"late", "ancient", "text"}, "two items to end")
    records, _ = changes(streams, dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"])
    gone = [record for record in records if record["eventName"] == "REMOVE"]
    assert {record["dynamodb"]["Keys"]["id"]["S"] for record in gone} == {"before", "soon"}
    assert {json.dumps(record["userIdentity"], sort_keys=True) for record in gone} == {
        '{"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}'
    }


def test_tables_are_listed_tagged_protected_and_deleted(dynamodb: Any, make: Any) -> None:
    tags = [{"Key": "team", "Value": "a"}]
    table = make(Tags=tags, DeletionProtectionEnabled=True)
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == tags
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "b"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "b"}]
    pages = dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
    names = [name for page in pages for name in page["TableNames"]]
    assert table in names and names == sorted(names)
    assert refused(dynamodb.delete_table, TableName=table) == (
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
    )
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.put_item(TableName=arn, Item={"id": {"S": "by its ARN"}})
    assert dynamodb.delete_table(TableName=table)["TableDescription"]["TableStatus"] == "DELETING"
    assert refused(dynamodb.describe_table, TableName=table) == (
        "ResourceNotFoundException",
        f"Requested resource not found: Table: {table} not found",
    )
    assert refused(dynamodb.get_item, TableName=table, Key={"id": {"S": "a"}}) == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )
    dynamodb.create_table(TableName=table, **ID)
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_provisioned_units_are_what_a_table_may_consume(dynamodb: Any, make: Any) -> None:
    least = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    table = make(BillingMode="PROVISIONED", ProvisionedThroughput=least)
    large = {"id": {"S": "a"}, "large": {"S": "x" * 300_000}}
    # What five minutes without use saved up is used first.
    for _ in range(2):
        dynamodb.put_item(TableName=table, Item=large)
    code, text = refused(dynamodb.put_item, TableName=table, Item=large)
    assert code == "ProvisionedThroughputExceededException"
    assert text.startswith("The level of configured provisioned throughput for the table was exceeded.")
    code, _ = refused(dynamodb.batch_write_item, RequestItems={table: [{"PutRequest": {"Item": large}}]})
    assert code == "ProvisionedThroughputExceededException"
    other = make()
    both = {name: [{"PutRequest": {"Item": {"id": {"S": "a"}}}}] for name in (table, other)}
    assert dynamodb.batch_write_item(RequestItems=both)["UnprocessedItems"] == {table: both[table]}
    dynamodb.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")
    dynamodb.put_item(TableName=table, Item=large)
    summary = dynamodb.describe_table(TableName=table)["Table"]["BillingModeSummary"]
    assert summary["BillingMode"] == "PAY_PER_REQUEST"


def test_a_batch_that_is_too_large_for_an_answer_is_told_what_is_left(dynamodb: Any, make: Any) -> None:
    table = make()
    with ThreadPoolExecutor(4) as pool:
        for number in range(43):
            item = {"id": {"S": f"{number}"}, "large": {"S": "x" * 400_000}}
            pool.submit(dynamodb.put_item, TableName=table, Item=item)
    wanted = {"Keys": [{"id": {"S": f"{number}"}} for number in range(43)], "ProjectionExpression": "id"}
    answer = dynamodb.batch_get_item(RequestItems={table: wanted})
    left = answer["UnprocessedKeys"][table]
    assert (len(answer["Responses"][table]), len(left["Keys"])) == (42, 1)
    rest = dynamodb.batch_get_item(RequestItems=answer["UnprocessedKeys"])
    assert rest["Responses"][table] == left["Keys"] and rest["UnprocessedKeys"] == {}


def test_what_a_table_cannot_be_is_refused_in_dynamodb_s_words(dynamodb: Any, make: Any) -> None:
    table = make()

    def ask(**settings: Any) -> str:
        params = {"TableName": "new-table", **ID, **settings}
        code, text = refused(dynamodb.create_table, **{name: value for name, value in params.items() if value})
        assert code == "ValidationException"
        return text

    assert refused(dynamodb.create_table, TableName=table, **ID) == (
        "ResourceInUseException",
        f"Table already exists: {table}",
    )
    assert ask(BillingMode="PROVISIONED") == (
        "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified "
        "when BillingMode is PROVISIONED"
    )
    assert ask(AttributeDefinitions=[KIND]) == (
        "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. "
        "Keys: [id], AttributeDefinitions: [kind]"
    )
    assert ask(AttributeDefinitions=[*ID["AttributeDefinitions"], KIND]) == (
        "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of "
        "attributes defined in AttributeDefinitions"
    )
    local = {**BY_KIND, "KeySchema": [*ID["KeySchema"], {"AttributeName": "kind", "KeyType": "RANGE"}]}
    definitions = [*ID["AttributeDefinitions"], KIND]
    assert ask(LocalSecondaryIndexes=[local], AttributeDefinitions=definitions) == (
        "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required when "
        "specifying a LocalSecondaryIndex"
    )
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40_000


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("create_backup", {"TableName": "a-table", "BackupName": "a-backup"}),
        ("execute_statement", {"Statement": "SELECT * FROM t"}),
        ("describe_table_replica_auto_scaling", {"TableName": "a-table"}),
    ],
)
def test_what_is_not_built_says_so(dynamodb: Any, operation: str, params: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(dynamodb, operation)(**params)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_what_no_table_has_is_told_as_aws_tells_it(dynamodb: Any, make: Any) -> None:
    name = make()
    streaming = dynamodb.describe_kinesis_streaming_destination(TableName=name)
    assert (streaming["TableName"], streaming["KinesisDataStreamDestinations"]) == (name, [])
    assert dynamodb.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "DISABLED"
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    assert refused(dynamodb.get_resource_policy, ResourceArn=arn)[0] == "PolicyNotFoundException"
    dynamodb.delete_resource_policy(ResourceArn=arn)
    gone = refused(dynamodb.delete_resource_policy, ResourceArn=arn, ExpectedRevisionId="1")
    assert gone[0] == "PolicyNotFoundException"
    for call in (dynamodb.describe_kinesis_streaming_destination, dynamodb.describe_contributor_insights):
        assert refused(call, TableName="no-such-table")[0] == "ResourceNotFoundException"
    assert refused(dynamodb.get_resource_policy, ResourceArn=arn + "x")[0] == "ResourceNotFoundException"
