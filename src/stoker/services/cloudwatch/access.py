"""CloudWatch's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon CloudWatch"."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.alarms.alarm import alarm_arn
from stoker.model.access import Access, AccessTable, Context, Where, arn_here


def _namespace(params: Mapping[str, Any]) -> Context:
    return {"cloudwatch:namespace": str(params.get("Namespace", ""))}


def _alarm(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [alarm_arn(where.region, where.account, str(params.get("AlarmName") or "*"))]


def _alarms(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [alarm_arn(where.region, where.account, str(name)) for name in params.get("AlarmNames") or ["*"]]


def _tagged(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("ResourceARN", "")), where)]


_OF_ALARM = "PutMetricAlarm SetAlarmState DescribeAlarmHistory"
_OF_ALARMS = "DeleteAlarms DescribeAlarms DisableAlarmActions EnableAlarmActions"
_OF_TAGGED = "ListTagsForResource TagResource UntagResource"
_OF_NONE = "DescribeAlarmsForMetric GetMetricData GetMetricStatistics ListMetrics"

ACCESS: AccessTable = {
    **{name: Access(action=f"cloudwatch:{name}") for name in _OF_NONE.split()},
    **{name: Access(action=f"cloudwatch:{name}", resources=_alarm) for name in _OF_ALARM.split()},
    **{name: Access(action=f"cloudwatch:{name}", resources=_alarms) for name in _OF_ALARMS.split()},
    **{name: Access(action=f"cloudwatch:{name}", resources=_tagged) for name in _OF_TAGGED.split()},
    "PutMetricData": Access(action="cloudwatch:PutMetricData", context=_namespace),
}
