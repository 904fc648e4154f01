"""The embedded metric format: what a line gives, and that hostile lines cost nothing."""

import json
from typing import Any

import pytest

from stoker.observability.cloudwatch.embedded import MARK, MOST_OF_A_LINE, measure
from stoker.observability.cloudwatch.points import MOST_POINTS, Points, dimensions_of

NOW_MS = 1_700_000_000_000
DIRECTIVE = {
    "Namespace": "Shop",
    "Dimensions": [["service"], []],
    "Metrics": [{"Name": "took", "Unit": "Milliseconds"}, {"Name": "sold", "StorageResolution": 1}],
}
MEMBERS = {"service": "till", "took": 12.5, "sold": [1, 2], "note": "not a metric"}


def line(*directives: Any, at: Any = NOW_MS, **members: Any) -> str:
    return json.dumps({"_aws": {"Timestamp": at, "CloudWatchMetrics": list(directives)}, **MEMBERS, **members})


def found(*messages: str) -> dict[tuple[str, str, str, int], float]:
    points = Points()
    for message in messages:
        assert MARK in message
        measure(points, "us-east-1", message, NOW_MS)
    return {
        (point.metric.name, json.dumps(dimensions_of(point.metric.dimensions)), point.unit, point.resolution_s): (
            statistic.total
        )
        for point, statistic in points.items()
    }


def test_each_metric_counts_for_each_set_of_dimensions() -> None:
    of_till, of_none = '{"service": "till"}', "{}"
    assert found(line(DIRECTIVE) + "\n") == {
        ("took", of_till, "Milliseconds", 60): 12.5,
        ("took", of_none, "Milliseconds", 60): 12.5,
        ("sold", of_till, "None", 1): 3.0,
        ("sold", of_till, "None", 60): 3.0,
        ("sold", of_none, "None", 1): 3.0,
        ("sold", of_none, "None", 60): 3.0,
    }


@pytest.mark.parametrize(
    "message",
    [
        'no JSON "_aws"',
        '{"_aws": 1}',
        '{"_aws": {"Timestamp": 1700000000000, "CloudWatchMetrics": {}}}',
        '["_aws"]',
        '{"_aws": ' + "[" * 50_000,
        '"_aws" \ud800',
        line(DIRECTIVE, at=1),
        line(DIRECTIVE, at=NOW_MS + 3 * 3_600_000),
        line(DIRECTIVE, at="yesterday"),
        line(DIRECTIVE, at=10**400),
        line(None, 5, [], {"Namespace": 3}),
        line({**DIRECTIVE, "Namespace": "AWS/Lambda"}),
        line({**DIRECTIVE, "Namespace": ""}),
        line({**DIRECTIVE, "Metrics": [{"Name": "note"}, {"Name": "gone"}, {"Name": 7}, 7]}),
        line({**DIRECTIVE, "Metrics": [{"Name": "took", "Unit": "Furlongs"}, {"Name": "took", "Unit": []}]}),
        line({**DIRECTIVE, "Metrics": [{"Name": "took"}] * 101}),
        line({**DIRECTIVE, "Dimensions": [["gone"], ["took"], [{}], "service", [["service"]]]}),
        line({**DIRECTIVE, "Dimensions": [["service"]] * 101}),
        line(DIRECTIVE, took=True, sold=[1] * 101),
        line(DIRECTIVE, took=10**400, sold=1e301),
        line(DIRECTIVE, took=None, sold=[1, "2"]),
        line(DIRECTIVE, took=-(2.0**361), sold=[]),
    ],
)
def test_a_bad_line_measures_nothing(message: str) -> None:
    assert found(message) == {}


def test_one_line_can_ask_for_so_much_at_most() -> None:
    names = [f"m{number}" for number in range(100)]
    members: dict[str, Any] = dict.fromkeys(names, 1)
    directive = {
        "Namespace": "Flood",
        "Dimensions": [[f"d{number}"] for number in range(100)],
        "Metrics": [{"Name": name} for name in names],
    }
    members |= {f"d{number}": "x" * 1000 for number in range(100)}
    assert len(found(line(*[directive] * 50, **members))) <= MOST_OF_A_LINE


def test_many_lines_take_up_so_much_memory_at_most() -> None:
    points = Points()
    metrics = [{"Name": f"m{number}"} for number in range(100)]
    members = {f"m{number}": 1 for number in range(100)}
    for number in range(300):
        directive = {"Namespace": f"Flood{number}", "Dimensions": [[]], "Metrics": metrics}
        measure(points, "us-east-1", line(directive, **members), NOW_MS)
    assert len(list(points.items())) == MOST_POINTS
    assert points.dropped == 30_000 - MOST_POINTS
