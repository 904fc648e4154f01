"""What happens in a bucket is told to functions, queues, topics and buses."""

import json
import uuid
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer
from fakes.s3 import new_bucket, refusal


@pytest.fixture(scope="module")
def s3(live_server: LiveServer) -> Any:
    return live_server.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    return new_bucket(s3)


@pytest.fixture
def queue(live_server: LiveServer) -> WatchedQueue:
    return WatchedQueue(live_server, f"told-{uuid.uuid4().hex}")


def tell(s3: Any, bucket: str, **configuration: Any) -> None:
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


def to_queue(queue: WatchedQueue, *events: str, **rules: str) -> dict[str, Any]:
    filters = [{"Name": name, "Value": value} for name, value in rules.items()]
    return {"Id": "told", "QueueArn": queue.arn, "Events": list(events), "Filter": {"Key": {"FilterRules": filters}}}


def records(queue: WatchedQueue, count: int) -> list[dict[str, Any]]:
    found = [record for body in queue.bodies(count) for record in body["Records"]]
    return sorted(found, key=lambda record: record["s3"]["object"]["sequencer"])


def test_a_queue_hears_of_every_way_to_make_and_remove_an_object(s3: Any, bucket: str, queue: WatchedQueue) -> None:
    tell(s3, bucket, QueueConfigurations=[to_queue(queue, "s3:ObjectCreated:*", "s3:ObjectRemoved:*")])
    (test,) = queue.bodies()
    assert (test["Event"], test["Service"], test["Bucket"]) == ("s3:TestEvent", "Amazon S3", bucket)
    put = s3.put_object(Bucket=bucket, Key="a b/ü+.txt", Body=b"hello")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü+.txt"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    s3.delete_object(Bucket=bucket, Key="copy")
    told = records(queue, 4)
    assert {record["eventName"] for record in told} == {
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:Delete",
    }
    first = next(record for record in told if record["eventName"] == "ObjectCreated:Put")
    made = {"key": "a+b/%C3%BC%2B.txt", "size": 5, "eTag": put["ETag"].strip('"')}
    assert first["s3"]["object"].items() >= made.items()
    assert first["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    assert first["s3"]["configurationId"] == "told"
    assert (first["eventSource"], first["awsRegion"], first["eventVersion"]) == ("aws:s3", "us-east-1", "2.1")
    assert first["responseElements"]["x-amz-request-id"] == put["ResponseMetadata"]["RequestId"]
    removed = next(record for record in told if record["eventName"] == "ObjectRemoved:Delete")
    assert "size" not in removed["s3"]["object"]


def test_only_keys_that_are_asked_for_are_told(s3: Any, bucket: str, queue: WatchedQueue) -> None:
    tell(s3, bucket, QueueConfigurations=[to_queue(queue, "s3:ObjectCreated:Put", prefix="in/", Suffix=".jpg")])
    queue.bodies()
    for key in ("in/a.png", "out/a.jpg", "in/a.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [record["s3"]["object"]["key"] for record in records(queue, 1)] == ["in/a.jpg"]
    assert queue.is_empty()
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"][0]
    assert {rule["Name"]: rule["Value"] for rule in shown["Filter"]["Key"]["FilterRules"]} == {
        "Prefix": "in/",
        "Suffix": ".jpg",
    }


def test_a_delete_marker_and_tags_are_told(s3: Any, bucket: str, queue: WatchedQueue) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    tell(s3, bucket, QueueConfigurations=[to_queue(queue, "s3:ObjectRemoved:*", "s3:ObjectTagging:*")])
    queue.bodies()
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    told = {record["eventName"]: record["s3"]["object"]["versionId"] for record in records(queue, 2)}
    assert told == {"ObjectTagging:Put": version, "ObjectRemoved:DeleteMarkerCreated": marker}


def test_a_topic_and_a_bus_hear_of_it_too(live_server: LiveServer, s3: Any, bucket: str, queue: WatchedQueue) -> None:
    sns, events = live_server.client("sns"), live_server.client("events")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": topic}]}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
    other = WatchedQueue(live_server, f"bus-{uuid.uuid4().hex}")
    events.put_targets(Rule=bucket, Targets=[{"Id": "q", "Arn": other.arn}])
    topics = [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]
    tell(s3, bucket, TopicConfigurations=topics, EventBridgeConfiguration={})
    assert json.loads(queue.bodies()[0]["Message"])["Event"] == "s3:TestEvent"
    put = s3.put_object(Bucket=bucket, Key="k ü", Body=b"hello")
    (told,) = queue.bodies()
    assert told["Subject"] == "Amazon S3 Notification"
    assert json.loads(told["Message"])["Records"][0]["eventName"] == "ObjectCreated:Put"
    (event,) = other.bodies()
    assert (event["detail-type"], event["resources"]) == ("Object Created", [f"arn:aws:s3:::{bucket}"])
    assert event["detail"]["object"].items() >= {"key": "k ü", "size": 5, "etag": put["ETag"].strip('"')}.items()
    assert (event["detail"]["reason"], event["detail"]["version"]) == ("PutObject", "0")


def test_a_function_runs_when_a_file_arrives(
    live_server: LiveServer, s3: Any, lambda_client: Any, bucket: str, queue: WatchedQueue
) -> None:
    code = f"""
        import boto3, json
        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl={queue.url!r}, MessageBody=json.dumps(event))
    """
    name = Deployment(lambda_client).deploy(code)
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    wanted = [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
    refused = refusal(
        s3.put_bucket_notification_configuration,
        Bucket=bucket,
        NotificationConfiguration={"LambdaFunctionConfigurations": wanted},
    )
    assert refused == ("InvalidArgument", 400)
    lambda_client.add_permission(
        FunctionName=name,
        StatementId="bucket",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    tell(s3, bucket, LambdaFunctionConfigurations=wanted)
    s3.put_object(Bucket=bucket, Key="file", Body=b"12345")
    (record,) = records(queue, 1)
    assert record["s3"]["object"]["size"] == 5


def test_configurations_that_cannot_be_are_refused(
    live_server: LiveServer, s3: Any, bucket: str, queue: WatchedQueue
) -> None:
    def refused(**configuration: Any) -> tuple[str, int]:
        return refusal(s3.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=configuration)

    bad = ("InvalidArgument", 400)
    both = [to_queue(queue, "s3:ObjectCreated:*"), {**to_queue(queue, "s3:ObjectCreated:Put"), "Id": "other"}]
    assert refused(QueueConfigurations=both) == bad
    assert refused(QueueConfigurations=[to_queue(queue, "s3:Nothing:*")]) == bad
    assert refused(QueueConfigurations=[to_queue(queue, "s3:ObjectCreated:*", middle="x")]) == bad
    assert refused(QueueConfigurations=[{**to_queue(queue, "s3:ObjectCreated:*"), "QueueArn": f"{queue.arn}x"}]) == bad
    assert refused(QueueConfigurations=[to_queue(queue, "s3:Replication:*")]) == ("NotImplemented", 501)
    # A queue that does not let S3 in.
    sqs = live_server.client("sqs")
    url = sqs.create_queue(QueueName=f"closed-{uuid.uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert refused(QueueConfigurations=[{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]) == bad
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    tell(s3, bucket, QueueConfigurations=[to_queue(queue, "s3:ObjectCreated:*")])
    tell(s3, bucket)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
