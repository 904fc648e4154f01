"""SNS as boto3 sees it."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from fakes.destinations import WatchedQueue
from fakes.http_endpoint import http_endpoint
from fakes.live_server import LiveServer, free_port
from fakes.waiting import eventually


@pytest.fixture
def sns(live_server: LiveServer) -> Any:
    return live_server.client("sns")


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that may call endpoints on this machine."""
    server = LiveServer(data=tmp_path_factory.mktemp("sns"), port=free_port(), options=["--loopback-endpoints"])
    server.start()
    yield server
    assert server.stop() == 0, server.log()


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def subscribed(sns: Any, queue: WatchedQueue, topic: str, **attributes: str) -> str:
    arn: str = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes)[
        "SubscriptionArn"
    ]
    return arn


def test_a_message_reaches_a_queue_in_aws_s_envelope_and_its_signature_holds(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-envelope")["TopicArn"]
    queue = WatchedQueue(live_server, "sns-envelope")
    subscribed(sns, queue, topic)
    attributes = {"kind": {"DataType": "String", "StringValue": "x"}}
    sent = sns.publish(TopicArn=topic, Message="hé", Subject="s", MessageAttributes=attributes)
    (body,) = queue.bodies()
    assert body["MessageId"] == sent["MessageId"]
    assert (body["Type"], body["TopicArn"], body["Subject"], body["Message"]) == ("Notification", topic, "s", "hé")
    assert body["MessageAttributes"] == {"kind": {"Type": "String", "Value": "x"}}
    pem = urllib.request.urlopen(body["SigningCertURL"]).read()
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    text = "".join(f"{name}\n{body[name]}\n" for name in names).encode()
    key.verify(base64.b64decode(body["Signature"]), text, padding.PKCS1v15(), hashes.SHA1())


def test_a_raw_message_has_its_attributes_in_the_queue(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-raw")["TopicArn"]
    queue = WatchedQueue(live_server, "sns-raw")
    subscribed(sns, queue, topic, RawMessageDelivery="true")
    attributes = {
        "n": {"DataType": "Number", "StringValue": "1.5"},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=topic, Message="plain", MessageAttributes=attributes)
    (message,) = queue.messages()
    assert message["Body"] == "plain"
    assert message["MessageAttributes"] == attributes


def test_filters_choose_by_attributes_or_by_the_body(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-filters")["TopicArn"]
    by_attribute, by_body = (WatchedQueue(live_server, f"sns-filters-{name}") for name in "ab")
    subscribed(sns, by_attribute, topic, FilterPolicy='{"n": [{"numeric": [">", 1]}], "tags": ["x"]}')
    subscribed(sns, by_body, topic, FilterPolicy='{"a": {"b": [{"prefix": "c"}]}}', FilterPolicyScope="MessageBody")
    tags = {"DataType": "String.Array", "StringValue": '["x", "y"]'}
    for n in ("1", "2"):
        number = {"DataType": "Number", "StringValue": n}
        sns.publish(TopicArn=topic, Message=n, MessageAttributes={"n": number, "tags": tags})
    sns.publish(TopicArn=topic, Message='{"a": {"b": "x"}}')
    sns.publish(TopicArn=topic, Message='{"a": {"b": "cd"}}')
    assert [body["Message"] for body in by_attribute.bodies()] == ["2"]
    assert [body["Message"] for body in by_body.bodies()] == ['{"a": {"b": "cd"}}']
    assert by_attribute.is_empty()
    assert by_body.is_empty()


def test_a_message_can_differ_by_protocol(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-structure")["TopicArn"]
    queue = WatchedQueue(live_server, "sns-structure")
    subscribed(sns, queue, topic)
    sns.publish(TopicArn=topic, MessageStructure="json", Message='{"default": "d", "sqs": "q"}')
    assert [body["Message"] for body in queue.bodies()] == ["q"]


def test_a_fifo_topic_keeps_order_and_forgets_doubles(live_server: LiveServer, sns: Any) -> None:
    made = sns.create_topic(Name="sns.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})
    topic = made["TopicArn"]
    queue = WatchedQueue(live_server, "sns.fifo", FifoQueue="true")
    subscribed(sns, queue, topic, RawMessageDelivery="true")
    told = [sns.publish(TopicArn=topic, Message=f"{n}", MessageGroupId="g") for n in (0, 1, 1, 2, 3)]
    assert told[1]["MessageId"] == told[2]["MessageId"]
    numbers = [each["SequenceNumber"] for each in told]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 4
    assert [message["Body"] for message in queue.messages(4)] == ["0", "1", "2", "3"]
    assert queue.is_empty()


def test_doubles_may_have_to_be_of_one_group(live_server: LiveServer, sns: Any) -> None:
    fifo = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="sns-scope.fifo", Attributes={**fifo, "FifoThroughputScope": "Topic"})["TopicArn"]

    def told(group: str) -> str:
        return str(sns.publish(TopicArn=topic, Message="m", MessageGroupId=group)["MessageId"])

    assert told("a") == told("b")
    scope = {"TopicArn": topic, "AttributeName": "FifoThroughputScope"}
    sns.set_topic_attributes(**scope, AttributeValue="MessageGroup")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["FifoThroughputScope"] == "MessageGroup"
    assert told("a") == told("a") != told("b")
    assert refused(sns.set_topic_attributes, **scope, AttributeValue="Region")[0] == "InvalidParameter"
    plain = sns.create_topic(Name="sns-scope")["TopicArn"]
    wrong = {**scope, "TopicArn": plain, "AttributeValue": "Topic"}
    assert refused(sns.set_topic_attributes, **wrong)[0] == "InvalidParameter"


def test_entries_of_a_batch_fail_alone(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-batch")["TopicArn"]
    queue = WatchedQueue(live_server, "sns-batch")
    subscribed(sns, queue, topic, RawMessageDelivery="true")
    entries = [{"Id": "a", "Message": "1"}, {"Id": "b", "Message": "2", "Subject": "\n"}, {"Id": "c", "Message": "3"}]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [each["Id"] for each in answer["Successful"]] == ["a", "c"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("b", "InvalidParameter")]
    assert sorted(message["Body"] for message in queue.messages(2)) == ["1", "3"]
    twice = [{"Id": "a", "Message": "1"}] * 2
    assert refused(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=twice)[0] == "BatchEntryIdsNotDistinct"


def test_what_a_queue_cannot_take_goes_to_the_subscription_s_dead_letter_queue(
    live_server: LiveServer, sns: Any
) -> None:
    topic = sns.create_topic(Name="sns-dead")["TopicArn"]
    dead = WatchedQueue(live_server, "sns-dead")
    gone = dead.arn.replace("sns-dead", "sns-gone")
    policy = json.dumps({"deadLetterTargetArn": dead.arn})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=gone, Attributes={"RedrivePolicy": policy})
    sns.publish(TopicArn=topic, Message="lost")
    assert [body["Message"] for body in dead.bodies()] == ["lost"]


def test_topics_and_subscriptions_are_shown_changed_and_ended(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-shown", Attributes={"DisplayName": "d"}, Tags=[{"Key": "a", "Value": "b"}])[
        "TopicArn"
    ]
    assert topic == "arn:aws:sns:us-east-1:000000000000:sns-shown"
    assert sns.create_topic(Name="sns-shown")["TopicArn"] == topic
    queue = WatchedQueue(live_server, "sns-shown")
    arn = subscribed(sns, queue, topic, FilterPolicy='{"a": ["b"]}')
    assert subscribed(sns, queue, topic) == arn
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["PendingConfirmation"], shown["FilterPolicyScope"]) == ("false", "MessageAttributes")
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["RawMessageDelivery"] == "true"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="e")
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["DisplayName"], attributes["SubscriptionsConfirmed"]) == ("e", "1")
    sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=["111111111111"], ActionName=["Publish"])
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["__default_statement_ID", "l"]
    sns.remove_permission(TopicArn=topic, Label="l")
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "c", "Value": "d"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "c", "Value": "d"}]
    assert {"TopicArn": topic} in sns.list_topics()["Topics"]
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"]) == (arn, queue.arn)
    sns.unsubscribe(SubscriptionArn=arn)
    assert refused(sns.get_subscription_attributes, SubscriptionArn=arn) == ("NotFound", "Subscription does not exist")
    sns.delete_topic(TopicArn=topic)
    assert refused(sns.publish, TopicArn=topic, Message="m") == ("NotFound", "Topic does not exist")


@pytest.mark.parametrize(
    ("operation", "params", "code", "message"),
    [
        ("create_topic", {"Name": "no spaces"}, "InvalidParameter", "Invalid parameter: Topic Name"),
        ("create_topic", {"Name": "x", "Attributes": {"FifoTopic": "true"}}, "InvalidParameter", "Fifo Topic names"),
        ("create_topic", {"Name": "x", "Attributes": {"KmsMasterKeyId": "k"}}, "NotImplemented", "KmsMasterKeyId"),
        ("subscribe", {"Protocol": "email", "Endpoint": "a@b"}, "NotImplemented", "email"),
        ("subscribe", {"Protocol": "gopher", "Endpoint": "a"}, "InvalidParameter", "gopher"),
        ("subscribe", {"Protocol": "sqs", "Endpoint": "a"}, "InvalidParameter", "SQS endpoint ARN"),
        (
            "subscribe",
            {"Protocol": "http", "Endpoint": "https://a"},
            "InvalidParameter",
            "match the specified protocol",
        ),
        ("publish", {"Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        ("publish", {"Message": "x" * 262_145}, "InvalidParameter", "Invalid parameter: Message too long"),
        ("publish", {"Message": "m", "Subject": "a\nb"}, "InvalidParameter", "Invalid parameter: Subject"),
        ("publish", {"Message": "{}", "MessageStructure": "json"}, "InvalidParameter", "No default entry"),
        ("publish", {"Message": "m", "MessageDeduplicationId": "d"}, "InvalidParameter", "MessageDeduplicationId"),
    ],
)
def test_what_is_wrong_is_said_in_aws_s_words(
    sns: Any, operation: str, params: dict[str, Any], code: str, message: str
) -> None:
    if operation != "create_topic":
        params = {"TopicArn": sns.create_topic(Name="sns-refuses")["TopicArn"], **params}
    found = refused(getattr(sns, operation), **params)
    assert found[0] == code
    assert message in found[1]


def test_an_http_endpoint_confirms_gets_messages_and_is_retried(open_server: LiveServer) -> None:
    sns = open_server.client("sns")
    topic = sns.create_topic(Name="web")["TopicArn"]
    retries = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 3}}
    with http_endpoint() as endpoint:
        made = sns.subscribe(
            TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes={"DeliveryPolicy": json.dumps(retries)}
        )
        assert made["SubscriptionArn"] == "pending confirmation"
        (asked,) = eventually(lambda: endpoint.of_type("SubscriptionConfirmation"), "the request to confirm")
        sns.publish(TopicArn=topic, Message="too early")
        confirmed = json.load(urllib.request.urlopen(asked["SubscribeURL"]))
        assert confirmed["SubscriptionArn"].startswith(topic)
        endpoint.statuses = [503]
        sns.publish(TopicArn=topic, Message="hello")
        eventually(lambda: len(endpoint.of_type("Notification")) == 2, "the message, twice")
        first, again = endpoint.of_type("Notification")
        assert first == again
        assert first["Message"] == "hello"
        headers = endpoint.requests[-1][0]
        assert headers["x-amz-sns-subscription-arn"] == confirmed["SubscriptionArn"]
        assert headers["content-type"] == "text/plain; charset=UTF-8"
        urllib.request.urlopen(first["UnsubscribeURL"])
        assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_link_to_unsubscribe_cannot_be_made_up(open_server: LiveServer) -> None:
    link = f"{open_server.endpoint}/_stoker/sns/unsubscribe?SubscriptionArn=arn:aws:sns:x:y:z:1&Token=guessed"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(link)
    assert caught.value.code == 403


def test_nothing_is_sent_to_this_machine_unless_the_operator_lets_it(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-loopback")["TopicArn"]
    with http_endpoint() as endpoint:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url.replace("127.0.0.1", "localhost"))
        eventually(lambda: "Nothing is sent to localhost" in live_server.log(), "the refusal in the log")
        assert endpoint.requests == []


def test_a_topic_is_a_target_of_rules(live_server: LiveServer, sns: Any) -> None:
    topic = sns.create_topic(Name="sns-target")["TopicArn"]
    anybody = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
    policy = {"Version": "2012-10-17", "Statement": [{**anybody, "Resource": topic}]}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    queue = WatchedQueue(live_server, "sns-target")
    subscribed(sns, queue, topic, RawMessageDelivery="true")
    events = live_server.client("events")
    events.put_rule(Name="sns-target", EventPattern='{"source": ["to-topic"]}')
    events.put_targets(Rule="sns-target", Targets=[{"Id": "t", "Arn": topic, "InputPath": "$.detail"}])
    events.put_events(Entries=[{"Source": "to-topic", "DetailType": "t", "Detail": '{"a": 1}'}])
    assert queue.bodies() == [{"a": 1}]
