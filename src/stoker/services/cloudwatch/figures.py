"""GetMetricData, GetMetricStatistics and ListMetrics."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.observability.cloudwatch.metric_math import MetricMath, UnbuiltFunctionError
from stoker.observability.cloudwatch.points import Metric, dimensions_of
from stoker.observability.cloudwatch.queries import MOST_POINTS, Answer, MetricQuery, answer, check
from stoker.observability.cloudwatch.reading import LISTED_S, MetricSearch, Series, read_series, search_metrics
from stoker.observability.cloudwatch.retention import DAY_S
from stoker.observability.cloudwatch.series import MathError
from stoker.observability.cloudwatch.statistics import (
    SIMPLE,
    UnbuiltStatisticError,
    UnknownStatisticError,
    measure,
)
from stoker.observability.telemetry import Telemetry
from stoker.services.cloudwatch.errors import (
    InvalidCombinationError,
    InvalidNextTokenError,
    InvalidValueError,
    MissingParameterError,
)
from stoker.services.cloudwatch.metric_data import dimensions
from stoker.wire.message import Call, Result

# Quotas of the three operations.
MOST_QUERIES = 500
MOST_STATISTICS_POINTS = 1_440
LISTED_AT_ONCE = 500
RECENT_S = 3 * 3600
_SHORT_PERIODS_S = (1, 5, 10, 20, 30)


class Figures:
    """The operations that ask."""

    def __init__(self, telemetry: Telemetry, clock: Clock, math: MetricMath) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._math = math

    async def get_metric_data(self, call: Call) -> Result:
        params = call.params
        queries = queries_of(params["MetricDataQueries"], call.region, self._math)
        start, end = self._span(params)
        most = params.get("MaxDatapoints", MOST_POINTS)
        if not 1 <= most <= MOST_POINTS:
            raise ValidationException(
                f"The value {most} for parameter MaxDatapoints is not between 1 and {MOST_POINTS}."
            )
        offset = _offset(params.get("NextToken"))
        try:
            found = await self._telemetry.read(lambda connection: answer(connection, self._math, queries, start, end))
        except MathError as error:
            raise ValidationException(str(error)) from error
        newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results, more = _page(found, offset, most, newest_first=newest_first)
        token = {"NextToken": _token(offset + most)} if more else {}
        return Result(members={"MetricDataResults": results, "Messages": [], **token}, is_large=True)

    async def get_metric_statistics(self, call: Call) -> Result:
        params = call.params
        simple, extended = params.get("Statistics", []), params.get("ExtendedStatistics", [])
        if not simple and not extended:
            raise MissingParameterError(
                "At least one of the parameters Statistics and ExtendedStatistics must be specified."
            )
        for name in extended:
            check_statistic(name, extended=True)
        period_s = check_period(params["Period"])
        start, end = self._span(params)
        asked = -(-(end - start) // period_s)
        if asked > MOST_STATISTICS_POINTS:
            raise InvalidCombinationError(
                f"You have requested up to {asked:,} datapoints, which exceeds the limit of "
                f"{MOST_STATISTICS_POINTS:,}. You may reduce the datapoints requested by increasing Period, or "
                "decreasing the time range."
            )
        metric = metric_of(params, call.region)
        found = await self._telemetry.read(
            lambda connection: read_series(
                connection,
                metric,
                start=start,
                end=end,
                period_s=period_s,
                unit=params.get("Unit"),
                with_spread=bool(extended),
            )
        )
        return Result(members={"Label": metric.name, "Datapoints": _datapoints(found, simple, extended)}, is_large=True)

    async def list_metrics(self, call: Call) -> Mapping[str, Any]:
        params, now = call.params, int(self._clock.time())
        if params.get("IncludeLinkedAccounts") or params.get("OwningAccount"):
            raise NotBuiltError("Metrics of linked accounts are not built: there is one account.")
        search = MetricSearch(
            region=call.region,
            namespace=params.get("Namespace"),
            name=params.get("MetricName"),
            dimensions=[(each["Name"], each.get("Value")) for each in params.get("Dimensions", [])],
            since=now - (RECENT_S if "RecentlyActive" in params else LISTED_S),
            after=_offset(params.get("NextToken")),
            limit=LISTED_AT_ONCE + 1,
        )
        found = await self._telemetry.read(lambda connection: search_metrics(connection, search))
        page = found[:LISTED_AT_ONCE]
        token = {"NextToken": _token(page[-1][0])} if len(found) > len(page) else {}
        return {"Metrics": [describe(metric) for _, metric in page], **token}

    def _span(self, params: Mapping[str, Any]) -> tuple[int, int]:
        """From when to when, rounded to what is kept of that age."""
        start, end = params["StartTime"].timestamp(), params["EndTime"].timestamp()
        if start >= end:
            raise InvalidValueError("The parameter StartTime must be less than the parameter EndTime.")
        age = self._clock.time() - start
        finest = 1 if _finest(params) < 60 else 60 if age < 15 * DAY_S else 300 if age < 63 * DAY_S else 3600
        return int(start) // finest * finest, int(end)


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


def _finest(params: Mapping[str, Any]) -> int:
    """The shortest period that is asked for."""
    queries = params.get("MetricDataQueries", [])
    periods: list[int] = [query["MetricStat"]["Period"] for query in queries if "MetricStat" in query]
    return min([*periods, int(params.get("Period", 60))])


def _page(
    found: Sequence[Answer], offset: int, most: int, *, newest_first: bool
) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """The points from the offset on, of all series one after the other; and whether there are more."""
    results, left = [], most
    for each in found:
        points = sorted(each.series.points.items(), reverse=newest_first)
        shown = points[offset : offset + left]
        cut = len(points) > offset + len(shown)
        if shown or not points or offset < len(points):
            results.append(
                {
                    "Id": each.id,
                    "Label": each.series.label,
                    "Timestamps": [at for at, _ in shown],
                    "Values": [float(value) for _, value in shown],
                    "StatusCode": "PartialData" if cut else "Complete",
                }
            )
        offset, left = max(0, offset - len(points)), left - len(shown)
        if cut:
            return results, True
    return results, False


def _datapoints(found: Series, simple: Sequence[str], extended: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    datapoints = []
    for (at, unit), statistic in sorted(found.items()):
        values = {name: SIMPLE[name](statistic) for name in simple}
        percentiles = {name: value for name in extended if (value := measure(name)(statistic)) is not None}
        further = {"ExtendedStatistics": percentiles} if percentiles else {}
        if values or percentiles:
            datapoints.append({"Timestamp": at, "Unit": unit, **values, **further})
    return datapoints


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def _offset(token: str | None) -> int:
    """What `_token` had in it, or InvalidNextTokenError."""
    if token is None:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise InvalidNextTokenError from error
    return number
