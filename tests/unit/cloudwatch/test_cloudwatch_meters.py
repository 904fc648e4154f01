"""What Lambda measures without leaving a line: counted in memory and handed over, and concurrency looked at."""

import pytest

from fakes.clock import FakeClock
from stoker.environments.concurrency_samples import ConcurrencySample, ConcurrencySampler
from stoker.observability.cloudwatch.lambda_metrics import LambdaMetrics
from stoker.observability.cloudwatch.meters import FLUSH_S, Meters
from stoker.observability.cloudwatch.points import Points, dimensions_of


def figures(points: Points) -> dict[str, tuple[float, float]]:
    return {
        f"{point.metric.name} {' '.join(dimensions_of(point.metric.dimensions).values())}".strip(): (
            statistic.total,
            statistic.most,
        )
        for point, statistic in points.items()
    }


def test_samples_are_handed_over_together_after_some_seconds() -> None:
    clock, kept = FakeClock(), list[Points]()
    meters = Meters(kept.append, clock)
    meters.function("us-east-1", "hello", "Throttles")
    meters.function("us-east-1", "hello", "Throttles")
    meters.function("us-east-1", "hello", "IteratorAge", 250.0, "Milliseconds", qualifier="live")
    assert kept == []
    clock.advance(FLUSH_S)
    assert [figures(points) for points in kept] == [
        {
            "Throttles": (2, 1),
            "Throttles hello": (2, 1),
            "IteratorAge": (250, 250),
            "IteratorAge hello": (250, 250),
            "IteratorAge hello hello:live": (250, 250),
        }
    ]
    clock.advance(10 * FLUSH_S)
    meters.flush()
    assert len(kept) == 1


def test_the_peak_of_invocations_that_were_over_between_two_looks_is_seen() -> None:
    invocations, points = LambdaMetrics(), Points()
    for function, ended, ms in (("a", 10.0, 1000.0), ("a", 10.5, 1000.0), ("a", 12.0, 1000.0), ("b", 9.9, 100.0)):
        invocations.invoked(
            region="us-east-1",
            function=function,
            version="1",
            qualifier="",
            at=ended,
            duration_ms=ms,
            failed=False,
            provisioned=False,
        )
    invocations.put_into(points)
    found = {name: most for name, (_, most) in figures(points).items() if name.startswith("Concurrent")}
    assert found == {"ConcurrentExecutions": 3, "ConcurrentExecutions a": 2, "ConcurrentExecutions b": 1}


class FakeFleet:
    def __init__(self) -> None:
        self.now: dict[tuple[str, str], int] = {}

    def running_by_function(self) -> dict[tuple[str, str], int]:
        return self.now


class FakeProvisioning:
    def uses(self) -> list[tuple[str, str, str, int, int]]:
        return [("us-east-1", "reserved", "live", 4, 1)]


class FakeReservations:
    def of(self, function: tuple[str, str]) -> int | None:
        return 5 if function[1] == "reserved" else None


def test_running_invocations_are_counted_once_a_second_while_there_are_some() -> None:
    clock, fleet, seen = FakeClock(), FakeFleet(), list[ConcurrencySample]()
    sampler = ConcurrencySampler(
        fleet=fleet,  # type: ignore[arg-type]
        provisioning=FakeProvisioning(),  # type: ignore[arg-type]
        reservations=FakeReservations(),  # type: ignore[arg-type]
        clock=clock,
        observe=seen.append,
    )
    sampler.start()
    clock.advance(5)
    assert seen == []
    fleet.now = {("us-east-1", "reserved"): 2, ("us-east-1", "other"): 3, ("eu-west-1", "other"): 1}
    clock.advance(1)
    (sample,) = seen
    assert sample.by_region == {"us-east-1": 5, "eu-west-1": 1}
    assert sample.unreserved == {"us-east-1": 3, "eu-west-1": 1}
    (use,) = sample.provisioned
    assert (use.qualifier, use.available, use.running) == ("live", 4, 1)
    sampler.stop()
    clock.advance(5)
    assert len(seen) == 1


def test_a_look_that_fails_is_not_the_last() -> None:
    clock, fleet, looks = FakeClock(), FakeFleet(), list[int]()

    def observe(_sample: ConcurrencySample) -> None:
        looks.append(1)
        raise OSError("the disk is full")

    sampler = ConcurrencySampler(
        fleet=fleet,  # type: ignore[arg-type]
        provisioning=FakeProvisioning(),  # type: ignore[arg-type]
        reservations=FakeReservations(),  # type: ignore[arg-type]
        clock=clock,
        observe=observe,
    )
    sampler.start()
    fleet.now = {("us-east-1", "other"): 1}
    for _ in range(3):
        with pytest.raises(OSError, match="full"):
            clock.advance(1)
    assert len(looks) == 3
