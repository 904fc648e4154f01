"""A queue's attributes: which there are, what they may be, and what they mean when they are not set. Pure.

Source: CreateQueue and SetQueueAttributes in the SQS API reference.
"""

import json
from collections.abc import Mapping

from msgspec import Struct

from stoker.model.errors import NotBuiltError
from stoker.queues.errors import InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue
from stoker.queues.redrive import RedriveAllowPolicy, RedrivePolicy, parse_redrive, parse_redrive_allow

MAX_MESSAGE_BYTES = 1_048_576
# Attributes with their bounds and what holds by default.
NUMBERS: Mapping[str, tuple[int, int, int]] = {
    "DelaySeconds": (0, 900, 0),
    "MaximumMessageSize": (1_024, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES),
    "MessageRetentionPeriod": (60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
    "VisibilityTimeout": (0, 43_200, 30),
}
FIFO_CHOICES: Mapping[str, tuple[str, ...]] = {
    "ContentBasedDeduplication": ("false", "true"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
READ_ONLY = frozenset({*COUNTS, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"})
KMS = frozenset({"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"})
SEALED = "SqsManagedSseEnabled"
ALL = frozenset({*NUMBERS, *FIFO_CHOICES, *DOCUMENTS, *READ_ONLY, *KMS, SEALED, "FifoQueue"})


class Settings(Struct, frozen=True, kw_only=True):
    """A queue's attributes as its rules use them. Seconds and bytes."""

    delay_s: int
    max_bytes: int
    retention_s: int
    wait_s: int
    visibility_s: int
    fifo: bool = False
    content_deduplication: bool = False
    group_deduplication: bool = False
    sealed: bool = False
    redrive: RedrivePolicy | None = None
    redrive_allow: RedriveAllowPolicy = RedriveAllowPolicy()


def settings_of(attributes: Mapping[str, str]) -> Settings:
    """What attributes that were checked mean."""
    numbers = {name: int(attributes.get(name, default)) for name, (_, _, default) in NUMBERS.items()}
    redrive, allow = attributes.get("RedrivePolicy"), attributes.get("RedriveAllowPolicy")
    return Settings(
        delay_s=numbers["DelaySeconds"],
        max_bytes=numbers["MaximumMessageSize"],
        retention_s=numbers["MessageRetentionPeriod"],
        wait_s=numbers["ReceiveMessageWaitTimeSeconds"],
        visibility_s=numbers["VisibilityTimeout"],
        fifo=attributes.get("FifoQueue") == "true",
        content_deduplication=attributes.get("ContentBasedDeduplication") == "true",
        group_deduplication=attributes.get("DeduplicationScope") == "messageGroup",
        sealed=attributes.get(SEALED) == "true",
        redrive=None if redrive is None else parse_redrive(redrive),
        redrive_allow=RedriveAllowPolicy() if allow is None else parse_redrive_allow(allow),
    )


def check_names(names: Mapping[str, str], *, fifo: bool) -> None:
    """Raise InvalidAttributeName for the first attribute that a queue of this kind cannot be given."""
    for name in names:
        of_fifo = name in FIFO_CHOICES or name == "FifoQueue"
        if name not in ALL or name in READ_ONLY or (of_fifo and not fifo):
            raise InvalidAttributeName(f"Unknown Attribute {name}.")


def change(current: Mapping[str, str], given: Mapping[str, str]) -> Mapping[str, str]:
    """The attributes with what was given changed; an empty document removes it. Raises the caller's error."""
    changed = dict(current)
    for name, value in given.items():
        if name in KMS:
            _refuse_kms(name, value)
        elif name in DOCUMENTS and value == "":
            changed.pop(name, None)
        else:
            _check(name, value)
            changed[name] = value
    per_group = changed.get("FifoThroughputLimit") == "perMessageGroupId"
    if per_group and changed.get("DeduplicationScope") != "messageGroup":
        raise InvalidAttributeValue(
            "Invalid value for the parameter FifoThroughputLimit. Reason: perMessageGroupId goes with "
            "DeduplicationScope messageGroup."
        )
    return changed


def described(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """What GetQueueAttributes shows of the attributes that can be set."""
    shown = {name: str(default) for name, (_, _, default) in NUMBERS.items()}
    if attributes.get("FifoQueue") == "true":
        shown |= {name: choices[0] for name, choices in FIFO_CHOICES.items()}
    # Unlike AWS's, new queues are not sealed: it takes memory and time, and the key lies beside the database.
    return {**shown, SEALED: "false", **attributes}


def _check(name: str, value: str) -> None:
    if name in NUMBERS:
        least, most, _ = NUMBERS[name]
        good = value.isascii() and value.isdecimal() and len(value) < 10 and least <= int(value) <= most
    elif name in FIFO_CHOICES:
        good = value in FIFO_CHOICES[name]
    elif name == "FifoQueue":
        good = value == "true"
    elif name == SEALED:
        good = value in ("true", "false")
    elif name == "Policy":
        good = _is_policy(value)
    elif name == "RedrivePolicy":
        parse_redrive(value)
        return
    else:
        parse_redrive_allow(value)
        return
    if not good:
        raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")


def _is_policy(value: str) -> bool:
    try:
        policy = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return isinstance(policy, dict) and isinstance(policy.get("Statement"), list | dict)


def _refuse_kms(name: str, value: str) -> None:
    """There are no KMS keys: a setting that names none is as good as no setting."""
    if name == "KmsDataKeyReusePeriodSeconds" and not value.isdecimal():
        raise InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    if name == "KmsMasterKeyId" and value:
        raise NotBuiltError(f"Encryption of queues with KMS keys ({name}) is not there yet in Stoker; {SEALED} is.")


def check_redrive(source_arn: str, source: Settings, target: Settings | None, text: str) -> None:
    """Whether the queue that a redrive policy names can be its target; None where there is no such queue."""
    reason = None
    if target is None:
        reason = "Dead letter target does not exist."
    elif target.fifo != source.fifo:
        reason = "Dead-letter queue must be same type of queue as the source."
    elif not target.redrive_allow.allows(source_arn):
        reason = "Dead-letter queue does not allow this queue as a source (RedriveAllowPolicy)."
    if reason is not None:
        raise InvalidParameterValue.of("RedrivePolicy", text, reason)
