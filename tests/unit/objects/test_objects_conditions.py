"""Ranges and conditions as values."""

from datetime import UTC, datetime

import pytest

from stoker.objects.conditions import ReadConditions, WriteConditions, check_write, is_unmodified, parse_range
from stoker.objects.errors import InvalidArgument, InvalidRange, NoSuchKey, PreconditionFailed
from stoker.objects.version import ObjectVersion

THEN = 1_700_000_000.0
VERSION = ObjectVersion(bucket=1, key="k", seq=1, version_id="v", modified=THEN, etag="abc", size=10)
MARKER = ObjectVersion(bucket=1, key="k", seq=2, version_id="m", modified=THEN, is_marker=True)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (None, None),
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=9-100", (9, 1)),
        ("bytes=-3", (7, 3)),
        ("bytes=-100", (0, 10)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=1-2,4-5", None),
        ("lines=1-2", None),
    ],
)
def test_ranges(text: str | None, span: tuple[int, int] | None) -> None:
    assert parse_range(text, 10) == span


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-1", 0)])
def test_a_range_without_a_byte_is_refused(text: str, size: int) -> None:
    with pytest.raises(InvalidRange):
        parse_range(text, size)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(THEN + seconds, UTC)


@pytest.mark.parametrize(
    ("conditions", "unmodified"),
    [
        (ReadConditions(), False),
        (ReadConditions(if_none_match='"abc"'), True),
        (ReadConditions(if_none_match='W/"x", "abc"'), True),
        (ReadConditions(if_none_match='"x"', if_modified_since=at(9)), False),
        (ReadConditions(if_modified_since=at(0)), True),
        (ReadConditions(if_modified_since=at(-1)), False),
        (ReadConditions(if_match="*"), False),
        (ReadConditions(if_match='"abc"', if_unmodified_since=at(-9)), False),
    ],
)
def test_reads_under_conditions(conditions: ReadConditions, unmodified: bool) -> None:
    assert is_unmodified(VERSION, conditions) is unmodified


@pytest.mark.parametrize(
    "conditions", [ReadConditions(if_match='"x"'), ReadConditions(if_unmodified_since=at(-1))], ids=str
)
def test_reads_that_are_not_wanted(conditions: ReadConditions) -> None:
    with pytest.raises(PreconditionFailed):
        is_unmodified(VERSION, conditions)


@pytest.mark.parametrize(
    ("current", "conditions", "error"),
    [
        (None, WriteConditions(if_none_match="*"), None),
        (MARKER, WriteConditions(if_none_match="*"), None),
        (VERSION, WriteConditions(if_none_match="*"), PreconditionFailed),
        (None, WriteConditions(if_none_match='"abc"'), InvalidArgument),
        (VERSION, WriteConditions(if_match='"abc"'), None),
        (VERSION, WriteConditions(if_match='"x"'), PreconditionFailed),
        (None, WriteConditions(if_match='"abc"'), NoSuchKey),
        (MARKER, WriteConditions(if_match="*"), NoSuchKey),
        (VERSION, WriteConditions(size=10, modified=at(0)), None),
        (VERSION, WriteConditions(size=9), PreconditionFailed),
        (VERSION, WriteConditions(modified=at(1)), PreconditionFailed),
    ],
    ids=str,
)
def test_writes_under_conditions(
    current: ObjectVersion | None, conditions: WriteConditions, error: type[Exception] | None
) -> None:
    if error is None:
        check_write(current, "k", conditions)
    else:
        with pytest.raises(error):
            check_write(current, "k", conditions)
