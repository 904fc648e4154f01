"""Attributes of topics and subscriptions: which there are, and what they may be. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.buses.delivery_policy import check_subscription_policy, check_topic_policy
from stoker.buses.filter_policy import ATTRIBUTES, SCOPES, check_filter_policy
from stoker.buses.topic_errors import InvalidParameterError
from stoker.model.errors import NotBuiltError

MAX_DISPLAY_NAME_CHARS = 100
BOOLEANS = ("true", "false")
TOPIC_ATTRIBUTES = frozenset(
    {
        "DisplayName",
        "Policy",
        "DeliveryPolicy",
        "FifoTopic",
        "ContentBasedDeduplication",
        "FifoThroughputScope",
        "SignatureVersion",
    }
)
BY_GROUP = "MessageGroup"
# What nothing here would obey; an empty value, or one that switches it off, is taken.
UNBUILT_TOPIC_ATTRIBUTES = {
    "KmsMasterKeyId": "",
    "TracingConfig": "PassThrough",
    "ArchivePolicy": "{}",
    "DataProtectionPolicy": "",
}
SUBSCRIPTION_ATTRIBUTES = frozenset(
    {"RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy", "DeliveryPolicy"}
)
UNBUILT_SUBSCRIPTION_ATTRIBUTES = {"SubscriptionRoleArn": "", "ReplayPolicy": "{}"}
RAW_PROTOCOLS = frozenset({"sqs", "http", "https"})


def check_topic_attribute(name: str, value: str) -> bool:
    """Whether an attribute is one to be kept. Raises InvalidParameterError, NotBuiltError."""
    if name in UNBUILT_TOPIC_ATTRIBUTES or "Feedback" in name:
        return _refuse_unbuilt(name, value, UNBUILT_TOPIC_ATTRIBUTES.get(name, ""))
    if name not in TOPIC_ATTRIBUTES:
        raise InvalidParameterError("Invalid parameter: AttributeName")
    if name in ("FifoTopic", "ContentBasedDeduplication") and value not in BOOLEANS:
        raise InvalidParameterError(f"Invalid parameter: Attributes Reason: {name}: Invalid value, must be true/false")
    if name == "FifoThroughputScope" and value not in ("", "Topic", BY_GROUP):
        raise InvalidParameterError("Invalid parameter: Attributes Reason: FifoThroughputScope: Invalid value")
    if name == "DisplayName" and len(value) > MAX_DISPLAY_NAME_CHARS:
        raise InvalidParameterError("Invalid parameter: DisplayName")
    if name == "SignatureVersion" and value not in ("1", "2"):
        raise InvalidParameterError("Invalid parameter: Attributes Reason: SignatureVersion: Invalid value")
    if name == "DeliveryPolicy":
        check_topic_policy(value)
    return True


def policy_statements(text: str) -> Sequence[Mapping[str, Any]]:
    """The statements of a topic's Policy attribute. Raises InvalidParameterError."""
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise InvalidParameterError("Invalid parameter: Policy Error: null") from None
    return statements if isinstance(statements, list) else [statements]


def check_subscription_attributes(protocol: str, attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The attributes to be kept. Raises InvalidParameterError, NotBuiltError."""
    kept = {name: value for name, value in attributes.items() if _is_kept(name, value)}
    if (raw := kept.get("RawMessageDelivery")) is not None:
        if raw.lower() not in BOOLEANS:
            raise InvalidParameterError(
                "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [{raw}]. Must be true or "
                "false.".replace("{raw}", raw)
            )
        if raw.lower() == "true" and protocol not in RAW_PROTOCOLS:
            raise InvalidParameterError(
                f"Invalid parameter: Attributes Reason: Delivery protocol [{protocol}] does not support raw message "
                "delivery."
            )
        kept["RawMessageDelivery"] = raw.lower()
    scope = kept.get("FilterPolicyScope", ATTRIBUTES)
    if scope not in SCOPES:
        raise InvalidParameterError(
            f"Invalid parameter: Attributes Reason: FilterPolicyScope: Invalid value [{scope}]. Please use either "
            "MessageBody or MessageAttributes"
        )
    if kept.get("FilterPolicy"):
        check_filter_policy(kept["FilterPolicy"], scope)
    if kept.get("RedrivePolicy"):
        dead_letter_queue(kept["RedrivePolicy"])
    if kept.get("DeliveryPolicy"):
        check_subscription_policy(kept["DeliveryPolicy"])
    return {name: value for name, value in kept.items() if value}


def dead_letter_queue(text: str | None) -> str | None:
    """The queue that a RedrivePolicy names. Raises InvalidParameterError."""
    if not text:
        return None
    try:
        arn = json.loads(text)["deadLetterTargetArn"]
    except (ValueError, KeyError, TypeError):
        arn = None
    if not isinstance(arn, str) or not arn.startswith("arn:") or arn.split(":")[2] != "sqs":
        raise InvalidParameterError("Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn")
    return arn


def _is_kept(name: str, value: str) -> bool:
    if name in UNBUILT_SUBSCRIPTION_ATTRIBUTES:
        return _refuse_unbuilt(name, value, UNBUILT_SUBSCRIPTION_ATTRIBUTES[name])
    if name not in SUBSCRIPTION_ATTRIBUTES:
        raise InvalidParameterError("Invalid parameter: AttributeName")
    return True


def _refuse_unbuilt(name: str, value: str, off: str) -> bool:
    if value not in ("", off):
        raise NotBuiltError(f"{name} is not there yet in Stoker.")
    return False
