"""A message as it was published, and the forms in which subscribers get it. Pure.

Source: "Amazon SNS message and JSON formats" in the SNS Developer Guide.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

# Since nobody but the confirmation has one of its own.
DEFAULT_SIGNATURE_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class MessageAttribute:
    """`data_type` is String, Number, String.Array or Binary; a Binary's `text` is base64."""

    data_type: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """One published message. `time` is in seconds since the epoch; `sequence` counts those of a FIFO topic.

    `by_protocol` has the texts that differ by protocol (MessageStructure `json`).
    """

    id: str
    topic_arn: str
    text: str
    time: float
    subject: str | None = None
    attributes: Mapping[str, MessageAttribute] = field(default_factory=dict)
    by_protocol: Mapping[str, str] = field(default_factory=dict)
    group_id: str | None = None
    deduplication_id: str | None = None
    sequence: int | None = None

    def text_for(self, protocol: str) -> str:
        return self.by_protocol.get(protocol, self.text)

    @property
    def timestamp(self) -> str:
        moment = datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds")
        return moment.replace("+00:00", "Z")

    @property
    def sequence_number(self) -> str | None:
        return None if self.sequence is None else f"1{self.sequence:019d}"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A message's signature, and where what verifies it is found."""

    version: str
    signature: str
    certificate_url: str
    unsubscribe_url: str


def string_to_sign(message: Message, text: str) -> bytes:
    """What is signed of a notification: names and values in alphabetical order, a line each."""
    members = {
        "Message": text,
        "MessageId": message.id,
        "Subject": message.subject,
        "Timestamp": message.timestamp,
        "TopicArn": message.topic_arn,
        "Type": "Notification",
    }
    return signable(members)


def signable(members: Mapping[str, str | None]) -> bytes:
    return "".join(f"{name}\n{value}\n" for name, value in members.items() if value is not None).encode()


def notification(message: Message, text: str, signed: Signed) -> str:
    """The JSON that queues and HTTP endpoints get."""
    document: dict[str, Any] = {"Type": "Notification", "MessageId": message.id}
    if message.sequence_number is not None:
        document["SequenceNumber"] = message.sequence_number
    document["TopicArn"] = message.topic_arn
    if message.subject is not None:
        document["Subject"] = message.subject
    document |= {
        "Message": text,
        "Timestamp": message.timestamp,
        "SignatureVersion": signed.version,
        "Signature": signed.signature,
        "SigningCertURL": signed.certificate_url,
        "UnsubscribeURL": signed.unsubscribe_url,
    }
    if message.attributes:
        document["MessageAttributes"] = _attributes(message)
    return json.dumps(document, indent=2, ensure_ascii=False)


def lambda_event(message: Message, text: str, subscription_arn: str, signed: Signed) -> str:
    """The event that functions get."""
    sns = {
        "Type": "Notification",
        "MessageId": message.id,
        "TopicArn": message.topic_arn,
        "Subject": message.subject,
        "Message": text,
        "Timestamp": message.timestamp,
        "SignatureVersion": signed.version,
        "Signature": signed.signature,
        "SigningCertUrl": signed.certificate_url,
        "UnsubscribeUrl": signed.unsubscribe_url,
        "MessageAttributes": _attributes(message),
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "Sns": sns,
    }
    return json.dumps({"Records": [record]}, separators=(",", ":"), ensure_ascii=False)


def queue_attributes(message: Message) -> Mapping[str, str]:
    """The attributes of a raw message in a queue, by name and type as deliveries have them."""
    return {
        name if it.data_type == "String" else f"{name}:{it.data_type}": it.text
        for name, it in message.attributes.items()
    }


def binary(data: bytes) -> MessageAttribute:
    return MessageAttribute(data_type="Binary", text=base64.b64encode(data).decode())


def _attributes(message: Message) -> Mapping[str, Mapping[str, str]]:
    return {name: {"Type": it.data_type, "Value": it.text} for name, it in message.attributes.items()}
