"""PutMetricData: what clients publish, checked and summed up."""

import asyncio
from collections.abc import Mapping
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.observability.cloudwatch.errors import (
    InvalidCombinationError,
    InvalidValueError,
    LimitExceededError,
    MissingParameterError,
)
from stoker.observability.cloudwatch.points import (
    GREATEST,
    NEWEST_S,
    OLDEST_S,
    Metric,
    Points,
    is_measurable,
)
from stoker.observability.cloudwatch.query_words import dimensions
from stoker.observability.cloudwatch.writing import MetricWriter, TooManyMetricsError
from stoker.observability.telemetry import Telemetry
from stoker.wire.message import Call

# PutMetricData's quotas.
MOST_DATA = 1_000
MOST_VALUES = 150
_MEASURES = ("Value", "Values", "StatisticValues")


class MetricData:
    """The operation that publishes."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    async def put_metric_data(self, call: Call) -> Mapping[str, Any]:
        """Durable when it is answered."""
        now = self._clock.time()
        publisher = "" if call.principal.is_operator else call.principal.issuer
        points = await asyncio.to_thread(gather, call.params, call.region, now, publisher)
        try:
            await self._telemetry.change(lambda connection: MetricWriter(connection).write(points, strict=True))
        except TooManyMetricsError as error:
            raise LimitExceededError(str(error)) from error
        return {}


def gather(params: Mapping[str, Any], region: str, now: float, publisher: str = "") -> Points:
    """All that one request publishes. Raises CloudWatch's errors for what is wrong with any of it."""
    if params.get("EntityMetricData"):
        raise NotBuiltError("Entities of metrics (EntityMetricData) are not built.")
    namespace, data = params["Namespace"], params.get("MetricData") or []
    if namespace.startswith("AWS/"):
        raise InvalidValueError("The value AWS/ for parameter Namespace is invalid.")
    if not data:
        raise MissingParameterError("The parameter MetricData is required.")
    if len(data) > MOST_DATA:
        raise InvalidValueError(f"The collection MetricData must not have a size greater than {MOST_DATA}.")
    points = Points(publisher)
    for number, datum in enumerate(data, 1):
        _gather_datum(points, datum, f"MetricData.member.{number}", region, namespace, now)
    return points


def _gather_datum(
    points: Points, datum: Mapping[str, Any], place: str, region: str, namespace: str, now: float
) -> None:
    at = datum["Timestamp"].timestamp() if "Timestamp" in datum else now
    if at < now - OLDEST_S:
        raise InvalidValueError(
            f"The parameter {place}.Timestamp must specify a time no more than two weeks in the past."
        )
    if at > now + NEWEST_S:
        raise InvalidValueError(f"The parameter {place}.Timestamp must specify a time within two hours in the future.")
    resolution = datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise InvalidValueError(
            f"The value {resolution} for parameter {place}.StorageResolution is invalid. It is 1 or 60."
        )
    metric = Metric(region, namespace, datum["MetricName"], dimensions(datum.get("Dimensions", [])))
    _check_measures(datum, place)
    for statistic in points.at(metric, datum.get("Unit", "None"), at, high_resolution=resolution == 1):
        if "StatisticValues" in datum:
            numbers = datum["StatisticValues"]
            statistic.add_set(*(numbers[name] for name in ("SampleCount", "Sum", "Minimum", "Maximum")))
        elif "Values" in datum:
            counts = datum.get("Counts") or [1.0] * len(datum["Values"])
            for value, count in zip(datum["Values"], counts, strict=True):
                statistic.add(value, count)
        else:
            statistic.add(datum["Value"])


def _check_measures(datum: Mapping[str, Any], place: str) -> None:
    given = [name for name in _MEASURES if name in datum]
    if not given:
        raise MissingParameterError(
            f"At least one of {place}.Value, {place}.Values and {place}.StatisticValues is required."
        )
    if len(given) > 1:
        raise InvalidCombinationError(
            f"The parameters {place}.{given[0]} and {place}.{given[1]} are mutually exclusive and you "
            "have specified both."
        )
    if "StatisticValues" in datum:
        _check_set(datum["StatisticValues"], place)
        return
    values, counts = datum.get("Values", [datum.get("Value")]), datum.get("Counts")
    if not values or len(values) > MOST_VALUES:
        raise InvalidValueError(f"The collection {place}.Values must have 1 to {MOST_VALUES} elements.")
    if counts is not None and len(counts) != len(values):
        raise InvalidValueError(
            f"The parameters {place}.Values and {place}.Counts must have the same number of elements."
        )
    for value in values:
        _check_number(value, f"{place}.Value")
    for count in counts or ():
        if not is_measurable(count) or count <= 0:
            raise InvalidValueError(
                f"The value {count} for parameter {place}.Counts is invalid. It must be greater than 0."
            )


def _check_set(numbers: Mapping[str, float], place: str) -> None:
    for name, number in numbers.items():
        _check_number(number, f"{place}.StatisticValues.{name}")
    if numbers["SampleCount"] <= 0:
        raise InvalidValueError(f"The parameter {place}.StatisticValues.SampleCount must be greater than 0.")
    if numbers["Minimum"] > numbers["Maximum"]:
        raise InvalidValueError(f"The parameter {place}.StatisticValues.Minimum must not be greater than its Maximum.")


def _check_number(number: float, place: str) -> None:
    if not is_measurable(number):
        raise InvalidValueError(
            f"The value {number} for parameter {place} is invalid. It must be a number from {-GREATEST:g} "
            f"to {GREATEST:g}."
        )
