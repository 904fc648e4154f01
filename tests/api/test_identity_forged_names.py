"""Names and handles that say another thing's name: who may touch it is asked of the name, so it has to be its own."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from test_identity_enforcement import Person, allow

from fakes.live_server import LiveServer

HERE = "us-east-1:000000000000"


@pytest.fixture
def eve(live_server: LiveServer) -> Iterator[Person]:
    person = Person(live_server, "eve")
    yield person
    person.leave()


def code_of(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


def test_a_subscription_is_not_reached_by_the_name_of_another_topic(live_server: LiveServer, eve: Person) -> None:
    sns, queue = live_server.client("sns"), f"arn:aws:sqs:{HERE}:eves-sink"
    own, others = (sns.create_topic(Name=name)["TopicArn"] for name in ("eves-own", "not-eves"))
    subscription = sns.subscribe(TopicArn=others, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)
    real = subscription["SubscriptionArn"]
    eve.put(allow("sns:*", own))
    hers = eve.client("sns")
    assert code_of(hers.unsubscribe, SubscriptionArn=real) == "AuthorizationError"
    forged = f"{own}:{real.rpartition(':')[2]}"
    hers.unsubscribe(SubscriptionArn=forged)
    assert code_of(hers.get_subscription_attributes, SubscriptionArn=forged) == "NotFound"
    change = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
    assert code_of(hers.set_subscription_attributes, SubscriptionArn=forged, **change) == "NotFound"
    attributes = sns.get_subscription_attributes(SubscriptionArn=real)["Attributes"]
    assert (attributes["TopicArn"], attributes["RawMessageDelivery"]) == (others, "false")
    mine = hers.subscribe(TopicArn=own, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)["SubscriptionArn"]
    hers.unsubscribe(SubscriptionArn=mine)
    assert code_of(sns.get_subscription_attributes, SubscriptionArn=mine) == "NotFound"


def test_a_task_is_not_cancelled_by_a_handle_with_the_name_of_another_queue(
    live_server: LiveServer, eve: Person
) -> None:
    sqs = live_server.client("sqs")
    own, others = f"arn:aws:sqs:{HERE}:eves-own", f"arn:aws:sqs:{HERE}:not-eves"
    sqs.create_queue(QueueName="eves-own")
    dead = sqs.create_queue(QueueName="not-eves")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": others, "maxReceiveCount": 1})
    back = sqs.create_queue(QueueName="not-eves-source", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    for number in range(100):
        sqs.send_message(QueueUrl=dead, MessageBody=str(number))
    to = f"arn:aws:sqs:{HERE}:not-eves-source"
    real = sqs.start_message_move_task(SourceArn=others, DestinationArn=to, MaxNumberOfMessagesPerSecond=1)[
        "TaskHandle"
    ]
    eve.put(allow("sqs:*", own))
    hers = eve.client("sqs")
    assert code_of(hers.cancel_message_move_task, TaskHandle=real) == "AccessDenied"
    facts = json.loads(base64.b64decode(real))
    forged = base64.b64encode(json.dumps({**facts, "sourceArn": own}).encode()).decode()
    assert code_of(hers.cancel_message_move_task, TaskHandle=forged) == "ResourceNotFoundException"
    (task,) = sqs.list_message_move_tasks(SourceArn=others)["Results"]
    assert task["Status"] == "RUNNING"
    sqs.cancel_message_move_task(TaskHandle=real)
    for url in (dead, back):
        sqs.delete_queue(QueueUrl=url)
