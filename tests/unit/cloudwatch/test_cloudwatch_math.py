"""Metric math, one expression a case: what it gives over m1 and m2."""

from typing import Any

import pytest

from stoker.observability.cloudwatch.metric_math import MetricMath, UnbuiltFunctionError
from stoker.observability.cloudwatch.series import Grid, MathError, Series, Value

GRID = Grid(start=0, end=300, period_s=60)
M1 = Series(points={0: 1.0, 60: 2.0, 180: 4.0}, grid=GRID, label="one")
M2 = Series(points={0: 0.0, 60: 2.0, 120: 3.0}, grid=GRID, label="two")
MATH = MetricMath()

CASES: dict[str, Any] = {
    "m1 / m2": {60: 1},
    "-m1 ^ 2 * 3": {0: -3, 60: -12, 180: -48},
    "2 - 1 - 1 + AVG(m2)": 5 / 3,
    "m1 > 1": {0: 0, 60: 1, 180: 1},
    "m1 >= 2 && m2 < 5": {0: 0, 60: 1},
    "m1 OR m2": {0: 1, 60: 1},
    "[m1, m2] * 2": [{0: 2, 60: 4, 180: 8}, {0: 0, 60: 4, 120: 6}],
    "ABS(-m1)": {0: 1, 60: 2, 180: 4},
    "CEIL(m1 / 4) + FLOOR(m1 / 4)": {0: 1, 60: 1, 180: 2},
    "LOG10(m1 * 100 / m1)": {0: 2, 60: 2, 180: 2},
    "LOG(m2)": {60: 0.6931471805599453, 120: 1.0986122886681098},
    "SUM(METRICS())": {0: 1, 60: 4, 120: 3, 180: 4},
    "SUM(m1)": 7,
    "MIN([m1, m2])": {0: 0, 60: 2, 120: 3, 180: 4},
    "MAX(METRICS('m1'))": {0: 1, 60: 2, 180: 4},
    "STDDEV([m1, m2])": {0: 0.5, 60: 0, 120: 0, 180: 0},
    "DATAPOINT_COUNT(m1)": 3,
    "METRIC_COUNT(METRICS())": 2,
    "100 * (m1 / SUM([m1, m2]))": {0: 100, 60: 50, 180: 100},
    "FILL(m1, 0)": {0: 1, 60: 2, 120: 0, 180: 4, 240: 0},
    "FILL(m1, REPEAT)": {0: 1, 60: 2, 120: 2, 180: 4, 240: 4},
    "FILL(m1, LINEAR)": {0: 1, 60: 2, 120: 3, 180: 4},
    "FILL(m1, m2)": {0: 1, 60: 2, 120: 3, 180: 4},
    "RATE(m1)": {60: 1 / 60, 180: 1 / 60},
    "DIFF(m1)": {60: 1, 180: 2},
    "DIFF_TIME(m1)": {60: 60, 180: 120},
    "RUNNING_SUM(m1)": {0: 1, 60: 3, 180: 7},
    "PERIOD(m1)": 60,
    "IF(m1 > 1 AND m2 > 1, m1, 9)": {0: 9, 60: 2},
    "IF(m1 > 1, m2)": {60: 2},
    "TIME_SERIES(3)": {0: 3, 60: 3, 120: 3, 180: 3, 240: 3},
    "SORT(METRICS(), MAX, DESC, 1)": [{0: 1, 60: 2, 180: 4}],
    "FIRST(SLICE(METRICS(), 1))": {0: 0, 60: 2, 120: 3},
    "REMOVE_EMPTY([m1 / 0, m2])": [{0: 0, 60: 2, 120: 3}],
    "MINUTE(m1) + YEAR(m1) + MONTH(m1) + DATE(m1)": {0: 1972, 60: 1973, 180: 1975},
    "EPOCH(m1) + HOUR(m1) + DAY(m1)": {0: 4, 60: 64, 180: 184},
}


def evaluated(text: str) -> Value:
    series = {"m1": M1, "m2": M2}
    return MATH.parse(text).evaluate(values=series, metrics=series, grid=GRID)


def plain(value: Value) -> Any:
    if isinstance(value, Series):
        return {at: pytest.approx(number) for at, number in value.points.items()}
    return [plain(each) for each in value] if isinstance(value, list) else pytest.approx(value)


@pytest.mark.parametrize("text", CASES)
def test_expressions(text: str) -> None:
    assert CASES[text] == plain(evaluated(text))


@pytest.mark.parametrize(
    "text",
    ["m1 +", "m9", "FOO(m1)", "FILL(m1)", "FILL(m1, FAST)", "'text' + 1", "[m1] + [m2]", "[1]", "-" * 2000 + "m1"],
)
def test_what_is_no_expression_is_said_to_be_none(text: str) -> None:
    with pytest.raises(MathError):
        evaluated(text)


@pytest.mark.parametrize("text", ["SEARCH('x', 'Sum', 60)", "m1 + ANOMALY_DETECTION_BAND(m1)", "SELECT AVG(x) FROM y"])
def test_what_is_not_built_is_named(text: str) -> None:
    with pytest.raises(UnbuiltFunctionError):
        MATH.parse(text)


def test_powers_beyond_what_a_number_can_be_have_no_point() -> None:
    assert plain(evaluated("m1 * 10 ^ 400")) == {}
    assert plain(evaluated("(m1 * 1e200) ^ 3")) == {}
