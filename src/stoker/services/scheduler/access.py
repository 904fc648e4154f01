"""EventBridge Scheduler's operations in IAM's words.

Source: "Actions, resources, and condition keys for Amazon EventBridge Scheduler".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.buses import names
from stoker.buses.schedule_groups import DEFAULT_GROUP
from stoker.model.access import Access, AccessTable, Where, arn_here


def _schedule(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    group = params.get("GroupName", DEFAULT_GROUP)
    return [names.schedule_arn(where.region, where.account, group, str(params.get("Name", "")))]


def _group(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [names.schedule_group_arn(where.region, where.account, str(params.get("Name", "")))]


def _arn(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("ResourceArn", "")), where)]


def _role(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("Target", {}).get("RoleArn", ""))]


_PASS_ROLE = Access(
    action="iam:PassRole",
    resources=_role,
    context=lambda _params: {"iam:PassedToService": "scheduler.amazonaws.com"},
)

ACCESS: AccessTable = {
    "CreateSchedule": Access(action="scheduler:CreateSchedule", resources=_schedule, also=[_PASS_ROLE]),
    "CreateScheduleGroup": Access(action="scheduler:CreateScheduleGroup", resources=_group),
    "DeleteSchedule": Access(action="scheduler:DeleteSchedule", resources=_schedule),
    "DeleteScheduleGroup": Access(action="scheduler:DeleteScheduleGroup", resources=_group),
    "GetSchedule": Access(action="scheduler:GetSchedule", resources=_schedule),
    "GetScheduleGroup": Access(action="scheduler:GetScheduleGroup", resources=_group),
    "ListScheduleGroups": Access(action="scheduler:ListScheduleGroups"),
    "ListSchedules": Access(action="scheduler:ListSchedules"),
    "ListTagsForResource": Access(action="scheduler:ListTagsForResource", resources=_arn),
    "TagResource": Access(action="scheduler:TagResource", resources=_arn),
    "UntagResource": Access(action="scheduler:UntagResource", resources=_arn),
    "UpdateSchedule": Access(action="scheduler:UpdateSchedule", resources=_schedule, also=[_PASS_ROLE]),
}
