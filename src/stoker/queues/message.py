"""Messages: as they are sent, kept, and received."""

from collections.abc import Mapping

from msgspec import Struct


class MessageAttribute(Struct, frozen=True, kw_only=True):
    """A typed value beside the body; `data_type` is String, Number or Binary, perhaps with a label after a dot."""

    data_type: str
    text: str | None = None
    data: bytes | None = None


class Outgoing(Struct, frozen=True, kw_only=True):
    """What a sender gives. `sender_id` is IAM's id of who it is. No `delay_s`: the queue's own.

    `chain` is the trace header of the request itself: it goes with the message where the sender gave none, so that
    functions which start each other through queues are found out as a loop, and a trace goes on.
    """

    body: str
    sender_id: str
    attributes: Mapping[str, MessageAttribute] = {}
    trace_header: str | None = None
    chain: str | None = None
    group_id: str | None = None
    deduplication_id: str | None = None
    delay_s: int | None = None


class Content(Struct, frozen=True, array_like=True):
    """What of a message never changes, as it is stored. Append members at the end only, with a default."""

    message_id: str
    body: str
    body_md5: str
    sender_id: str
    attributes: dict[str, MessageAttribute]
    attributes_md5: str | None
    trace_header: str | None
    group_id: str | None
    deduplication_id: str | None


class Sent(Struct, frozen=True, kw_only=True):
    """What a sender is told. A duplicate has the message id and sequence number of the first."""

    message_id: str
    body_md5: str
    attributes_md5: str | None = None
    system_attributes_md5: str | None = None
    sequence_number: str | None = None


class Received(Struct, frozen=True, kw_only=True):
    """What a receiver gets. Times in seconds since the epoch."""

    content: Content
    receipt_handle: str
    receive_count: int
    sent_at: float
    first_received_at: float
    sequence_number: str | None = None
    source_arn: str | None = None

    def system_attributes(self) -> dict[str, str]:
        """Everything that MessageSystemAttributeNames can ask for."""
        content = self.content
        attributes = {
            "SenderId": content.sender_id,
            "SentTimestamp": str(int(self.sent_at * 1000)),
            "ApproximateReceiveCount": str(self.receive_count),
            "ApproximateFirstReceiveTimestamp": str(int(self.first_received_at * 1000)),
            "SequenceNumber": self.sequence_number,
            "MessageDeduplicationId": content.deduplication_id,
            "MessageGroupId": content.group_id,
            "AWSTraceHeader": content.trace_header,
            "DeadLetterQueueSourceArn": self.source_arn,
        }
        return {name: value for name, value in attributes.items() if value is not None}


# Sequence numbers have 20 digits, as AWS's.
_SEQUENCE_BASE = 10**19


def sequence_number(row_id: int) -> str:
    return str(_SEQUENCE_BASE + row_id)
