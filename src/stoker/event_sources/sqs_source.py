"""SQS as a source: messages as Lambda shapes them, deleted when they are done."""

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from stoker.event_sources.mapping import Mapping
from stoker.event_sources.poller import Record
from stoker.event_sources.source import Abilities
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException
from stoker.queues.errors import QueueDoesNotExist
from stoker.queues.message import MessageAttribute, Received
from stoker.queues.queue import FIFO_SUFFIX, Queue
from stoker.queues.queues import Queues

MayReceive = Callable[[str, str, str], Awaitable[bool]]
"""Takes a role's ARN, an IAM action and a resource's ARN."""
ACTIONS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")

STANDARD = Abilities(label="SQS", batch_size_without_window=10, max_concurrency=True)
FIFO = Abilities(label="SQS", max_batch_size=10, window=False, max_concurrency=True)


class SqsSource:
    """Queues of this account. `allows` says whether a function's role may do something to a queue."""

    def __init__(self, queues: Queues, clock: Clock, allows: MayReceive) -> None:
        self._queues = queues
        self._clock = clock
        self._allows = allows

    def __repr__(self) -> str:
        return f"<SqsSource {self._queues!r}>"

    def abilities(self, source_arn: str) -> Abilities:
        return FIFO if source_arn.endswith(FIFO_SUFFIX) else STANDARD

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        queue = self._queues.catalogue.by_arn(mapping.source_arn)
        if queue is None or queue.region != mapping.function.region:
            raise _invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                "SQS Error Message: The specified queue does not exist."
            )
        for action in ACTIONS:
            if not await self._allows(role_arn, f"sqs:{action}", queue.arn):
                raise _invalid(f"The provided execution role does not have permissions to call {action} on SQS")
        if queue.settings.visibility_s < timeout_s:
            raise _invalid(
                f"Queue visibility timeout: {queue.settings.visibility_s} seconds is less than Function timeout: "
                f"{timeout_s} seconds"
            )

    async def open(self, mapping: Mapping) -> "SqsPoller":
        return SqsPoller(self._queues, mapping.source_arn, self._clock)


class SqsPoller:
    """Reads one queue, by its ARN: one that is deleted and made again is read on."""

    def __init__(self, queues: Queues, arn: str, clock: Clock) -> None:
        self._queues = queues
        self._arn = arn
        self._clock = clock

    def __repr__(self) -> str:
        return f"<SqsPoller {self._arn}>"

    def _queue(self) -> Queue:
        queue = self._queues.catalogue.by_arn(self._arn)
        if queue is None:
            raise QueueDoesNotExist
        return queue

    async def receive(self, most: int, wait_s: float | None) -> Sequence[Record]:
        queue = self._queue()
        messages = await self._queues.receive(queue, most=most, wait_s=wait_s)
        due_back_at = self._clock.time() + queue.settings.visibility_s
        return [_record(queue, message, due_back_at) for message in messages]

    async def settle(self, done: Sequence[Record], failed: Sequence[Record]) -> None:
        """What failed comes back when its visibility timeout ends: there is nothing to do for it."""
        queue = self._queues.catalogue.by_arn(self._arn)
        if queue is not None and done:
            await self._queues.delete_many(queue, [record.view["receiptHandle"] for record in done])

    async def close(self) -> None: ...


def _record(queue: Queue, message: Received, due_back_at: float) -> Record:
    view = event_record(queue, message)
    return Record(
        id=message.content.message_id,
        event=json.dumps(view, separators=(",", ":")).encode(),
        view=view,
        due_back_at=due_back_at,
        trace_id=message.content.trace_header,
    )


def event_record(queue: Queue, message: Received) -> dict[str, Any]:
    """A message as an element of `Records`."""
    content = message.content
    return {
        "messageId": content.message_id,
        "receiptHandle": message.receipt_handle,
        "body": content.body,
        "attributes": message.system_attributes(),
        "messageAttributes": {name: _attribute(value) for name, value in content.attributes.items()},
        "md5OfMessageAttributes": content.attributes_md5,
        "md5OfBody": content.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": queue.region,
    }


def _attribute(attribute: MessageAttribute) -> dict[str, Any]:
    value = (
        {"stringValue": attribute.text}
        if attribute.data is None
        else {"binaryValue": base64.b64encode(attribute.data).decode("ascii")}
    )
    return {**value, "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type}


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(text, Type="User")
