"""What may be sent: a body's characters, attributes' names and types, sizes, and what a kind of queue needs. Pure.

Source: SendMessage and "Amazon SQS message quotas" in the SQS documentation.
"""

import re
from collections.abc import Mapping, Sequence

from stoker.queues.attributes import Settings
from stoker.queues.errors import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MissingParameter,
    TooManyEntriesInBatchRequest,
)
from stoker.queues.message import MessageAttribute, Outgoing

MAX_ATTRIBUTES = 10
MAX_BATCH = 10
MAX_BATCH_BYTES = 1_048_576
MAX_DELAY_S = 900
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ALLOWED_TEXT = "#x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]"
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z0-9_-](?:\.?[A-Za-z0-9_-])*")
_DATA_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_GROUP_ID = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")


def check_message(message: Outgoing, settings: Settings) -> None:
    """Raises what SendMessage answers for a message that this queue cannot take."""
    if not message.body:
        raise MissingParameter.of("MessageBody")
    if not message.body.isprintable() and (bad := _FORBIDDEN.search(message.body)):
        raise InvalidMessageContents(
            f"Invalid binary character '#x{ord(bad[0]):X}' was found in the message body, the set of allowed "
            f"characters is {_ALLOWED_TEXT}"
        )
    if message.attributes:
        _check_attributes(message.attributes)
    if size_of(message) > settings.max_bytes:
        raise InvalidParameterValue(
            f"One or more parameters are invalid. Reason: Message must be shorter than {settings.max_bytes} bytes."
        )
    if message.group_id is not None:
        _check_id("MessageGroupId", message.group_id)
    if settings.fifo:
        _check_fifo(message, settings)
    else:
        _check_standard(message)


def size_of(message: Outgoing) -> int:
    """What counts: the body, and attributes with their names and types."""
    size = len(message.body) if message.body.isascii() else len(message.body.encode())
    for name, attribute in message.attributes.items():
        value = attribute.data if attribute.data is not None else (attribute.text or "").encode()
        size += len(name.encode()) + len(attribute.data_type.encode()) + len(value)
    return size


def check_batch(ids: Sequence[str], entry: str) -> None:
    """Raises what a batch request answers as a whole; `entry` is what its entries are called."""
    if not ids:
        raise EmptyBatchRequest(f"There should be at least one {entry} in the request.")
    if len(ids) > MAX_BATCH:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MAX_BATCH}. You have sent {len(ids)}."
        )
    for each in ids:
        if not _ENTRY_ID.fullmatch(each):
            raise InvalidBatchEntryId
    if repeated := [each for place, each in enumerate(ids) if each in ids[:place]]:
        raise BatchEntryIdsNotDistinct(f"Id {repeated[0]} repeated.")


def check_batch_size(messages: Sequence[Outgoing]) -> None:
    size = sum(map(size_of, messages))
    if size > MAX_BATCH_BYTES:
        raise BatchRequestTooLong(
            f"Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent {size} bytes."
        )


def _check_fifo(message: Outgoing, settings: Settings) -> None:
    if message.group_id is None:
        raise MissingParameter.of("MessageGroupId")
    if message.deduplication_id is None and not settings.content_deduplication:
        raise InvalidParameterValue(
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )
    if message.deduplication_id is not None:
        _check_id("MessageDeduplicationId", message.deduplication_id)
    if message.delay_s:
        raise InvalidParameterValue.of(
            "DelaySeconds", message.delay_s, "The request include parameter that is not valid for this queue type."
        )


def _check_standard(message: Outgoing) -> None:
    if message.deduplication_id is not None:
        raise InvalidParameterValue.of(
            "MessageDeduplicationId",
            message.deduplication_id,
            "The request includes a parameter that is not valid for this queue type.",
        )
    if message.delay_s is not None and not 0 <= message.delay_s <= MAX_DELAY_S:
        raise InvalidParameterValue.of(
            "DelaySeconds", message.delay_s, f"DelaySeconds must be >= 0 and <= {MAX_DELAY_S}."
        )


def _check_id(parameter: str, value: str) -> None:
    if not _GROUP_ID.fullmatch(value):
        raise InvalidParameterValue.of(
            parameter,
            value,
            f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )


def _check_attributes(attributes: Mapping[str, MessageAttribute]) -> None:
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MAX_ATTRIBUTES}]."
        )
    for name, attribute in attributes.items():
        _check_attribute_name(name)
        _check_attribute(name, attribute)


def _check_attribute_name(name: str) -> None:
    if not _ATTRIBUTE_NAME.fullmatch(name) or len(name) > 256:
        raise InvalidParameterValue(
            "Message (user) attribute name can contain upper and lower case letters, digits, periods, hyphens and "
            "underscores, must not begin or end with a period, and can be at most 256 characters long."
        )
    if name.lower().startswith(("aws.", "amazon.")):
        raise InvalidParameterValue(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for "
            "internal use."
        )


def _check_attribute(name: str, attribute: MessageAttribute) -> None:
    kind = _DATA_TYPE.fullmatch(attribute.data_type)
    if not attribute.data_type:
        raise InvalidParameterValue(f"The message attribute '{name}' must contain non-empty message attribute type.")
    if kind is None or len(attribute.data_type) > 256:
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    value = attribute.data if kind[1] == "Binary" else attribute.text
    if not value or (attribute.data is not None and attribute.text is not None):
        raise InvalidParameterValue(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
            f"type '{kind[1]}'."
        )
    if kind[1] == "Number" and not _NUMBER.fullmatch(attribute.text or ""):
        raise InvalidParameterValue(f"Can't cast the value of message attribute '{name}' to a number.")
    if attribute.text is not None and (bad := _FORBIDDEN.search(attribute.text)):
        raise InvalidMessageContents(
            f"Invalid binary character '#x{ord(bad[0]):X}' was found in the value of message attribute '{name}', the "
            f"set of allowed characters is {_ALLOWED_TEXT}"
        )
