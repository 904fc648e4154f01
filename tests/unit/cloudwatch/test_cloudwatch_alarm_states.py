"""Which state datapoints put an alarm into: the tables of the CloudWatch User Guide, a row a case."""

import json
from typing import Any

import pytest

from stoker.alarms.alarm import Alarm, State
from stoker.alarms.evaluation import evaluate, span

END = 1_700_000_040 // 60 * 60
STAYS = "stays"


def alarm(state: str = STAYS, **settings: Any) -> Alarm:
    rules = {
        "MetricName": "m",
        "Namespace": "n",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 3,
        "Threshold": 5.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "missing",
        "ActionsEnabled": True,
        **settings,
    }
    return Alarm(region="us-east-1", name="a", revision=1, settings=rules, configured_at=0.0, state=State(value=state))


def points(drawn: str) -> dict[int, float]:
    """A row of the table: 0 is well, X breaches, - is missing; the latest comes last."""
    values = {"0": 1.0, "X": 9.0}
    marks = drawn.split()
    return {END - 60 * (len(marks) - place): values[mark] for place, mark in enumerate(marks) if mark in values}


def state(drawn: str, **settings: Any) -> str:
    found = evaluate(alarm(**settings), points(drawn), end=END, now=END + 6.0)
    return STAYS if found is None else found.value


TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("needed", "drawn", "expected"),
    [
        (3, "0 - X - X", (OK, OK, OK, OK)),
        (3, "- - - - 0", (OK, OK, OK, OK)),
        (3, "- - - - -", (UNKNOWN, STAYS, ALARM, OK)),
        (3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, "- - X - -", (ALARM, STAYS, ALARM, OK)),
        (3, "- - - - X", (STAYS, STAYS, ALARM, OK)),
        (2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (2, "0 - X - -", (OK, OK, ALARM, OK)),
        (2, "- - - - 0", (OK, OK, ALARM, OK)),
        (2, "- - - X -", (ALARM, STAYS, ALARM, OK)),
    ],
)
def test_missing_data_is_treated_as_documented(needed: int, drawn: str, expected: tuple[str, ...]) -> None:
    found = tuple(state(drawn, DatapointsToAlarm=needed, TreatMissingData=treatment) for treatment in TREATMENTS)
    assert found == expected


@pytest.mark.parametrize(
    ("comparison", "values"),
    [
        ("GreaterThanOrEqualToThreshold", {4.9: OK, 5.0: ALARM, 5.1: ALARM}),
        ("GreaterThanThreshold", {5.0: OK, 5.1: ALARM}),
        ("LessThanThreshold", {5.0: OK, 4.9: ALARM}),
        ("LessThanOrEqualToThreshold", {5.1: OK, 5.0: ALARM}),
    ],
)
def test_each_comparison(comparison: str, values: dict[float, str]) -> None:
    watched = alarm(EvaluationPeriods=1, DatapointsToAlarm=1, ComparisonOperator=comparison)
    for value, expected in values.items():
        found = evaluate(watched, {END - 60: value}, end=END, now=END)
        assert found is not None and found.value == expected


def test_a_state_says_why_in_words_and_data() -> None:
    found = evaluate(alarm(state=OK), points("X X X"), end=END, now=END + 6.0)
    assert found is not None
    assert found.reason == (
        "Threshold Crossed: 3 out of the last 3 datapoints [9.0 (14/11/23 22:11:00), 9.0 (14/11/23 22:12:00), "
        "9.0 (14/11/23 22:13:00)] were greater than the threshold (5.0) (minimum 3 datapoints for OK -> ALARM "
        "transition)."
    )
    data = json.loads(found.data or "")
    assert data["recentDatapoints"] == [9.0, 9.0, 9.0]
    assert (data["queryDate"], data["startDate"]) == ("2023-11-14T22:14:06.000+0000", "2023-11-14T22:11:00.000+0000")
    assert (data["statistic"], data["period"], data["threshold"]) == ("Sum", 60, 5.0)


@pytest.mark.parametrize(
    ("drawn", "settings", "reason"),
    [
        ("- - -", {}, "Insufficient Data: 3 datapoints were unknown."),
        (
            "- - -",
            {"TreatMissingData": "breaching"},
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as "
            "[Breaching].",
        ),
        (
            "0",
            {"EvaluationPeriods": 1, "DatapointsToAlarm": 1},
            "Threshold Crossed: 1 out of the last 1 datapoint [1.0 (14/11/23 22:13:00)] was not greater than the "
            "threshold (5.0) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
    ],
)
def test_reasons(drawn: str, settings: dict[str, Any], reason: str) -> None:
    found = evaluate(alarm(**settings), points(drawn), end=END, now=END)
    assert found is not None and found.reason == reason


def test_two_more_periods_are_looked_at_than_are_needed() -> None:
    assert span(alarm(), END) == (END - 300, END)


def test_what_is_the_case_already_is_no_change() -> None:
    assert state("X X X", state=ALARM) == STAYS
