"""Filter policies of subscriptions: which messages they want. Pure.

Source: "Amazon SNS subscription filter policies" in the SNS Developer Guide.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from stoker.buses.message import MessageAttribute
from stoker.buses.topic_errors import InvalidParameterError
from stoker.model.event_pattern import EventPattern, PatternError, compile_pattern

MAX_COMBINATIONS = 150
MAX_KEYS = 5
ATTRIBUTES, BODY = "MessageAttributes", "MessageBody"
SCOPES = (ATTRIBUTES, BODY)


def check_filter_policy(text: str, scope: str) -> None:
    """Raises InvalidParameterError for what is no filter policy of this scope."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameterError("Invalid parameter: FilterPolicy: failed to parse JSON.") from None
    if not isinstance(document, dict):
        raise InvalidParameterError("Invalid parameter: FilterPolicy: failed to parse JSON.")
    if not document:
        return
    if scope == ATTRIBUTES and any(isinstance(value, dict) for value in document.values()):
        raise InvalidParameterError(
            "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
        )
    leaves = list(_leaves(document, 1))
    if len(leaves) > MAX_KEYS:
        raise InvalidParameterError("Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys")
    combinations = functools.reduce(lambda product, leaf: product * leaf, leaves, 1)
    if combinations > MAX_COMBINATIONS:
        raise InvalidParameterError("Invalid parameter: FilterPolicy: Filter policy is too complex")
    _compiled(text)


def wants(policy: str | None, scope: str, message: str, attributes: Mapping[str, MessageAttribute]) -> bool:
    """Whether a subscription with this policy wants a message."""
    if not policy or json.loads(policy) == {}:
        return True
    if scope == BODY:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and _compiled(policy).matches(document)
    return _compiled(policy).matches({name: _value(attribute) for name, attribute in attributes.items()})


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> EventPattern:
    try:
        return compile_pattern(json.loads(text))
    except PatternError as error:
        raise InvalidParameterError(f"Invalid parameter: FilterPolicy: {error}") from None


def _leaves(document: Mapping[str, Any], depth: int) -> Any:
    """For each key the number of its alternatives, times how deep it is nested."""
    for value in document.values():
        if isinstance(value, dict):
            yield from _leaves(value, depth + 1)
        elif isinstance(value, list):
            yield max(1, len(value)) * depth


def _value(attribute: MessageAttribute) -> Any:
    """An attribute's value as patterns see it."""
    if attribute.data_type == "Number":
        return float(attribute.text) if not attribute.text.lstrip("-").isdecimal() else int(attribute.text)
    if attribute.data_type == "String.Array":
        try:
            return json.loads(attribute.text)
        except (ValueError, RecursionError):
            return attribute.text
    return attribute.text
