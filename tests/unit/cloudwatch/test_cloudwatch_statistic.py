import math
import random

import pytest

from stoker.observability.cloudwatch.points import Metric, Points, dimensions_of, dimensions_text
from stoker.observability.cloudwatch.statistic import MOST_BUCKETS, Statistic
from stoker.observability.cloudwatch.statistics import UnbuiltStatisticError, UnknownStatisticError, measure


def of(*values: float) -> Statistic:
    statistic = Statistic()
    for value in values:
        statistic.add(value)
    return statistic


def test_the_five_simple_statistics() -> None:
    statistic = of(4.0, -1.0, 6.0)
    names = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
    assert [measure(name)(statistic) for name in names] == [3.0, 9.0, 3.0, -1.0, 6.0]


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 90, 99, 99.9, 100])
def test_percentiles_are_within_two_percent_of_the_samples(percent: float) -> None:
    chance = random.Random(7)
    values = sorted(chance.lognormvariate(3.0, 1.0) for _ in range(5_000))
    exact = values[max(0, math.ceil(round(percent / 100 * len(values), 6)) - 1)]
    found = of(*values).percentile(percent)
    assert found == pytest.approx(exact, rel=0.021)


def test_percentiles_over_zero_and_negative_values() -> None:
    statistic = of(-10.0, -1.0, 0.0, 1.0, 10.0)
    found = [statistic.percentile(percent) for percent in (0, 20, 40, 60, 80, 100)]
    assert found == pytest.approx([-10.0, -10.0, -1.0, 0.0, 1.0, 10.0], rel=0.021)


def test_counts_weigh() -> None:
    statistic = Statistic()
    statistic.add(1.0, 99.0)
    statistic.add(100.0, 1.0)
    assert (statistic.total, statistic.percentile(50), statistic.percentile(99.5)) == (199.0, 1.0, 100.0)


def test_halves_that_are_merged_are_the_whole() -> None:
    whole, half = of(1.0, 2.0, 3.0, 4.0), of(1.0, 2.0)
    half.merge(of(3.0, 4.0))
    assert list(half) == list(whole)


def test_what_was_stored_comes_back() -> None:
    statistic = of(0.001, -7.0, 0.0, 3e9)
    statistic.add(5.0, 2.5)
    assert list(Statistic(*statistic)) == list(statistic)


def test_statistic_sets_have_no_percentiles_unless_their_samples_are_equal() -> None:
    spread, equal = Statistic(), Statistic()
    spread.add_set(3, 6.0, 1.0, 3.0)
    equal.add_set(3, 6.0, 2.0, 2.0)
    assert (spread.percentile(50), equal.percentile(50)) == (None, 2.0)
    assert (spread.samples, spread.average) == (3, 2.0)


def test_values_of_every_magnitude_take_no_more_than_so_many_bytes() -> None:
    statistic = of(*(2.0**power for power in range(-360, 361)))
    assert len(statistic.buckets) == MOST_BUCKETS
    assert len(statistic.spread()) < 1_600
    assert statistic.percentile(99) == pytest.approx(2.0**353, rel=0.021)


def test_statistics_that_there_are_not() -> None:
    for name in ("", "p", "p101", "median", "p50x"):
        with pytest.raises(UnknownStatisticError):
            measure(name)
    for name in ("tm99", "IQM", "PR(:300)", "wm(10%:90%)"):
        with pytest.raises(UnbuiltStatisticError):
            measure(name)


def test_the_order_of_dimensions_does_not_matter() -> None:
    one, other = dimensions_text({"b": "2", "a": "é"}), dimensions_text({"a": "é", "b": "2"})
    assert one == other
    assert dimensions_of(one) == {"a": "é", "b": "2"}


def test_samples_of_high_resolution_count_for_their_second_and_their_minute() -> None:
    points = Points()
    metric = Metric("us-east-1", "Shop", "Latency", dimensions_text({}))
    points.add(metric, "Count", 125.5, 7.0, high_resolution=True)
    points.add(metric, "Count", 130.0, 1.0)
    found = {(point.resolution_s, point.at): statistic.total for point, statistic in points.items()}
    assert found == {(1, 125): 7.0, (60, 120): 8.0}
