"""Metrics and queries for them in the words of CloudWatch's API, as requests and alarms have them."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.errors import NotBuiltError, ValidationException
from stoker.observability.cloudwatch.errors import InvalidValueError, MissingParameterError
from stoker.observability.cloudwatch.metric_math import MetricMath, UnbuiltFunctionError
from stoker.observability.cloudwatch.points import Metric, dimensions_of, dimensions_text
from stoker.observability.cloudwatch.queries import MetricQuery, check
from stoker.observability.cloudwatch.retention import DAY_S
from stoker.observability.cloudwatch.series import MathError
from stoker.observability.cloudwatch.statistics import SIMPLE, UnbuiltStatisticError, UnknownStatisticError, measure

# GetMetricData's quota.
MOST_QUERIES = 500
_SHORT_PERIODS_S = (1, 5, 10, 20, 30)


def queries_of(given: Sequence[Mapping[str, Any]], region: str, math: MetricMath) -> list[MetricQuery]:
    """Queries from the wire. Raises ValidationException and NotBuiltError for those that cannot be answered."""
    if not given or len(given) > MOST_QUERIES:
        raise ValidationException(f"The collection MetricDataQueries must have 1 to {MOST_QUERIES} elements.")
    queries = [_query(each, region) for each in given]
    if len({query.id for query in queries}) < len(queries):
        raise ValidationException("The values for parameter id in MetricDataQueries are not unique.")
    try:
        check(math, queries)
    except MathError as error:
        raise ValidationException(str(error)) from error
    except UnknownStatisticError as error:
        raise ValidationException(f"The value {error} for parameter Stat is not supported.") from error
    except UnbuiltStatisticError as error:
        raise NotBuiltError(f"The statistic {error} is not built.") from error
    except UnbuiltFunctionError as error:
        raise NotBuiltError(str(error)) from error
    return queries


def _query(given: Mapping[str, Any], region: str) -> MetricQuery:
    stat, expression = given.get("MetricStat"), given.get("Expression")
    if (stat is None) == (expression is None):
        raise ValidationException(
            "Exactly one of MetricStat and Expression must be given in each of MetricDataQueries."
        )
    if not given["Id"][0].islower():
        raise ValidationException("The value for parameter Id must begin with a lower-case letter.")
    period_s = stat["Period"] if stat is not None else given.get("Period")
    return MetricQuery(
        id=given["Id"],
        metric=None if stat is None else metric_of(stat["Metric"], region),
        statistic="" if stat is None else stat["Stat"],
        unit=None if stat is None else stat.get("Unit"),
        period_s=None if period_s is None else check_period(period_s),
        expression=expression,
        label=given.get("Label"),
        returned=given.get("ReturnData", True),
    )


def metric_of(params: Mapping[str, Any], region: str) -> Metric:
    """The metric that is named by Namespace, MetricName and Dimensions."""
    for name in ("Namespace", "MetricName"):
        if name not in params:
            raise MissingParameterError(f"The parameter {name} is required.")
    return Metric(region, params["Namespace"], params["MetricName"], dimensions(params.get("Dimensions", [])))


def check_period(period_s: int) -> int:
    """The period, or InvalidValueError."""
    if period_s not in _SHORT_PERIODS_S and (period_s % 60 or period_s > DAY_S):
        raise InvalidValueError(
            f"The value {period_s} for parameter Period is invalid. It must be 1, 5, 10, 20, 30 or a multiple of 60, "
            f"up to {DAY_S}."
        )
    return period_s


def check_statistic(name: str, *, extended: bool = False) -> None:
    """Whether a statistic can be computed, or InvalidValueError or NotBuiltError."""
    try:
        measure(name)
    except UnbuiltStatisticError as error:
        raise NotBuiltError(f"The statistic {name} is not built.") from error
    except UnknownStatisticError as error:
        raise InvalidValueError(f"The value {name} for parameter ExtendedStatistics is not supported.") from error
    if extended and name in SIMPLE:
        raise InvalidValueError(f"The value {name} for parameter ExtendedStatistics is not supported.")


def describe(metric: Metric) -> Mapping[str, Any]:
    """A metric in the words of the wire."""
    named = [{"Name": name, "Value": value} for name, value in dimensions_of(metric.dimensions).items()]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": named}


def dimensions(given: Sequence[Mapping[str, str]]) -> str:
    """Dimensions from the wire as text. Raises InvalidValueError where a name is there twice."""
    found = {each["Name"]: each["Value"] for each in given}
    if len(found) < len(given):
        raise InvalidValueError("No dimension may be given more than once.")
    return dimensions_text(found)
