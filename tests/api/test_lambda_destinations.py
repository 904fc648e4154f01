"""Results of asynchronous events in topics, buses and buckets, and dead letters in topics."""

import json
import re
import uuid
from typing import Any

import pytest

from fakes.deployment import Deployment
from fakes.destinations import WatchedQueue
from fakes.live_server import LiveServer
from fakes.roles import LAMBDA_TRUST
from fakes.s3 import content, new_bucket, refusal
from fakes.waiting import eventually

ANSWERS = """
    def handler(event, context):
        if event.get("fail"):
            raise ValueError("no way")
        return {"heard": event}
"""


@pytest.fixture(scope="module")
def role(live_server: LiveServer) -> str:
    """One that may send results to whatever can take them."""
    iam = live_server.client("iam")
    arn: str = iam.create_role(RoleName="tells-all", AssumeRolePolicyDocument=LAMBDA_TRUST)["Role"]["Arn"]
    actions = ["sns:Publish", "events:PutEvents", "s3:PutObject", "sqs:SendMessage"]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    iam.put_role_policy(RoleName="tells-all", PolicyName="tell", PolicyDocument=json.dumps(document))
    return arn


@pytest.fixture(scope="module")
def function(live_server: LiveServer, role: str) -> str:
    return Deployment(live_server.client("lambda")).deploy(ANSWERS, Role=role)


@pytest.fixture
def queue(live_server: LiveServer) -> WatchedQueue:
    return WatchedQueue(live_server, f"told-{uuid.uuid4().hex}")


def put_config(client: Any, function: str, **destinations: str) -> None:
    config = {name: {"Destination": arn} for name, arn in destinations.items()}
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0, DestinationConfig=config)


def invoke(client: Any, function: str, event: Any) -> str:
    answer = client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def topic_to(live_server: LiveServer, queue: WatchedQueue) -> str:
    sns = live_server.client("sns")
    topic: str = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    return topic


def test_a_topic_is_told_and_of_what_is_too_long_without_payloads(
    live_server: LiveServer, lambda_client: Any, function: str, queue: WatchedQueue
) -> None:
    put_config(lambda_client, function, OnSuccess=topic_to(live_server, queue))
    request_id = invoke(lambda_client, function, {"n": 1})
    told = json.loads(queue.bodies()[0]["Message"])
    assert told["requestContext"]["requestId"] == request_id
    assert (told["requestPayload"], told["responsePayload"]) == ({"n": 1}, {"heard": {"n": 1}})
    invoke(lambda_client, function, {"long": "x" * 200_000})
    short = json.loads(queue.bodies()[0]["Message"])
    assert "requestPayload" not in short and "responsePayload" not in short
    assert short["requestContext"]["condition"] == "Success"


def test_a_bus_gets_an_event_of_lambda(
    live_server: LiveServer, lambda_client: Any, function: str, queue: WatchedQueue
) -> None:
    events = live_server.client("events")
    name = f"bus-{uuid.uuid4().hex}"
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    pattern = {"source": ["lambda"], "detail": {"requestPayload": {"n": [2]}}}
    events.put_rule(Name="told", EventBusName=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="told", EventBusName=name, Targets=[{"Id": "queue", "Arn": queue.arn}])
    put_config(lambda_client, function, OnSuccess=bus, OnFailure=bus)
    invoke(lambda_client, function, {"n": 2})
    invoke(lambda_client, function, {"n": 2, "fail": True})
    told = sorted(queue.bodies(2), key=lambda event: event["detail-type"])
    kinds = [f"Lambda Function Invocation Result - {each}" for each in ("Failure", "Success")]
    assert [event["detail-type"] for event in told] == kinds
    function_arn = lambda_client.get_function_configuration(FunctionName=function)["FunctionArn"]
    assert told[1]["resources"] == [bus, f"{function_arn}:$LATEST"]
    assert told[0]["detail"]["responsePayload"]["errorMessage"] == "no way"
    assert {"id", "time", "account", "region", "version"} <= told[0].keys()


def test_a_bucket_keeps_what_failed(live_server: LiveServer, lambda_client: Any, function: str) -> None:
    s3 = live_server.client("s3")
    bucket = new_bucket(s3)
    put_config(lambda_client, function, OnFailure=f"arn:aws:s3:::{bucket}")
    request_id = invoke(lambda_client, function, {"fail": True})
    (kept,) = eventually(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"), "a record in the bucket")
    day = r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}"
    assert re.fullmatch(f"aws/lambda/async/{function}/{day}", kept["Key"])
    told = json.loads(content(s3, bucket, kept["Key"]))
    assert told["requestContext"]["requestId"] == request_id
    assert told["requestPayload"] == {"fail": True}


def test_an_event_that_failed_for_good_is_published_to_the_dead_letter_topic(
    live_server: LiveServer, lambda_client: Any, role: str, queue: WatchedQueue
) -> None:
    topic = topic_to(live_server, queue)
    name = Deployment(lambda_client).deploy(ANSWERS, Role=role, DeadLetterConfig={"TargetArn": topic})
    lambda_client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    request_id = invoke(lambda_client, name, {"fail": True})
    (told,) = queue.bodies()
    assert json.loads(told["Message"]) == {"fail": True}
    assert told["MessageAttributes"] == {
        "RequestID": {"Type": "String", "Value": request_id},
        "ErrorCode": {"Type": "Number", "Value": "200"},
        "ErrorMessage": {"Type": "String", "Value": "no way"},
    }


@pytest.mark.parametrize(
    ("arn", "call"),
    [
        ("arn:aws:sns:us-east-1:000000000000:t", "Publish on SNS"),
        ("arn:aws:events:us-east-1:000000000000:event-bus/b", "PutEvents on EventBridge"),
        ("arn:aws:s3:::some-bucket", "PutObject on S3"),
    ],
)
def test_a_role_that_may_not_tell_is_refused_beforehand(
    live_server: LiveServer, lambda_client: Any, arn: str, call: str
) -> None:
    name = f"mute-{uuid.uuid4().hex[:8]}"
    role = "arn:aws:iam::000000000000:role/lambda"
    Deployment(lambda_client).deploy(ANSWERS, FunctionName=name, Role=role)
    with pytest.raises(lambda_client.exceptions.InvalidParameterValueException, match=call):
        put_config(lambda_client, name, OnFailure=arn)
    if ":sns:" in arn:
        update = lambda_client.update_function_configuration
        code, _ = refusal(update, FunctionName=name, DeadLetterConfig={"TargetArn": arn})
        assert code == "InvalidParameterValueException"
