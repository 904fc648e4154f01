"""GetMetricData, GetMetricStatistics and ListMetrics."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.observability.cloudwatch.errors import (
    InvalidCombinationError,
    InvalidValueError,
    MissingParameterError,
)
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.queries import MOST_POINTS, Answer, answer
from stoker.observability.cloudwatch.query_words import check_period, check_statistic, describe, metric_of, queries_of
from stoker.observability.cloudwatch.reading import LISTED_S, MetricSearch, Series, read_series, search_metrics
from stoker.observability.cloudwatch.retention import DAY_S
from stoker.observability.cloudwatch.series import MathError
from stoker.observability.cloudwatch.statistics import (
    SIMPLE,
    measure,
)
from stoker.observability.telemetry import Telemetry
from stoker.services.cloudwatch.pages import offset_of, token_of
from stoker.wire.message import Call, Result

# Quotas of the three operations.
MOST_STATISTICS_POINTS = 1_440
LISTED_AT_ONCE = 500
RECENT_S = 3 * 3600


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
        offset = offset_of(params.get("NextToken"))
        try:
            found = await self._telemetry.read_metrics(
                lambda connection: answer(connection, self._math, queries, start, end)
            )
        except MathError as error:
            raise ValidationException(str(error)) from error
        newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results, more = _page(found, offset, most, newest_first=newest_first)
        token = {"NextToken": token_of(offset + most)} if more else {}
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
        found = await self._telemetry.read_metrics(
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
            after=offset_of(params.get("NextToken")),
            limit=LISTED_AT_ONCE + 1,
        )
        found = await self._telemetry.read_metrics(lambda connection: search_metrics(connection, search))
        page = found[:LISTED_AT_ONCE]
        token = {"NextToken": token_of(page[-1][0])} if len(found) > len(page) else {}
        return {"Metrics": [describe(metric) for _, metric in page], **token}

    def _span(self, params: Mapping[str, Any]) -> tuple[int, int]:
        """From when to when, rounded to what is kept of that age."""
        start, end = params["StartTime"].timestamp(), params["EndTime"].timestamp()
        if start >= end:
            raise InvalidValueError("The parameter StartTime must be less than the parameter EndTime.")
        age = self._clock.time() - start
        finest = 1 if _finest(params) < 60 else 60 if age < 15 * DAY_S else 300 if age < 63 * DAY_S else 3600
        return int(start) // finest * finest, int(end)


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
