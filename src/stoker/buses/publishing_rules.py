"""What a message has to be to be published: SNS's rules and words. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.buses.message import MessageAttribute, binary
from stoker.buses.topic_errors import InvalidParameterError, InvalidValueError

MAX_MESSAGE_BYTES = 262_144
MAX_SUBJECT_CHARS = 100
DATA_TYPES = frozenset({"String", "Number", "Binary", "String.Array"})
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_\-]+(\.[A-Za-z0-9_\-]+)*")
_FIFO_ID = re.compile(r"[\w!\"#$%&'()*+,\-./:;<=>?@\[\\\]^`{|}~]{1,128}", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message that may be published, before it has an id and a place."""

    text: str
    subject: str | None
    attributes: Mapping[str, MessageAttribute]
    by_protocol: Mapping[str, str]
    group_id: str | None
    deduplication_id: str | None

    @property
    def size(self) -> int:
        """What counts towards the limit, in bytes."""
        attributes = sum(len(name) + len(it.data_type) + len(it.text) for name, it in self.attributes.items())
        return len(self.text.encode()) + attributes


def draft(params: Mapping[str, Any], *, fifo: bool, content_based: bool) -> Draft:
    """Publish's parameters, or those of an entry of PublishBatch, checked. Raises InvalidParameterError."""
    text = params.get("Message", "")
    if not text:
        raise InvalidParameterError("Invalid parameter: Empty message")
    by_protocol: Mapping[str, str] = {}
    if (structure := params.get("MessageStructure")) is not None:
        if structure != "json":
            raise InvalidParameterError("Invalid parameter: MessageStructure Reason: Invalid value")
        by_protocol = _by_protocol(text)
    made = Draft(
        text=by_protocol["default"] if by_protocol else text,
        subject=_subject(params.get("Subject")),
        attributes={name: _attribute(name, it) for name, it in params.get("MessageAttributes", {}).items()},
        by_protocol=by_protocol,
        group_id=params.get("MessageGroupId"),
        deduplication_id=_deduplication_id(params, fifo=fifo, content_based=content_based),
    )
    if len(text.encode()) > MAX_MESSAGE_BYTES or made.size > MAX_MESSAGE_BYTES:
        raise InvalidParameterError("Invalid parameter: Message too long")
    return made


def _by_protocol(text: str) -> Mapping[str, str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidParameterError("Invalid parameter: Message Structure - JSON message body failed to parse")
    if "default" not in document:
        raise InvalidParameterError("Invalid parameter: Message Structure - No default entry in JSON message body")
    return {name: value for name, value in document.items() if isinstance(value, str)} | {
        "default": value if isinstance(value := document["default"], str) else json.dumps(value)
    }


def _subject(subject: str | None) -> str | None:
    if subject is None:
        return None
    if not subject or len(subject) > MAX_SUBJECT_CHARS or not subject.isprintable() or not subject.isascii():
        raise InvalidParameterError("Invalid parameter: Subject")
    return subject


def _deduplication_id(params: Mapping[str, Any], *, fifo: bool, content_based: bool) -> str | None:
    group, given = params.get("MessageGroupId"), params.get("MessageDeduplicationId")
    if not fifo:
        if given is not None:
            raise InvalidParameterError(
                "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId "
                "parameter that is not valid for this topic type"
            )
        return None
    if group is None:
        raise InvalidParameterError("Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", given)):
        if value is not None and _FIFO_ID.fullmatch(value) is None:
            raise InvalidParameterError(f"Invalid parameter: The {name} parameter is not valid")
    if given is not None:
        return str(given)
    if not content_based:
        raise InvalidParameterError(
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )
    return hashlib.sha256(params["Message"].encode()).hexdigest()


def _attribute(name: str, given: Mapping[str, Any]) -> MessageAttribute:
    if len(name) > 256 or _ATTRIBUTE_NAME.fullmatch(name) is None or name.lower().startswith(("aws.", "amazon.")):
        raise InvalidValueError(f"The message attribute name '{name}' is not valid.")
    data_type = given["DataType"]
    if data_type not in DATA_TYPES:
        raise InvalidValueError(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
            "prefixes is Binary, Number, and String."
        )
    value = given.get("BinaryValue" if data_type == "Binary" else "StringValue")
    if not value:
        raise InvalidValueError(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{data_type}'."
        )
    if data_type == "Binary":
        return binary(value)
    if data_type == "Number" and _NUMBER.fullmatch(value) is None:
        raise InvalidValueError(f"Could not cast message attribute '{name}' value to number.")
    return MessageAttribute(data_type=data_type, text=value)
