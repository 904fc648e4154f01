"""Queues as their users see them: attributes, tags, policies, errors, and the older query protocol."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from fakes.live_server import ACCESS_KEY, REGION, SECRET_KEY, LiveServer

NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


@pytest.fixture
def sqs(live_server: LiveServer) -> Any:
    return live_server.client("sqs")


def unique(suffix: str = "") -> str:
    return f"q{uuid.uuid4().hex}{suffix}"


def refused(call: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: Any = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def form(server: LiveServer, path: str, **fields: str) -> tuple[int, ElementTree.Element]:
    """A form, as clients sent them before SQS went to json."""
    body = urlencode({"Version": "2012-11-05", **fields})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest(method="POST", url=f"{server.endpoint}{path}", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "sqs", REGION).add_auth(request)
    sent = urllib.request.Request(request.url, body.encode(), dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return answer.status, ElementTree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, ElementTree.fromstring(error.read())


def test_a_queue_s_address_is_under_the_endpoint(sqs: Any, live_server: LiveServer) -> None:
    name = unique()
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{live_server.endpoint}/000000000000/{name}"
    assert sqs.create_queue(QueueName=name)["QueueUrl"] == sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    elsewhere = live_server.client("sqs", region_name="eu-central-1")
    assert refused(lambda: elsewhere.get_queue_url(QueueName=name))[0] == "AWS.SimpleQueueService.NonExistentQueue"
    sqs.delete_queue(QueueUrl=url)
    assert refused(lambda: sqs.send_message(QueueUrl=url, MessageBody="x")) == (
        "AWS.SimpleQueueService.NonExistentQueue",
        400,
        "The specified queue does not exist.",
    )
    sqs.create_queue(QueueName=name)


def test_attributes_are_shown_with_what_holds_by_default(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=unique(".fifo"), Attributes={"FifoQueue": "true"}, tags={"a": "b"})["QueueUrl"]
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    expected = {
        "ContentBasedDeduplication": "false",
        "DeduplicationScope": "queue",
        "DelaySeconds": "0",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perQueue",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
    }
    assert expected.items() <= shown.items()
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0", "DelaySeconds": "7"})
    changed = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "DelaySeconds"])
    assert changed["Attributes"] == {"VisibilityTimeout": "0", "DelaySeconds": "7"}
    sqs.tag_queue(QueueUrl=url, Tags={"c": "d"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"c": "d"}


@pytest.mark.parametrize(
    ("name", "attributes", "code", "text"),
    [
        ("bad name", {}, "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores"),
        ("q", {"FifoQueue": "true"}, "InvalidParameterValue", "must end with .fifo suffix"),
        ("q", {"Colour": "red"}, "InvalidAttributeName", "Unknown Attribute Colour."),
        ("q", {"FifoQueue": "false"}, "InvalidAttributeName", "Unknown Attribute FifoQueue."),
        ("q", {"DelaySeconds": "901"}, "InvalidAttributeValue", "Invalid value for the parameter DelaySeconds."),
        ("q", {"Policy": "{"}, "InvalidAttributeValue", "Invalid value for the parameter Policy."),
        ("q", {"RedrivePolicy": "x"}, "InvalidParameterValue", "Redrive policy is not a valid JSON map."),
        (
            "q",
            {"RedrivePolicy": '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:no","maxReceiveCount":1}'},
            "InvalidParameterValue",
            "Dead letter target does not exist.",
        ),
    ],
)
def test_a_queue_that_cannot_be_is_refused_in_aws_s_words(
    sqs: Any, name: str, attributes: dict[str, str], code: str, text: str
) -> None:
    refusal = refused(lambda: sqs.create_queue(QueueName=name, Attributes=attributes))
    assert refusal[:2] == (code, 400)
    assert text in refusal[2]


def test_an_existing_queue_with_other_attributes_is_a_conflict(sqs: Any) -> None:
    name = unique()
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5"})
    assert refused(lambda: sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "6"})) == (
        "QueueAlreadyExists",
        400,
        "A queue already exists with the same name and a different value for attribute VisibilityTimeout",
    )


def test_a_dead_letter_queue_says_who_may_use_it(sqs: Any) -> None:
    dead = sqs.create_queue(QueueName=unique(), Attributes={"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'})
    arn = sqs.get_queue_attributes(QueueUrl=dead["QueueUrl"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    url = sqs.create_queue(QueueName=unique())["QueueUrl"]
    change = {"QueueUrl": url, "Attributes": {"RedrivePolicy": policy}}
    assert refused(lambda: sqs.set_queue_attributes(**change))[0] == "InvalidParameterValue"
    sqs.set_queue_attributes(QueueUrl=dead["QueueUrl"], Attributes={"RedriveAllowPolicy": ""})
    sqs.set_queue_attributes(**change)


def test_a_purge_empties_a_queue_and_another_one_has_to_wait(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=unique())["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="gone")
    sqs.purge_queue(QueueUrl=url)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="new")
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=url)["Messages"]] == ["new"]
    code, _, text = refused(lambda: sqs.purge_queue(QueueUrl=url))
    assert code == "AWS.SimpleQueueService.PurgeQueueInProgress"
    assert text.endswith("is allowed every 60 seconds.")


def test_permissions_are_statements_of_the_queue_s_policy(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=unique())["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.add_permission(QueueUrl=url, Label="friends", AWSAccountIds=["111111111111"], Actions=["SendMessage"])
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(policy)["Statement"] == [
        {
            "Sid": "friends",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "SQS:SendMessage",
            "Resource": arn,
        }
    ]
    sqs.remove_permission(QueueUrl=url, Label="friends")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])


def test_older_clients_send_forms_to_the_queue_s_own_address(live_server: LiveServer, sqs: Any) -> None:
    name = unique()
    fields = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "40"}
    status, created = form(live_server, "/", Action="CreateQueue", QueueName=name, **fields)
    assert status == 200
    assert created.findtext(f".//{NAMESPACE}QueueUrl") == sqs.get_queue_url(QueueName=name)["QueueUrl"]
    attribute = {
        "MessageAttribute.1.Name": "n",
        "MessageAttribute.1.Value.DataType": "Number",
        "MessageAttribute.1.Value.StringValue": "7",
    }
    path = f"/000000000000/{name}"
    form(live_server, path, Action="SendMessage", MessageBody="<old>", **attribute)
    asked = {"AttributeName.1": "All", "MessageAttributeName.1": "All"}
    _, received = form(live_server, path, Action="ReceiveMessage", **asked)
    (message,) = received.iter(f"{NAMESPACE}Message")
    assert message.findtext(f"{NAMESPACE}Body") == "<old>"
    assert message.findtext(f"{NAMESPACE}MessageAttribute/{NAMESPACE}Value/{NAMESPACE}StringValue") == "7"
    handle = message.findtext(f"{NAMESPACE}ReceiptHandle") or ""
    assert form(live_server, path, Action="DeleteMessage", ReceiptHandle=handle)[0] == 200


def test_older_clients_get_errors_by_the_names_they_know(live_server: LiveServer) -> None:
    status, answer = form(live_server, "/000000000000/nowhere", Action="SendMessage", MessageBody="x")
    assert status == 400
    assert answer.findtext(f".//{NAMESPACE}Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert answer.findtext(f".//{NAMESPACE}Type") == "Sender"
