"""A queue as the target of what a test watches: what arrives in it, as JSON."""

import json
from functools import partial
from typing import Any

from fakes.live_server import LiveServer
from fakes.waiting import eventually


class WatchedQueue:
    """A queue of a live server. Every service may send to it."""

    def __init__(self, server: LiveServer, name: str, **attributes: str) -> None:
        self.client = server.client("sqs")
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}],
        }
        made = self.client.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy), **attributes})
        self.url = made["QueueUrl"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn: str = found["Attributes"]["QueueArn"]

    def messages(self, count: int = 1) -> list[dict[str, Any]]:
        """So many messages and no more, which are then gone."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            most = count - len(found)
            found += eventually(partial(self._received, most), f"{most} more messages after {found}")
        return found

    def bodies(self, count: int = 1) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.messages(count)]

    def _received(self, most: int) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=min(most, 10),
            WaitTimeSeconds=20,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        for message in messages:
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def is_empty(self) -> bool:
        return not self.client.receive_message(QueueUrl=self.url).get("Messages")
