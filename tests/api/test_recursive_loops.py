"""A function that causes its own next run by way of another service is stopped after sixteen, as AWS stops it."""

import json
import uuid
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer
from fakes.roles import LAMBDA_TRUST
from fakes.s3 import new_bucket

PUTS = """
    import boto3
    CLIENT = boto3.client("s3")
    def handler(event, context):
        print("RAN")
        CLIENT.put_object(Bucket=event["Records"][0]["s3"]["bucket"]["name"], Key="again", Body=b"")
"""
PUBLISHES = """
    import boto3
    CLIENT = boto3.client("sns")
    def handler(event, context):
        print("RAN")
        CLIENT.publish(TopicArn=event["Records"][0]["Sns"]["TopicArn"], Message="again")
"""
MAY = {"Effect": "Allow", "Action": ["s3:PutObject", "sns:Publish", "sqs:SendMessage"], "Resource": "*"}


class Loop:
    """A function whose failures go to a queue."""

    def __init__(self, server: LiveServer, code: str) -> None:
        self.server = server
        self.client = server.client("lambda")
        role = f"loops-{uuid.uuid4().hex[:8]}"
        iam = server.client("iam")
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=LAMBDA_TRUST)["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [MAY]}
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(policy))
        self.name = Deployment(self.client).deploy(code, Role=arn)
        self.arn = self.client.get_function_configuration(FunctionName=self.name)["FunctionArn"]
        self.stopped = WatchedQueue(server, f"stopped-{uuid.uuid4().hex}")
        self.client.put_function_event_invoke_config(
            FunctionName=self.name, DestinationConfig={"OnFailure": {"Destination": self.stopped.arn}}
        )

    def may_be_called_by(self, service: str, source: str) -> None:
        self.client.add_permission(
            FunctionName=self.name,
            StatementId="told",
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=source,
        )

    def ends_after(self) -> int:
        """Wait until what would be one run too many is told of; how many there were."""
        self.stopped.bodies(1)
        logs = self.server.client("logs")
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.name}", filterPattern="RAN")
        return len(found["events"])


@pytest.fixture
def loop_of(live_server: LiveServer) -> Any:
    return lambda code: Loop(live_server, code)


def test_a_function_that_writes_into_its_own_bucket_is_stopped(live_server: LiveServer, loop_of: Any) -> None:
    s3, loop = live_server.client("s3"), loop_of(PUTS)
    bucket = new_bucket(s3)
    loop.may_be_called_by("s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
    told = [{"LambdaFunctionArn": loop.arn, "Events": ["s3:ObjectCreated:*"]}]
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": told}
    )
    s3.put_object(Bucket=bucket, Key="first", Body=b"")
    assert loop.ends_after() == 16


def test_a_function_that_publishes_to_its_own_topic_is_stopped(live_server: LiveServer, loop_of: Any) -> None:
    sns, loop = live_server.client("sns"), loop_of(PUBLISHES)
    topic = sns.create_topic(Name=f"loops-{uuid.uuid4().hex[:8]}")["TopicArn"]
    loop.may_be_called_by("sns.amazonaws.com", topic)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=loop.arn)
    sns.publish(TopicArn=topic, Message="first")
    assert loop.ends_after() == 16
