"""Messages that start functions, with the client that everybody has."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

TELLS = """
    import json
    def handler(event, context):
        print("GOT", json.dumps(event))
"""
FAILS_SOME = """
    import json
    def handler(event, context):
        print("GOT", json.dumps([[record["body"], record["receiptHandle"]] for record in event["Records"]]))
        bad = [record["messageId"] for record in event["Records"] if record["body"].startswith("bad")]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
"""
PASSES_ON = """
    import json, os
    import boto3
    sqs = boto3.client("sqs")
    def handler(event, context):
        for record in event["Records"]:
            sqs.send_message(QueueUrl=os.environ["TO"], MessageBody=record["body"].upper())
"""


@pytest.fixture
def deployment(lambda_client: Any) -> Deployment:
    return Deployment(lambda_client)


@pytest.fixture
def sqs(live_server: LiveServer) -> Any:
    return live_server.client("sqs")


@pytest.fixture
def queue(sqs: Any) -> Callable[..., tuple[str, str]]:
    def create(suffix: str = "", **attributes: str) -> tuple[str, str]:
        fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if suffix else {}
        name = f"q{uuid.uuid4().hex}{suffix}"
        url: str = sqs.create_queue(QueueName=name, Attributes={**fifo, **attributes})["QueueUrl"]
        return url, f"arn:aws:sqs:us-east-1:000000000000:{name}"

    return create


def heard(server: LiveServer, name: str) -> list[Any]:
    """What a function said that it got."""
    logs = server.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        messages = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(message[4:]) for message in messages if message.startswith("GOT ")]


def bodies_heard(server: LiveServer, name: str) -> list[str]:
    return [record["body"] for event in heard(server, name) for record in event["Records"]]


def enabled(client: Any, mapping: dict[str, Any]) -> dict[str, Any]:
    def look() -> Any:
        found = client.get_event_source_mapping(UUID=mapping["UUID"])
        return found if found["State"] == "Enabled" else None

    found: dict[str, Any] = eventually(look, "the mapping to be enabled")
    return found


def numbers(sqs: Any, url: str) -> tuple[str, str]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return attributes[names[0]], attributes[names[1]]


def received(sqs: Any, url: str) -> list[str]:
    """The bodies of what comes first."""
    asked = {"QueueUrl": url, "WaitTimeSeconds": 20}
    messages = eventually(lambda: sqs.receive_message(**asked).get("Messages"), "a message")
    return [message["Body"] for message in messages]


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: Any = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_message_reaches_the_function_in_aws_s_shape_and_is_deleted(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    url, arn = queue()
    name = deployment.deploy(TELLS)
    made = deployment.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (made["State"], made["StateTransitionReason"]) == ("Creating", "USER_INITIATED")
    assert (made["BatchSize"], made["MaximumBatchingWindowInSeconds"], made["FunctionResponseTypes"]) == (10, 0, [])
    assert made["FunctionArn"].endswith(f":function:{name}")
    enabled(deployment.client, made)
    attribute = {"kind": {"DataType": "Number", "StringValue": "1"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello", MessageAttributes=attribute)
    (event,) = eventually(lambda: heard(live_server, name), "the message to be heard")
    (record,) = event["Records"]
    assert set(record.pop("attributes")) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "messageAttributes": {
            "kind": {"stringValue": "1", "stringListValues": [], "binaryListValues": [], "dataType": "Number"}
        },
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }
    eventually(lambda: numbers(sqs, url) == ("0", "0"), "the message to be deleted")


def test_what_no_filter_matches_is_deleted_unseen(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    url, arn = queue()
    name = deployment.deploy(TELLS)
    deployment.client.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=name,
        FilterCriteria={"Filters": [{"Pattern": '{"body":{"size":[{"numeric":[">",5]}]}}'}]},
    )
    for body in ('{"size": 3}', "plain", '{"size": 7}'):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    eventually(lambda: bodies_heard(live_server, name) == ['{"size": 7}'], "the large one to be heard")
    eventually(lambda: numbers(sqs, url) == ("0", "0"), "all to be deleted")


def test_only_what_failed_comes_back_and_then_goes_to_the_dead_letter_queue(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    dead_url, dead_arn = queue()
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    url, arn = queue(VisibilityTimeout="600", RedrivePolicy=policy)
    name = deployment.deploy(FAILS_SOME)
    deployment.client.create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    entries = [{"Id": body, "MessageBody": body} for body in ("good1", "bad", "good2")]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def tries() -> list[list[str]]:
        return [each for event in heard(live_server, name) for each in event]

    for count in (1, 2):
        handles = eventually(
            lambda: [handle for body, handle in tries() if body == "bad"][count - 1 :],  # noqa: B023
            f"try {count}",
        )
        eventually(lambda: numbers(sqs, url) == ("0", "1"), "what went well to be deleted")
        # Its time is over at once, and not before: a function that starts slowly would have met it once more.
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handles[0], VisibilityTimeout=0)
    assert received(sqs, dead_url) == ["bad"]
    assert numbers(sqs, url) == ("0", "0")
    assert sorted(body for body, _ in tries()) == ["bad", "bad", "good1", "good2"]


def test_the_order_within_a_group_is_kept_when_it_fails(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    url, arn = queue(".fifo", VisibilityTimeout="600")
    code = """
        import json, os
        def handler(event, context):
            for record in event["Records"]:
                print("GOT", json.dumps({"Records": [record]}))
                if record["body"] == "1" and record["attributes"]["ApproximateReceiveCount"] == "1":
                    raise ValueError("once")
    """
    name = deployment.deploy(code)
    for body in ("0", "1", "2", "3"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    deployment.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=1)
    eventually(lambda: bodies_heard(live_server, name) == ["0", "1"], "one that fails")
    # Its time is over now, and not while the function still starts.
    failed = heard(live_server, name)[1]["Records"][0]["receiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=failed, VisibilityTimeout=0)
    eventually(lambda: bodies_heard(live_server, name) == ["0", "1", "1", "2", "3"], "all in their order")


@pytest.fixture
def role(live_server: LiveServer) -> str:
    """A role of functions that may use queues, and that lives on with the server."""
    iam, name = live_server.client("iam"), f"r{uuid.uuid4().hex}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(RoleName=name, PolicyName="queues", PolicyDocument=policy(may))
    arn: str = made["Role"]["Arn"]
    return arn


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_message_goes_from_one_queue_through_a_function_into_another(
    deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]], role: str
) -> None:
    (url, arn), (to, _) = queue(), queue()
    name = deployment.deploy(PASSES_ON, Environment={"Variables": {"TO": to}}, Role=role)
    deployment.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    sqs.send_message(QueueUrl=url, MessageBody="quiet")
    assert received(sqs, to) == ["QUIET"]


def test_a_mapping_is_disabled_enabled_and_deleted(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    url, arn = queue()
    name, client = deployment.deploy(TELLS), deployment.client
    made = client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, Enabled=False, Tags={"a": "b"})
    assert made["State"] == "Disabled"
    assert client.list_tags(Resource=made["EventSourceMappingArn"])["Tags"] == {"a": "b"}
    sqs.send_message(QueueUrl=url, MessageBody="waits")
    assert numbers(sqs, url) == ("1", "0")
    listed = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert [mapping["UUID"] for mapping in listed] == [made["UUID"]]
    changed = client.update_event_source_mapping(UUID=made["UUID"], Enabled=True, BatchSize=1)
    assert (changed["State"], changed["BatchSize"]) == ("Enabling", 1)
    eventually(lambda: bodies_heard(live_server, name) == ["waits"], "the message to be heard")
    enabled(client, made)
    assert client.delete_event_source_mapping(UUID=made["UUID"])["State"] == "Deleting"

    def gone() -> bool:
        try:
            client.get_event_source_mapping(UUID=made["UUID"])
        except client.exceptions.ResourceNotFoundException:
            return True
        return False

    eventually(gone, "the mapping to be gone")


def test_a_mapping_that_cannot_be_is_refused_in_aws_s_words(
    deployment: Deployment, queue: Callable[..., tuple[str, str]]
) -> None:
    (_, arn), name, client = queue(), deployment.deploy(TELLS), deployment.client
    invalid = "InvalidParameterValueException"

    def create(**params: Any) -> tuple[str, str]:
        return refused(
            lambda: client.create_event_source_mapping(**{"EventSourceArn": arn, "FunctionName": name, **params})
        )

    assert create(FunctionName="nobody") == (invalid, "Function does not exist")
    assert create(EventSourceArn="arn:aws:nothing:us-east-1:000000000000:x") == (invalid, "Unrecognized event source.")
    code, text = create(EventSourceArn=f"{arn}x")
    assert (code, text.split(".")[0]) == (invalid, "Error occurred while ReceiveMessage")
    assert create(BatchSize=11) == (
        invalid,
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
    )
    destination = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:x"}}
    assert create(DestinationConfig=destination) == (
        invalid,
        "Unsupported DestinationConfig parameter for given event source mapping type.",
    )
    assert create(FilterCriteria={"Filters": [{"Pattern": "simple string"}]}) == (
        invalid,
        "Invalid filter pattern definition.",
    )
    six = [{"Pattern": '{"body":{"size":[1]}}'}] * 6
    assert create(FilterCriteria={"Filters": six})[0] == invalid
    slow = deployment.deploy(TELLS, Timeout=31)
    assert create(FunctionName=slow) == (
        invalid,
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
    )
    made = client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, Enabled=False)
    assert create() == (
        "ResourceConflictException",
        f'An event source mapping with SQS arn (" {arn} ") and function (" {name} ") already exists. '
        f"Please update or delete the existing mapping with UUID {made['UUID']}",
    )


def test_a_batch_is_gathered_for_as_long_as_its_window(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]]
) -> None:
    url, arn = queue()
    name = deployment.deploy(TELLS)
    deployment.client.create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, BatchSize=25, MaximumBatchingWindowInSeconds=300
    )
    for n in range(25):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
    (event,) = eventually(lambda: heard(live_server, name), "the batch to be full")
    assert len(event["Records"]) == 25


def test_nothing_is_lost_when_the_server_is_killed(own_server: LiveServer) -> None:
    own_server.start()
    client, sqs = own_server.client("lambda"), own_server.client("sqs")
    deployment = Deployment(client)
    url = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
    name = deployment.deploy(TELLS, Timeout=2)
    arn = "arn:aws:sqs:us-east-1:000000000000:work"
    client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    sent = set()
    for n in range(60):
        sqs.send_message(QueueUrl=url, MessageBody=str(n))
        sent.add(str(n))
        if n == 30:
            own_server.kill()
            own_server.start()
    eventually(lambda: sent <= set(bodies_heard(own_server, name)), "all to be heard")


def test_a_function_that_feeds_its_own_queue_is_stopped_as_a_loop(
    live_server: LiveServer, deployment: Deployment, sqs: Any, queue: Callable[..., tuple[str, str]], role: str
) -> None:
    url, arn = queue(VisibilityTimeout="600")
    name = deployment.deploy(PASSES_ON, Environment={"Variables": {"TO": url}}, Role=role)
    deployment.client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name)
    sqs.send_message(QueueUrl=url, MessageBody="round and round")
    logs = live_server.client("logs")

    def runs() -> int:
        try:
            return len(logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="REPORT")["events"])
        except logs.exceptions.ResourceNotFoundException:
            return 0

    def stopped() -> bool:
        # The one that would be the seventeenth is in flight: it comes back, and goes nowhere.
        return runs() == 16 and numbers(sqs, url) == ("0", "1")

    eventually(stopped, "the loop to be stopped")
