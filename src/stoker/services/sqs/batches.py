"""The operations on batches: each entry succeeds or fails by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.queues.errors import MissingParameter, QueueError
from stoker.queues.message import Sent
from stoker.queues.message_rules import check_batch, check_batch_size
from stoker.queues.queues import Queues
from stoker.services.sqs.addresses import Addresses
from stoker.services.sqs.message_words import outgoing, sent_members
from stoker.wire.message import Call

Members = Mapping[str, Any]


class BatchOperations:
    """SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch."""

    def __init__(self, queues: Queues, addresses: Addresses) -> None:
        self._queues = queues
        self._addresses = addresses

    async def send_message_batch(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        entries = _entries(call, "SendMessageBatchRequestEntry")
        messages = [outgoing(call, entry) for entry in entries]
        check_batch_size(messages)
        outcomes = await self._queues.send_many(queue, messages)
        return _answer(entries, outcomes, [sent_members(each) if isinstance(each, Sent) else {} for each in outcomes])

    async def delete_message_batch(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        entries = _entries(call, "DeleteMessageBatchRequestEntry")
        outcomes = await self._queues.delete_many(queue, [entry["ReceiptHandle"] for entry in entries])
        return _answer(entries, outcomes, [{} for _ in entries])

    async def change_message_visibility_batch(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        entries = _entries(call, "ChangeMessageVisibilityBatchRequestEntry")
        if any("VisibilityTimeout" not in entry for entry in entries):
            raise MissingParameter.of("VisibilityTimeout")
        changes = [(entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in entries]
        outcomes = await self._queues.change_visibility_many(queue, changes)
        return _answer(entries, outcomes, [{} for _ in entries])


def _entries(call: Call, name: str) -> Sequence[dict[str, Any]]:
    entries: list[dict[str, Any]] = call.params["Entries"]
    check_batch([entry["Id"] for entry in entries], name)
    return entries


def _answer(entries: Sequence[Members], outcomes: Sequence[object], members: Sequence[Members]) -> Members:
    successful, failed = [], []
    for entry, outcome, words in zip(entries, outcomes, members, strict=True):
        if isinstance(outcome, QueueError):
            failed.append(
                {
                    "Id": entry["Id"],
                    "SenderFault": outcome.status < 500,
                    "Code": outcome.query_code or outcome.code,
                    "Message": outcome.message,
                }
            )
        else:
            successful.append({"Id": entry["Id"], **words})
    return {"Successful": successful, "Failed": failed or None}
