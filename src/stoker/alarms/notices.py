"""What is told of an alarm that changed: to topics, to functions, and on the default event bus. Pure.

Source: "Notifying users on alarm changes", "Invoke a Lambda function from an alarm" and "Alarm events and EventBridge"
in the CloudWatch User Guide.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from stoker.alarms.alarm import Alarm, State
from stoker.alarms.evaluation import stamp
from stoker.deliveries.delivery import Delivery

CALLER = "cloudwatch.amazonaws.com"
# Functions' policies let this one in.
FUNCTION_CALLER = "lambda.alarms.cloudwatch.amazonaws.com"
_SHORT_NAMES = {"SampleCount": "SAMPLE_COUNT"}


def deliveries(alarm: Alarm, before: State, *, account: str, region_name: str) -> Iterator[Delivery]:
    """To whom a change of state, from the one `before`, is told. `region_name` is what people call its region."""
    state_event = event(alarm, before, account=account)
    yield _delivery(alarm, account, f"arn:aws:events:{alarm.region}:{account}:event-bus/default", state_event, CALLER)
    for target in alarm.actions(alarm.state.value):
        if target.split(":")[2] == "lambda":
            body: Mapping[str, Any] = function_event(alarm, before, account=account)
            yield _delivery(alarm, account, target, body, FUNCTION_CALLER)
        else:
            body = notification(alarm, before, account=account, region_name=region_name)
            yield _delivery(alarm, account, target, body, CALLER)


def _delivery(alarm: Alarm, account: str, target: str, body: Mapping[str, Any], caller: str) -> Delivery:
    return Delivery(
        target=target,
        body=json.dumps(body, separators=(",", ":")).encode(),
        caller=caller,
        source_arn=alarm.arn(account),
        region=alarm.region,
        account=account,
    )


def notification(alarm: Alarm, before: State, *, account: str, region_name: str) -> Mapping[str, Any]:
    """The message to a topic."""
    settings = alarm.settings
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": settings.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured_at),
        "NewStateValue": alarm.state.value,
        "NewStateReason": alarm.state.reason,
        "StateChangeTime": stamp(alarm.state.updated_at),
        "Region": region_name,
        "AlarmArn": alarm.arn(account),
        "OldStateValue": before.value,
        "OKActions": settings.get("OKActions", []),
        "AlarmActions": settings.get("AlarmActions", []),
        "InsufficientDataActions": settings.get("InsufficientDataActions", []),
        "Trigger": _trigger(settings),
    }


def _trigger(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    rule = {
        "Period": settings.get("Period", 0),
        "EvaluationPeriods": settings["EvaluationPeriods"],
        "DatapointsToAlarm": settings["DatapointsToAlarm"],
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings["Threshold"],
        "TreatMissingData": settings["TreatMissingData"],
        "EvaluateLowSampleCountPercentile": "",
    }
    if "Metrics" in settings:
        return {**rule, "Metrics": settings["Metrics"]}
    if "Statistic" in settings:
        statistic = _SHORT_NAMES.get(settings["Statistic"], settings["Statistic"].upper())
        measured = {"StatisticType": "Statistic", "Statistic": statistic}
    else:
        measured = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": settings["ExtendedStatistic"]}
    dimensions = [{"value": each["Value"], "name": each["Name"]} for each in settings.get("Dimensions", [])]
    return {
        "MetricName": settings["MetricName"],
        "Namespace": settings["Namespace"],
        **measured,
        "Unit": settings.get("Unit"),
        "Dimensions": dimensions,
        **rule,
    }


def function_event(alarm: Alarm, before: State, *, account: str) -> Mapping[str, Any]:
    """The event for a function."""
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm.arn(account),
        "accountId": account,
        "time": stamp(alarm.state.updated_at),
        "region": alarm.region,
        "alarmData": _change(alarm, before),
    }


def event(alarm: Alarm, before: State, *, account: str) -> Mapping[str, Any]:
    """The event on the bus."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": account,
        "time": f"{stamp(alarm.state.updated_at)[:19]}Z",
        "region": alarm.region,
        "resources": [alarm.arn(account)],
        "detail": _change(alarm, before),
    }


def _change(alarm: Alarm, before: State) -> Mapping[str, Any]:
    described = alarm.settings.get("AlarmDescription")
    return {
        "alarmName": alarm.name,
        "state": _state(alarm.state),
        "previousState": _state(before),
        "configuration": {
            **({} if described is None else {"description": described}),
            "metrics": _metrics(alarm),
        },
    }


def _state(state: State) -> Mapping[str, Any]:
    data = {} if state.data is None else {"reasonData": state.data}
    return {"value": state.value, "reason": state.reason, **data, "timestamp": stamp(state.updated_at)}


def _metrics(alarm: Alarm) -> list[Mapping[str, Any]]:
    settings = alarm.settings
    if "Metrics" not in settings:
        metric = {name: settings[name] for name in ("Namespace", "MetricName", "Dimensions") if name in settings}
        statistic = settings.get("Statistic") or settings["ExtendedStatistic"]
        unit = {"Unit": settings["Unit"]} if "Unit" in settings else {}
        stat = {"Metric": metric, "Period": settings["Period"], "Stat": statistic, **unit}
        # The same for the same alarm, as ids on AWS are.
        id_ = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{alarm.region}:{alarm.name}"))
        return [_metric({"Id": id_, "MetricStat": stat})]
    return [_metric(query) for query in settings["Metrics"]]


def _metric(query: Mapping[str, Any]) -> Mapping[str, Any]:
    found: dict[str, Any] = {"id": query["Id"]}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        found["metricStat"] = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
            **({"unit": stat["Unit"]} if "Unit" in stat else {}),
        }
    else:
        found["expression"] = query["Expression"]
    if "Label" in query:
        found["label"] = query["Label"]
    return {**found, "returnData": query.get("ReturnData", True)}
