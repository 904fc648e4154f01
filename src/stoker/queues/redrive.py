"""RedrivePolicy and RedriveAllowPolicy: when a message has failed for good, and who may send theirs here. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from stoker.queues.errors import InvalidParameterValue

MAX_RECEIVES = 1_000
MAX_SOURCES = 10
_TARGET = "deadLetterTargetArn"
_COUNT = "maxReceiveCount"
_PERMISSIONS = ("allowAll", "denyAll", "byQueue")


class RedrivePolicy(Struct, frozen=True, kw_only=True):
    """After `max_receives` receives a message goes to the queue `target_arn`."""

    target_arn: str
    max_receives: int


class RedriveAllowPolicy(Struct, frozen=True, kw_only=True):
    """Which queues may name this one as their dead-letter queue."""

    permission: str = "allowAll"
    sources: tuple[str, ...] = ()

    def allows(self, source_arn: str) -> bool:
        return self.permission == "allowAll" or (self.permission == "byQueue" and source_arn in self.sources)


def parse_redrive(text: str) -> RedrivePolicy:
    """The policy; raises InvalidParameterValue."""
    policy = _document("RedrivePolicy", text, "Redrive policy")
    for name in (_TARGET, _COUNT):
        if policy.get(name) in (None, ""):
            raise _invalid("RedrivePolicy", text, f"Redrive policy does not contain mandatory attribute: {name}.")
    if len(policy) > 2:
        raise _invalid(
            "RedrivePolicy", text, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount]."
        )
    target, count = policy[_TARGET], policy[_COUNT]
    if not isinstance(target, str) or not target.startswith("arn:") or target.count(":") != 5:
        raise _invalid("RedrivePolicy", text, "Dead letter target is not a valid ARN.")
    if isinstance(count, bool) or not str(count).isdecimal() or not 1 <= int(count) <= MAX_RECEIVES:
        raise _invalid(
            "RedrivePolicy",
            text,
            f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to {MAX_RECEIVES} both inclusive.",
        )
    return RedrivePolicy(target_arn=target, max_receives=int(count))


def parse_redrive_allow(text: str) -> RedriveAllowPolicy:
    """The policy; raises InvalidParameterValue."""
    policy = _document("RedriveAllowPolicy", text, "Redrive allow policy")
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns", [])
    if permission not in _PERMISSIONS:
        raise _invalid("RedriveAllowPolicy", text, f"redrivePermission must be one of: {', '.join(_PERMISSIONS)}.")
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise _invalid("RedriveAllowPolicy", text, "sourceQueueArns must be a list of ARNs.")
    if (permission == "byQueue") != bool(sources):
        raise _invalid(
            "RedriveAllowPolicy", text, "sourceQueueArns goes with redrivePermission byQueue, and only with it."
        )
    if len(sources) > MAX_SOURCES:
        raise _invalid("RedriveAllowPolicy", text, f"There can be at most {MAX_SOURCES} sourceQueueArns.")
    return RedriveAllowPolicy(permission=permission, sources=tuple(sources))


def _document(parameter: str, text: str, what: str) -> Mapping[str, Any]:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict):
        raise _invalid(parameter, text, f"{what} is not a valid JSON map.")
    return policy


def _invalid(parameter: str, text: str, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue.of(parameter, text, reason)
