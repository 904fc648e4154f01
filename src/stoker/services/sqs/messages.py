"""SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from stoker.queues.errors import InvalidAttributeName, InvalidParameterValue
from stoker.queues.message import Received
from stoker.queues.queue import Queue
from stoker.queues.queues import MAX_MESSAGES, MAX_WAIT_S, Queues
from stoker.queues.settling import MAX_VISIBILITY_S
from stoker.services.sqs.addresses import Addresses
from stoker.services.sqs.message_words import outgoing, received_members, sent_members
from stoker.wire.message import Call

Members = Mapping[str, Any]
SYSTEM_ATTRIBUTES = frozenset(
    {
        "All",
        "AWSTraceHeader",
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "DeadLetterQueueSourceArn",
        "MessageDeduplicationId",
        "MessageGroupId",
        "SenderId",
        "SentTimestamp",
        "SequenceNumber",
    }
)
_NOTHING: Members = {}


class MessageOperations:
    """The operations on one message."""

    def __init__(self, queues: Queues, addresses: Addresses) -> None:
        self._queues = queues
        self._addresses = addresses

    async def send_message(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        return sent_members(await self._queues.send(queue, outgoing(call, call.params)))

    async def receive_message(self, call: Call) -> Members:
        params = call.params
        queue = self._addresses.queue(call)
        system_names = _system_names(params)
        most = _within(params, "MaxNumberOfMessages", 1, MAX_MESSAGES, 1)
        wait_s = _within(params, "WaitTimeSeconds", 0, MAX_WAIT_S, queue.settings.wait_s)
        receiving = self._queues.receive(
            queue,
            most=most,
            visibility_s=_within(params, "VisibilityTimeout", 0, MAX_VISIBILITY_S, queue.settings.visibility_s),
            wait_s=wait_s,
            attempt_id=params.get("ReceiveRequestAttemptId"),
        )
        if wait_s == 0 or call.until_gone is None:
            messages = await receiving
        else:
            messages = await self._unless_gone(call.until_gone, queue, receiving)
        names = params.get("MessageAttributeNames", [])
        return {"Messages": [received_members(message, system_names, names) for message in messages] or None}

    async def _unless_gone(
        self, gone: Callable[[], Awaitable[None]], queue: Queue, receiving: Coroutine[Any, Any, Sequence[Received]]
    ) -> Sequence[Received]:
        """What is received; nothing where the client goes away before, or meanwhile: its messages are others'."""
        taking, leaving = asyncio.ensure_future(receiving), asyncio.ensure_future(gone())
        try:
            await asyncio.wait({taking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                return taking.result()
            if taking.done():
                self._queues.give_back(queue, taking.result())
            return []
        finally:
            taking.cancel()
            leaving.cancel()

    async def delete_message(self, call: Call) -> Members:
        await self._queues.delete(self._addresses.queue(call), call.params["ReceiptHandle"])
        return _NOTHING

    async def change_message_visibility(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        await self._queues.change_visibility(queue, call.params["ReceiptHandle"], call.params["VisibilityTimeout"])
        return _NOTHING


def _within(params: Members, name: str, least: int, most: int, default: int) -> int:
    value: int = params.get(name, default)
    if not least <= value <= most:
        between = f"Must be between {least} and {most}, if provided."
        raise InvalidParameterValue.of(
            name, value, between if name == "MaxNumberOfMessages" else f"Must be >= {least} and <= {most}, if provided."
        )
    return value


def _system_names(params: Members) -> frozenset[str]:
    """From the newer parameter and the older one."""
    names = frozenset(params.get("AttributeNames", ())) | frozenset(params.get("MessageSystemAttributeNames", ()))
    if unknown := names - SYSTEM_ATTRIBUTES:
        raise InvalidAttributeName(f"Unknown Attribute {min(unknown)}.")
    return names
