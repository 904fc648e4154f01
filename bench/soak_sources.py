"""Queues, streams, tables and buckets that bring a function what is put into them: what was put, and what arrived.

A function says in its log which of them it has handled; a line is in the log once its invocation was answered. What it
could not handle has to be in the dead-letter queue of the queue, or where the function's failures go.
"""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from stoker_target import REGION, Stoker

ACCOUNT = "000000000000"
SINK = "soak-sink"
QUEUE, DEAD_LETTERS, STREAM, TABLE, BUCKET = "soak-in", "soak-in-dead", "soak-in", "soak-in", "soak-in"
# One in so many messages of the queue is one that the function cannot handle.
BAD_EVERY = 50
SOURCE = """
import base64
import json

def name_of(record):
    if "s3" in record:
        return record["s3"]["object"]["key"]
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record:
        return record["dynamodb"]["Keys"]["id"]["S"]
    return record["body"]

def handler(event, context):
    names = {name_of(record): record for record in event["Records"]}
    bad = [name for name in names if name.endswith("bad")]
    print("HANDLED", json.dumps([name for name in names if name not in bad]))
    return {"batchItemFailures": [{"itemIdentifier": names[name]["messageId"]} for name in bad]}
"""

Send = Callable[[Any, str], None]


class Sources:
    """One of each. `sends` has by the service's name what puts something of that name into it."""

    def __init__(self, stoker: Stoker) -> None:
        self._stoker = stoker
        self._queue = ""
        self.dead_letters = ""
        self.sends: dict[str, Send] = {
            "sqs": lambda client, name: client.send_message(QueueUrl=self._queue, MessageBody=name),
            "kinesis": lambda client, name: client.put_record(StreamName=STREAM, Data=name.encode(), PartitionKey=name),
            "dynamodb": lambda client, name: client.put_item(TableName=TABLE, Item={"id": {"S": name}}),
            "s3": lambda client, name: client.put_object(Bucket=BUCKET, Key=name, Body=b"soak"),
        }

    def prepare(self, failures: str) -> None:
        """Make them and the function. What it fails to take of the bucket goes to the queue with the ARN `failures`."""
        functions = self._stoker.client("lambda")
        self._stoker.deploy(SINK, SOURCE, runtime="python{}.{}".format(*sys.version_info[:2]), suffix=".py")
        functions.put_function_event_invoke_config(
            FunctionName=SINK, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": failures}}
        )
        arns = [self._make_queue(), self._make_stream(), self._make_table()]
        for arn in arns:
            more: dict[str, Any] = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
            if ":sqs:" not in arn:
                more = {"StartingPosition": "TRIM_HORIZON"}
            functions.create_event_source_mapping(FunctionName=SINK, EventSourceArn=arn, BatchSize=10, **more)
        self._make_bucket(functions)

    @staticmethod
    def names(service: str) -> Iterator[str]:
        """What to put into it, without end."""
        for number in itertools.count(1):
            bad = service == "sqs" and number % BAD_EVERY == 0
            yield f"{service}-{number}{'-bad' if bad else ''}"

    def handled(self) -> set[str]:
        """The names of what the function says it has handled."""
        pages = self._stoker.client("logs").get_paginator("filter_log_events")
        return {
            name
            for page in pages.paginate(logGroupName=f"/aws/lambda/{SINK}", filterPattern="HANDLED")
            for event in page["events"]
            for name in json.loads(event["message"].removeprefix("HANDLED "))
        }

    def _make_queue(self) -> str:
        sqs = self._stoker.client("sqs")
        self.dead_letters = sqs.create_queue(QueueName=DEAD_LETTERS)["QueueUrl"]
        redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{DEAD_LETTERS}", "maxReceiveCount": 5}
        # Not shorter than the function's timeout.
        attributes = {"VisibilityTimeout": "30", "RedrivePolicy": json.dumps(redrive)}
        self._queue = sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{QUEUE}"

    def _make_stream(self) -> str:
        kinesis = self._stoker.client("kinesis")
        kinesis.create_stream(StreamName=STREAM, ShardCount=2)
        kinesis.get_waiter("stream_exists").wait(StreamName=STREAM, WaiterConfig={"Delay": 1})
        arn: str = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
        return arn

    def _make_table(self) -> str:
        dynamodb = self._stoker.client("dynamodb")
        made = dynamodb.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        arn: str = made["TableDescription"]["LatestStreamArn"]
        return arn

    def _make_bucket(self, functions: Any) -> None:
        s3 = self._stoker.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        functions.add_permission(
            FunctionName=SINK,
            StatementId="bucket",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{BUCKET}",
        )
        told = {
            "LambdaFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{SINK}",
            "Events": ["s3:ObjectCreated:*"],
        }
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
        )
