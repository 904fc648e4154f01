"""A queue as the target of what a test watches: what arrives in it, as JSON."""

import json
from typing import Any

from fakes.live_server import LiveServer


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

    def messages(self, count: int = 1, wait_s: int = 20) -> list[dict[str, Any]]:
        """So many messages, which are then gone."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            answer = self.client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=wait_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                raise AssertionError(f"only {len(found)} of {count} arrived: {found}")
            for message in answer["Messages"]:
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            found += answer["Messages"]
        return found

    def bodies(self, count: int = 1) -> list[Any]:
        return [json.loads(message["Body"]) for message in self.messages(count)]

    def is_empty(self) -> bool:
        return not self.client.receive_message(QueueUrl=self.url).get("Messages")
