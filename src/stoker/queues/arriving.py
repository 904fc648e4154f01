"""Deliveries from other services: a queue as their target."""

import base64
import binascii
from collections.abc import Mapping

from stoker.deliveries.delivery import Delivery
from stoker.queues.errors import QueueDoesNotExist
from stoker.queues.message import MessageAttribute, Outgoing
from stoker.queues.queues import Queues


class QueueTarget:
    """Takes deliveries to queues, by their ARN."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    async def deliver(self, delivery: Delivery) -> None:
        """Durable when this returns. Raises QueueDoesNotExist, and what sending does."""
        queue = self._queues.catalogue.by_arn(delivery.target)
        if queue is None:
            raise QueueDoesNotExist
        fifo = queue.settings.fifo
        message = Outgoing(
            body=delivery.body.decode(errors="replace"),
            sender_id=delivery.caller,
            attributes=message_attributes(delivery.attributes),
            trace_header=delivery.trace_id,
            group_id=delivery.group_id,
            deduplication_id=delivery.deduplication_id if fifo else None,
        )
        await self._queues.send(queue, message)


def message_attributes(attributes: Mapping[str, str]) -> Mapping[str, MessageAttribute]:
    """A delivery's attributes by name; `name:Number` and `name:Binary` (in base64) say that they are no Strings.

    No attribute's name can hold a colon.
    """
    typed = {}
    for key, value in attributes.items():
        name, _, data_type = key.partition(":")
        typed[name] = _attribute(data_type or "String", value)
    return typed


def _attribute(data_type: str, value: str) -> MessageAttribute:
    if not data_type.startswith("Binary"):
        return MessageAttribute(data_type=data_type, text=value)
    try:
        return MessageAttribute(data_type=data_type, data=base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return MessageAttribute(data_type="String", text=value)
