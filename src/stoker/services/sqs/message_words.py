"""Messages in the API's words, both ways."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.queues.checksums import attributes_md5
from stoker.queues.errors import InvalidParameterValue, UnsupportedOperation
from stoker.queues.message import MessageAttribute, Outgoing, Received, Sent
from stoker.wire.message import Call

_TRACE = "AWSTraceHeader"
# What a header has that came through a function, or that is of a trace that is kept.
_GOES_ON = ("Lineage=", "Sampled=1")


def outgoing(call: Call, params: Mapping[str, Any]) -> Outgoing:
    """The message that SendMessage's parameters, or an entry of a batch, give."""
    attributes = params.get("MessageAttributes")
    return Outgoing(
        body=params["MessageBody"],
        sender_id=call.principal.user_id,
        attributes={} if not attributes else {name: _attribute(name, value) for name, value in attributes.items()},
        trace_header=_trace_header(params.get("MessageSystemAttributes") or {}),
        chain=_chain(call.trace_id),
        group_id=params.get("MessageGroupId"),
        deduplication_id=params.get("MessageDeduplicationId"),
        delay_s=params.get("DelaySeconds"),
    )


def _chain(header: str | None) -> str | None:
    return header if header is not None and any(mark in header for mark in _GOES_ON) else None


def sent_members(sent: Sent) -> dict[str, Any]:
    return {
        "MD5OfMessageBody": sent.body_md5,
        "MD5OfMessageAttributes": sent.attributes_md5,
        "MD5OfMessageSystemAttributes": sent.system_attributes_md5,
        "MessageId": sent.message_id,
        "SequenceNumber": sent.sequence_number,
    }


def received_members(message: Received, system_names: frozenset[str], names: Sequence[str]) -> dict[str, Any]:
    """A message with those of its attributes that were asked for; the MD5 is of those that are there."""
    content = message.content
    members: dict[str, Any] = {
        "MessageId": content.message_id,
        "ReceiptHandle": message.receipt_handle,
        "MD5OfBody": content.body_md5,
        "Body": content.body,
    }
    if system_names:
        every = "All" in system_names
        shown = {name: value for name, value in message.system_attributes().items() if every or name in system_names}
        members["Attributes"] = shown or None
    if names and content.attributes:
        chosen = {name: value for name, value in content.attributes.items() if _is_asked_for(name, names)}
        if chosen:
            members["MessageAttributes"] = {name: _attribute_members(value) for name, value in chosen.items()}
            members["MD5OfMessageAttributes"] = attributes_md5(chosen)
    return members


def _is_asked_for(name: str, names: Sequence[str]) -> bool:
    """`All`, `.*`, a name, or the beginning of names followed by `.*`."""
    return any(
        asked in ("All", ".*", name) or (asked.endswith(".*") and name.startswith(asked[:-1])) for asked in names
    )


def _attribute(name: str, value: Mapping[str, Any]) -> MessageAttribute:
    if value.get("StringListValues") or value.get("BinaryListValues"):
        raise UnsupportedOperation("Message attribute list values in SendMessage operation are not supported.")
    return MessageAttribute(
        data_type=value.get("DataType", ""), text=value.get("StringValue"), data=value.get("BinaryValue")
    )


def _attribute_members(attribute: MessageAttribute) -> dict[str, Any]:
    return {"StringValue": attribute.text, "BinaryValue": attribute.data, "DataType": attribute.data_type}


def _trace_header(attributes: Mapping[str, Mapping[str, Any]]) -> str | None:
    for name, value in attributes.items():
        if name != _TRACE:
            raise InvalidParameterValue(f"Message system attribute name '{name}' is invalid.")
        if value.get("DataType") != "String" or not value.get("StringValue"):
            raise InvalidParameterValue(
                f"The message system attribute '{name}' must contain a non-empty value of the type 'String'."
            )
    header: str | None = attributes[_TRACE]["StringValue"] if _TRACE in attributes else None
    return header
