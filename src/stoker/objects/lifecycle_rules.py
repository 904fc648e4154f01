"""Lifecycle rules: what they say, and what is due by them. Pure.

Source: "Managing the lifecycle of objects" and "Lifecycle configuration elements" in the S3 user guide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from typing import Any

from stoker.model.errors import NotBuiltError
from stoker.objects.bucket import Bucket
from stoker.objects.errors import InvalidArgument, InvalidRequest, MalformedXML
from stoker.objects.version import ObjectVersion

LIFECYCLE = "lifecycle"
DAY_S = 86_400
MAX_RULES, MAX_ID = 1000, 255
_ACTIONS = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")


@dataclass(frozen=True, kw_only=True)
class LifecycleRule:
    """One enabled rule. Days count from an object's time, `date` is in seconds since the epoch."""

    id: str
    prefix: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    larger_than: int = -1
    smaller_than: int | None = None
    days: int | None = None
    date: float | None = None
    lone_markers: bool = False
    noncurrent_days: int | None = None
    noncurrent_kept: int = 0
    abort_days: int | None = None

    def applies_to(self, version: ObjectVersion) -> bool:
        tags = version.attributes.tags
        return (
            version.key.startswith(self.prefix)
            and all(tags.get(key) == value for key, value in self.tags.items())
            and (version.is_marker or version.size > self.larger_than)
            and (version.is_marker or self.smaller_than is None or version.size < self.smaller_than)
        )

    def expires_at(self, version: ObjectVersion) -> float | None:
        """When the newest version expires."""
        if self.days is not None:
            return midnight_after(version.modified + self.days * DAY_S)
        return self.date


class Due(Enum):
    """What is to be done with a version."""

    EXPIRE = "expire"
    """It is the newest: deleted as its key would be."""
    REMOVE = "remove"
    """Removed for good."""


def read_rules(bucket: Bucket) -> Sequence[LifecycleRule]:
    """The rules of a bucket that are enabled."""
    given = bucket.settings.get(LIFECYCLE) or []
    return [_rule(each) for each in given if each["Status"] == "Enabled"]


def midnight_after(moment: float) -> float:
    """AWS rounds up to the next midnight UTC."""
    return (moment // DAY_S + 1) * DAY_S


def due(
    rules: Sequence[LifecycleRule], versions: Sequence[ObjectVersion], now: float
) -> list[tuple[ObjectVersion, Due]]:
    """What is due of one key's versions, which are all that there are, the newest first."""
    newest, older = versions[0], versions[1:]
    found: list[tuple[ObjectVersion, Due]] = []
    if newest.is_marker:
        if not older and any(_clears(rule, newest, now) for rule in rules):
            found.append((newest, Due.REMOVE))
    elif any(_is_over(rule.expires_at(newest), now) for rule in rules if rule.applies_to(newest)):
        found.append((newest, Due.EXPIRE))
    for place, version in enumerate(older):
        since = versions[place].modified
        if any(_is_outlived(rule, version, since, place, now) for rule in rules):
            found.append((version, Due.REMOVE))
    return found


def _clears(rule: LifecycleRule, marker: ObjectVersion, now: float) -> bool:
    """Whether a marker that stands alone goes: where that is asked for, or where it is as old as what would expire."""
    if not rule.applies_to(marker):
        return False
    return rule.lone_markers or (rule.days is not None and _is_over(rule.expires_at(marker), now))


def _is_outlived(rule: LifecycleRule, version: ObjectVersion, since: float, place: int, now: float) -> bool:
    """`place` is how many newer noncurrent versions there are."""
    if rule.noncurrent_days is None or not rule.applies_to(version) or place < rule.noncurrent_kept:
        return False
    return _is_over(midnight_after(since + rule.noncurrent_days * DAY_S), now)


def _is_over(moment: float | None, now: float) -> bool:
    return moment is not None and now >= moment


def expiration_header(bucket: Bucket, version: ObjectVersion) -> str | None:
    """`x-amz-expiration`: when the newest version expires, and by which rule."""
    rules = read_rules(bucket) if bucket.settings.get(LIFECYCLE) else ()
    moments = [(rule.expires_at(version), rule.id) for rule in rules if rule.applies_to(version)]
    known = sorted((moment, name) for moment, name in moments if moment is not None)
    if not known or not version.listed:
        return None
    moment, name = known[0]
    date = format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)
    return f'expiry-date="{date}", rule-id="{name}"'


def _rule(given: Mapping[str, Any]) -> LifecycleRule:
    conditions = given.get("Filter") or {}
    conditions = {**conditions, **(conditions.get("And") or {})}
    tags = conditions.get("Tags") or ([conditions["Tag"]] if conditions.get("Tag") else [])
    expiration = given.get("Expiration") or {}
    noncurrent = given.get("NoncurrentVersionExpiration") or {}
    return LifecycleRule(
        id=given["ID"],
        prefix=conditions.get("Prefix") or given.get("Prefix") or "",
        tags={tag["Key"]: tag["Value"] for tag in tags},
        larger_than=conditions.get("ObjectSizeGreaterThan", -1),
        smaller_than=conditions.get("ObjectSizeLessThan"),
        days=expiration.get("Days"),
        date=None if "Date" not in expiration else datetime.fromisoformat(expiration["Date"]).timestamp(),
        lone_markers=expiration.get("ExpiredObjectDeleteMarker", False),
        noncurrent_days=noncurrent.get("NoncurrentDays"),
        noncurrent_kept=noncurrent.get("NewerNoncurrentVersions", 0),
        abort_days=(given.get("AbortIncompleteMultipartUpload") or {}).get("DaysAfterInitiation"),
    )


def check_rules(rules: Sequence[Mapping[str, Any]]) -> None:
    """Raises what AWS says of rules that cannot be; each has its ID."""
    if len(rules) > MAX_RULES:
        raise MalformedXML()
    ids = [rule["ID"] for rule in rules]
    if len(set(ids)) != len(ids):
        raise InvalidArgument("Rule ID must be unique. Found same ID for one or more rules")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Mapping[str, Any]) -> None:
    if len(rule["ID"]) > MAX_ID:
        raise InvalidArgument("ID length should not exceed allowed limit of 255")
    if rule.get("Transitions") or rule.get("NoncurrentVersionTransitions"):
        raise NotBuiltError("Transitions to other storage classes are not there yet in Stoker.")
    if ("Filter" in rule) == ("Prefix" in rule):
        raise MalformedXML()
    actions = [
        rule.get(name) for name in ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    ]
    if not any(actions):
        raise InvalidRequest("At least one action needs to be specified in a rule")
    expiration, noncurrent, abort = ({} if action is None else action for action in actions)
    _check_expiration(expiration)
    if noncurrent and noncurrent.get("NoncurrentDays", 0) <= 0:
        raise InvalidArgument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
    if abort and abort.get("DaysAfterInitiation", 0) <= 0:
        raise InvalidArgument(
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"
        )
    conditions = rule.get("Filter") or {}
    tagged = bool(conditions.get("Tag") or (conditions.get("And") or {}).get("Tags"))
    if tagged and (abort or expiration.get("ExpiredObjectDeleteMarker")):
        what = "AbortIncompleteMultipartUpload" if abort else "ExpiredObjectDeleteMarker"
        raise InvalidRequest(f"{what} cannot be specified with Tags.")


def _check_expiration(expiration: Mapping[str, Any]) -> None:
    if len(expiration) > 1:
        raise MalformedXML()
    if "Days" in expiration and expiration["Days"] <= 0:
        raise InvalidArgument("'Days' for Expiration action must be a positive integer")
    if "Date" in expiration and datetime.fromisoformat(expiration["Date"]).timestamp() % DAY_S:
        raise InvalidArgument("'Date' must be at midnight GMT")
