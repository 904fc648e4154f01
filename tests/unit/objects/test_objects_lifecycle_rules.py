"""What lifecycle rules make of the versions of a key, at which moment."""

from typing import Any

import pytest

from stoker.model.errors import NotBuiltError
from stoker.objects.bucket import Bucket
from stoker.objects.errors import InvalidArgument, InvalidRequest, MalformedXML, S3Error
from stoker.objects.lifecycle_rules import DAY_S, LIFECYCLE, Due, check_rules, due, read_rules
from stoker.objects.version import Attributes, ObjectVersion

START = 20_000 * DAY_S  # a midnight
NOON = START + DAY_S / 2


def version(seq: int = 1, *, days: float = 0.0, **values: Any) -> ObjectVersion:
    given = {"key": "logs/a", "version_id": f"v{seq}", "modified": NOON + days * DAY_S, "size": 100, **values}
    return ObjectVersion(bucket=1, seq=seq, **given)


def what_is_due(rule: dict[str, Any], now: float, *versions: ObjectVersion) -> list[tuple[int, Due]]:
    whole = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, **rule}
    check_rules([whole])
    bucket = Bucket(id=1, name="b", region="r", created=0, settings={LIFECYCLE: [whole]})
    return [(each.seq, what) for each, what in due(read_rules(bucket), versions, now)]


def test_days_end_at_the_next_midnight() -> None:
    rule = {"Expiration": {"Days": 3}}
    assert what_is_due(rule, START + 4 * DAY_S - 1, version()) == []
    assert what_is_due(rule, START + 4 * DAY_S, version()) == [(1, Due.EXPIRE)]
    assert what_is_due({**rule, "Status": "Disabled"}, START + 9 * DAY_S, version()) == []


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        ({"Prefix": "logs/"}, True),
        ({"Prefix": "other/"}, False),
        ({"Tag": {"Key": "a", "Value": "1"}}, True),
        ({"Tag": {"Key": "a", "Value": "2"}}, False),
        ({"ObjectSizeGreaterThan": 99}, True),
        ({"ObjectSizeGreaterThan": 100}, False),
        ({"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "1"}], "ObjectSizeLessThan": 100}}, False),
        ({}, True),
    ],
)
def test_a_filter_says_for_what_a_rule_is(conditions: dict[str, Any], applies: bool) -> None:
    tagged = version(attributes=Attributes(tags={"a": "1"}))
    found = what_is_due({"Filter": conditions, "Expiration": {"Days": 1}}, START + 9 * DAY_S, tagged)
    assert bool(found) is applies


def test_older_versions_go_by_the_day_on_which_they_were_replaced() -> None:
    rule = {"NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 1}}
    newest, middle, oldest = version(3, days=2), version(2, days=1), version(1)
    found = what_is_due(rule, START + 20 * DAY_S, newest, middle, oldest)
    assert found == [(1, Due.REMOVE)]
    assert what_is_due(rule, START + 3 * DAY_S, newest, middle, oldest) == []


def test_a_marker_that_stands_alone_goes() -> None:
    rule = {"Expiration": {"ExpiredObjectDeleteMarker": True}}
    marker = version(2, is_marker=True)
    assert what_is_due(rule, NOON, marker) == [(2, Due.REMOVE)]
    assert what_is_due(rule, NOON, marker, version(1)) == []


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, NotBuiltError),
        ({}, InvalidRequest),
        ({"Expiration": {"Days": 0}}, InvalidArgument),
        ({"Expiration": {"Date": "2026-01-01T12:00:00+00:00"}}, InvalidArgument),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, MalformedXML),
        ({"Prefix": "", "Expiration": {"Days": 1}}, MalformedXML),
        ({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}}, InvalidArgument),
    ],
)
def test_rules_that_cannot_be_are_refused(rule: dict[str, Any], error: type[S3Error]) -> None:
    with pytest.raises(error):
        what_is_due(rule, NOON, version())
