"""From what a sender gives to what is written: ids, digests, deduplication. Pure."""

import hashlib
import uuid

from stoker.queues.checksums import attributes_md5, body_md5
from stoker.queues.contents import Contents
from stoker.queues.message import Content, MessageAttribute, Outgoing, Sent, sequence_number
from stoker.queues.message_rows import Arrival, Written
from stoker.queues.queue import Queue

DEDUPLICATION_S = 300.0


def arrival_of(queue: Queue, message: Outgoing, contents: Contents, *, row: int, now: float) -> tuple[Arrival, Sent]:
    """The row of a message that was checked, and what its sender is told of it."""
    settings = queue.settings
    delay_s = settings.delay_s if message.delay_s is None else message.delay_s
    deduplication_id = message.deduplication_id
    if settings.fifo and deduplication_id is None:
        deduplication_id = hashlib.sha256(message.body.encode()).hexdigest()
    content = Content(
        message_id=str(uuid.uuid4()),
        body=message.body,
        body_md5=body_md5(message.body),
        sender_id=message.sender_id,
        attributes=dict(message.attributes),
        attributes_md5=attributes_md5(message.attributes),
        trace_header=message.trace_header or message.chain,
        group_id=message.group_id,
        deduplication_id=deduplication_id,
    )
    scope = None if not settings.fifo else (message.group_id or "") if settings.group_deduplication else ""
    arrival = Arrival(
        row=row,
        queue_id=queue.id,
        message_id=content.message_id,
        content=contents.pack(content, sealed=settings.sealed),
        visible_at=now + delay_s,
        sent_at=now,
        group_id=message.group_id if settings.fifo else None,
        scope=scope,
        deduplication_id=deduplication_id,
        deduplicated_until=now + DEDUPLICATION_S,
    )
    trace = {} if message.trace_header is None else {"AWSTraceHeader": _text(message.trace_header)}
    sent = Sent(
        message_id=content.message_id,
        body_md5=content.body_md5,
        attributes_md5=content.attributes_md5,
        system_attributes_md5=attributes_md5(trace),
    )
    return arrival, sent


def told(sent: Sent, written: Written, queue: Queue) -> Sent:
    """What a sender is told once its message is written, or is known to be a duplicate."""
    return Sent(
        message_id=written.message_id,
        body_md5=sent.body_md5,
        attributes_md5=sent.attributes_md5,
        system_attributes_md5=sent.system_attributes_md5,
        sequence_number=sequence_number(written.row) if queue.settings.fifo else None,
    )


def _text(value: str) -> MessageAttribute:
    return MessageAttribute(data_type="String", text=value)
