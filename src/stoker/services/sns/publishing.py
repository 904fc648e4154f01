"""Publish and PublishBatch."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.buses.publishing import Published, Publishing
from stoker.buses.publishing_rules import MAX_MESSAGE_BYTES, Draft, draft
from stoker.buses.topic_errors import (
    BatchEntryIdsNotDistinctError,
    BatchRequestTooLongError,
    EmptyBatchRequestError,
    InvalidBatchEntryIdError,
    InvalidParameterError,
    TooManyEntriesError,
)
from stoker.buses.topics import Topic
from stoker.model.errors import NotBuiltError, ServiceError
from stoker.wire.message import Call

MAX_ENTRIES = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_\-]{1,80}", re.ASCII)


class PublishOperations:
    """Publishes one message, or up to ten, each on its own."""

    def __init__(self, publishing: Publishing) -> None:
        self._publishing = publishing

    async def publish(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("PhoneNumber"):
            raise NotBuiltError("Messages to phones (PhoneNumber) are not there yet in Stoker.")
        arn = params.get("TopicArn") or params.get("TargetArn")
        if arn is None:
            raise InvalidParameterError(
                "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"
            )
        if ":endpoint/" in arn:
            raise NotBuiltError("Push notifications (platform endpoints) are not there yet in Stoker.")
        topic = await self._publishing.topic(arn)
        made = draft(params, fifo=topic.fifo, content_based=topic.content_based)
        (published,) = await self._publishing.publish(topic, [made], call.trace_id)
        return _told(published)

    async def publish_batch(self, call: Call) -> Mapping[str, Any]:
        entries: Sequence[Mapping[str, Any]] = call.params["PublishBatchRequestEntries"]
        _check_entries(entries)
        topic = await self._publishing.topic(call.params["TopicArn"])
        drafts: dict[str, Draft] = {}
        failed = []
        for entry in entries:
            try:
                drafts[entry["Id"]] = draft(entry, fifo=topic.fifo, content_based=topic.content_based)
            except ServiceError as error:
                failed.append(_failure(entry, error))
        if sum(each.size for each in drafts.values()) > MAX_MESSAGE_BYTES:
            raise BatchRequestTooLongError
        published = await self._publish(topic, list(drafts.values()), call.trace_id)
        told = [{"Id": id_, **_told(each)} for id_, each in zip(drafts, published, strict=True)]
        return {"Successful": told, "Failed": failed}

    async def _publish(self, topic: Topic, drafts: Sequence[Draft], trace_id: str | None) -> Sequence[Published]:
        return await self._publishing.publish(topic, drafts, trace_id) if drafts else []


def _check_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries:
        raise EmptyBatchRequestError
    if len(entries) > MAX_ENTRIES:
        raise TooManyEntriesError
    ids = [entry["Id"] for entry in entries]
    if len(set(ids)) != len(ids):
        raise BatchEntryIdsNotDistinctError
    if any(_ENTRY_ID.fullmatch(id_) is None for id_ in ids):
        raise InvalidBatchEntryIdError


def _failure(entry: Mapping[str, Any], error: ServiceError) -> Mapping[str, Any]:
    return {"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": error.status < 500}


def _told(published: Published) -> Mapping[str, Any]:
    sequence = {} if published.sequence_number is None else {"SequenceNumber": published.sequence_number}
    return {"MessageId": published.message_id, **sequence}
