"""Conditional requests and ranges. Pure.

Source: "Conditional requests" in the S3 user guide and in the reference of each operation; RFC 9110, 13 and 14.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from stoker.objects.errors import InvalidArgument, InvalidRange, NoSuchKey, PreconditionFailed
from stoker.objects.version import ObjectVersion

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True, kw_only=True)
class ReadConditions:
    """Under which an object is answered; None asks for nothing."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_unmodified_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WriteConditions:
    """Under which an object is written or deleted. `size` and `modified` are for deletes."""

    if_match: str | None = None
    if_none_match: str | None = None
    size: int | None = None
    modified: datetime | None = None


def is_unmodified(version: ObjectVersion, conditions: ReadConditions) -> bool:
    """Whether the caller has this version already; raises PreconditionFailed for what he does not want.

    An ETag that was asked for wins over a date (RFC 9110, 13.2.2).
    """
    if conditions.if_match is not None:
        if not _matches(conditions.if_match, version):
            raise PreconditionFailed(Condition="If-Match")
    elif conditions.if_unmodified_since is not None and version.modified > conditions.if_unmodified_since.timestamp():
        raise PreconditionFailed(Condition="If-Unmodified-Since")
    if conditions.if_none_match is not None:
        return _matches(conditions.if_none_match, version)
    since = conditions.if_modified_since
    return since is not None and version.modified <= since.timestamp()


def check_source(version: ObjectVersion, conditions: ReadConditions) -> None:
    """For a copy's source, which is never answered with 304."""
    if is_unmodified(version, conditions):
        raise PreconditionFailed(
            Condition="x-amz-copy-source-If-"
            + ("None-Match" if conditions.if_none_match is not None else "Modified-Since")
        )


def check_write(current: ObjectVersion | None, key: str, conditions: WriteConditions) -> None:
    """Raises PreconditionFailed, or NoSuchKey where something that is not there should match."""
    existing = None if current is None or current.is_marker else current
    if conditions.if_none_match is not None:
        if conditions.if_none_match != "*":
            raise InvalidArgument("If-None-Match takes only * for writes.", ArgumentName="If-None-Match")
        if existing is not None:
            raise PreconditionFailed(Condition="If-None-Match")
    if conditions.if_match is not None:
        if existing is None:
            raise NoSuchKey(Key=key)
        if not _matches(conditions.if_match, existing):
            raise PreconditionFailed(Condition="If-Match")
    if existing is not None and conditions.size not in (None, existing.size):
        raise PreconditionFailed(Condition="x-amz-if-match-size")
    if (
        existing is not None
        and conditions.modified is not None
        and existing.modified != conditions.modified.timestamp()
    ):
        raise PreconditionFailed(Condition="x-amz-if-match-last-modified-time")


def _matches(stated: str, version: ObjectVersion) -> bool:
    return any(
        each.strip() == "*" or each.strip().removeprefix("W/").strip('"') == version.etag for each in stated.split(",")
    )


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Start and length of the part that is asked for; None for the whole. A range in another form is passed over, as
    RFC 9110 has it. Raises InvalidRange for one that has no byte."""
    found = _RANGE.fullmatch(text.strip()) if text is not None else None
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        if last and int(last) < start:
            return None
        length = min(int(last), size - 1) - start + 1 if last else size - start
    if length <= 0 or start >= size:
        raise InvalidRange(RangeRequested=text, ActualObjectSize=size)
    return start, length
