"""What PutMetricAlarm is asked, checked and completed; and alarms as DescribeAlarms shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.alarms.alarm import Alarm
from stoker.alarms.evaluation import BREACHING, COMPARISONS, IGNORE, MISSING, NOT_BREACHING
from stoker.model.errors import NotBuiltError, ValidationException
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.query_words import check_period, check_statistic, metric_of, queries_of

_UNBUILT = (
    "ActionConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "EvaluationWindow",
    "ThresholdMetricId",
    "WarmUpConfiguration",
)
_TREATMENTS = (BREACHING, IGNORE, MISSING, NOT_BREACHING)
ACTION_LISTS = ("OKActions", "AlarmActions", "InsufficientDataActions")
_DAY_S, _WEEK_S, _HOUR_S = 86_400, 604_800, 3_600
_OF_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit")
_KEPT = (
    "AlarmDescription",
    "EvaluationPeriods",
    "ComparisonOperator",
    "Threshold",
    "Metrics",
    *ACTION_LISTS,
    *_OF_ONE_METRIC,
)


def settings_of(params: Mapping[str, Any], *, region: str, account: str, math: MetricMath) -> Mapping[str, Any]:
    """An alarm's settings. Raises ValidationException, CloudWatch's errors and NotBuiltError."""
    for name in _UNBUILT:
        if params.get(name):
            raise NotBuiltError(f"{name} of alarms is not built.")
    for name in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if name not in params:
            raise ValidationException(f"The parameter {name} is required.")
    if params["ComparisonOperator"] not in COMPARISONS:
        raise NotBuiltError(f"{params['ComparisonOperator']} is for anomaly detection, which is not built.")
    if params.get("EvaluateLowSampleCountPercentile", "evaluate") != "evaluate":
        raise NotBuiltError("EvaluateLowSampleCountPercentile other than evaluate is not built.")
    _check_actions(params, region=region, account=account)
    kept = {name: params[name] for name in _KEPT if name in params}
    settings = {
        **kept,
        "ActionsEnabled": params.get("ActionsEnabled", True),
        "DatapointsToAlarm": params.get("DatapointsToAlarm", params["EvaluationPeriods"]),
        "TreatMissingData": params.get("TreatMissingData", MISSING),
    }
    if settings["TreatMissingData"] not in _TREATMENTS:
        raise ValidationException(
            f"Option {settings['TreatMissingData']} is not supported. Must be one of [{', '.join(_TREATMENTS)}]."
        )
    if settings["DatapointsToAlarm"] > settings["EvaluationPeriods"]:
        raise ValidationException("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    _check_metrics(settings, region, math)
    return settings


def _check_metrics(settings: Mapping[str, Any], region: str, math: MetricMath) -> None:
    alarm = Alarm(region=region, name="", revision=0, settings=settings, configured_at=0.0)
    if "Metrics" in settings:
        if any(name in settings for name in _OF_ONE_METRIC):
            raise ValidationException("Metrics list cannot be specified with MetricName and its parameters.")
        returned = [query for query in queries_of(settings["Metrics"], region, math) if query.returned]
        if len(returned) != 1:
            raise ValidationException("Exactly one element of the metrics list should return data.")
    else:
        metric_of(settings, region)
        if "Period" not in settings:
            raise ValidationException("The parameter Period is required.")
        if ("Statistic" in settings) == ("ExtendedStatistic" in settings):
            raise ValidationException("Exactly one of Statistic and ExtendedStatistic must be specified.")
        check_period(settings["Period"])
        if "ExtendedStatistic" in settings:
            check_statistic(settings["ExtendedStatistic"], extended=True)
    longest = _WEEK_S if alarm.period_s >= _HOUR_S else _DAY_S
    if alarm.period_s * settings["EvaluationPeriods"] > longest:
        raise ValidationException(
            "Metrics cannot be checked across more than a "
            f"{'week' if longest == _WEEK_S else 'day'} (EvaluationPeriods * Period must be <= {longest})."
        )


def _check_actions(params: Mapping[str, Any], *, region: str, account: str) -> None:
    for target in (each for name in ACTION_LISTS for each in params.get(name, ())):
        parts = target.split(":")
        if len(parts) < 6 or parts[0] != "arn":
            raise ValidationException(f"Invalid arn syntax: {target}")
        if parts[2] not in ("lambda", "sns"):
            raise NotBuiltError(f"Actions of {parts[2]} are not built; topics and functions are told of alarms.")
        if parts[3] != region or parts[4] != account:
            raise ValidationException(f"Invalid region or account in {target}. Actions are in the alarm's own.")


def describe(alarm: Alarm, account: str) -> Mapping[str, Any]:
    """An alarm in the words of the wire."""
    lists: Mapping[str, Sequence[str]] = {name: alarm.settings.get(name, []) for name in ACTION_LISTS}
    dimensions = {} if "Metrics" in alarm.settings else {"Dimensions": alarm.settings.get("Dimensions", [])}
    return {
        **alarm.settings,
        **lists,
        **dimensions,
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn(account),
        "AlarmConfigurationUpdatedTimestamp": alarm.configured_at,
        "StateValue": alarm.state.value,
        "StateReason": alarm.state.reason,
        "StateReasonData": alarm.state.data,
        "StateUpdatedTimestamp": alarm.state.updated_at,
        "StateTransitionedTimestamp": alarm.state.updated_at,
    }
