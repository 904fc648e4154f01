"""Queues and their mappings when things go wrong: killed while messages are under way; functions that always fail."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from fakes.deployment import Deployment
from fakes.live_server import LiveServer
from fakes.waiting import eventually

pytestmark = pytest.mark.root

TELLS = """
    import json, time
    def handler(event, context):
        for record in event["Records"]:
            print("GOT", json.dumps([time.time_ns(), record["attributes"]["MessageGroupId"], int(record["body"])]))
"""
FAILS = """
    def handler(event, context):
        raise ValueError("always")
"""
GROUPS = ("a", "b", "c")
KILLS = 2
# In each group, before each kill: more than a batch, so that some are under way.
BETWEEN = 8


class Senders:
    """One for each message group: it sends numbers in their order, each until it is acknowledged."""

    def __init__(self, server: LiveServer, url: str) -> None:
        self.sent = dict.fromkeys(GROUPS, 0)
        self._server = server
        self._url = url
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(group,)) for group in GROUPS]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(120)

    def until(self, more: int) -> None:
        """Until each group has so many more."""
        wanted = {group: count + more for group, count in self.sent.items()}
        eventually(lambda: all(self.sent[group] >= wanted[group] for group in GROUPS), "messages to be sent")

    def _send(self, group: str) -> None:
        sqs = self._server.client("sqs")
        while not self._stopping.is_set():
            number = self.sent[group] + 1
            try:
                sqs.send_message(
                    QueueUrl=self._url,
                    MessageBody=str(number),
                    MessageGroupId=group,
                    # Who did not hear whether it was taken says it again.
                    MessageDeduplicationId=f"{group}{number}",
                )
            except (BotoCoreError, ClientError):
                time.sleep(0.05)
                continue
            self.sent[group] = number


def heard(server: LiveServer, name: str) -> dict[str, list[int]]:
    """What a function said that it got, by group, in the order in which it got it."""
    logs = server.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        messages = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return {group: [] for group in GROUPS}
    told = sorted(json.loads(message[4:]) for message in messages if message.startswith("GOT "))
    return {group: [number for _, of, number in told if of == group] for group in GROUPS}


@pytest.fixture
def server(own_server: LiveServer) -> Iterator[LiveServer]:
    own_server.start()
    yield own_server


def fifo(sqs: Any, name: str, **attributes: str) -> str:
    url: str = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", **attributes})["QueueUrl"]
    return url


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_while_messages_are_sent_and_worked_on_no_group_loses_one_or_its_order(server: LiveServer) -> None:
    client = server.client("lambda")
    # Short, so that what was under way comes again soon.
    url = fifo(server.client("sqs"), "work.fifo", VisibilityTimeout="3")
    name = Deployment(client).deploy(TELLS, Timeout=3)
    arn = "arn:aws:sqs:us-east-1:000000000000:work.fifo"
    client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=3)
    with Senders(server, url) as senders:
        for _ in range(KILLS):
            senders.until(more=BETWEEN)
            server.kill()
            server.start()
        senders.until(more=5)

    def is_complete() -> bool:
        found = heard(server, name)
        return all(set(found[group]) == set(range(1, senders.sent[group] + 1)) for group in GROUPS)

    eventually(is_complete, "all that was acknowledged to be heard")
    for numbers in heard(server, name).values():
        # One that comes again comes with what follows it: none is heard for the first time after a later one.
        firsts = list(dict.fromkeys(numbers))
        assert firsts == sorted(firsts)


def test_what_always_fails_is_in_the_dead_letter_queue_once_and_in_its_order(live_server: LiveServer) -> None:
    client, sqs = live_server.client("lambda"), live_server.client("sqs")
    dead = fifo(sqs, "always-fails-dead.fifo")
    redrive = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:always-fails-dead.fifo", "maxReceiveCount": 2}
    url = fifo(sqs, "always-fails.fifo", VisibilityTimeout="1", RedrivePolicy=json.dumps(redrive))
    name = Deployment(client).deploy(FAILS, Timeout=1)
    entries = [
        {"Id": str(n), "MessageBody": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)} for n in range(6)
    ]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    arn = "arn:aws:sqs:us-east-1:000000000000:always-fails.fifo"
    client.create_event_source_mapping(EventSourceArn=arn, FunctionName=name, BatchSize=3)
    found: list[str] = []

    def take() -> bool:
        messages = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= len(entries)

    eventually(take, "all to be given up")
    assert found == [entry["MessageBody"] for entry in entries]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(left.values()) == {"0"}
