"""EventBridge's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon EventBridge"."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.buses import names
from stoker.model.access import Access, AccessTable, Context, Where, arn_here


def _bus(member: str) -> Any:
    def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
        return [names.bus_arn(where.region, where.account, names.bus_name(params.get(member)))]

    return resources


def _rule(member: str) -> Any:
    def resources(params: Mapping[str, Any], where: Where) -> Sequence[str]:
        bus = names.bus_name(params.get("EventBusName"))
        return [names.rule_arn(where.region, where.account, bus, str(params.get(member, "")))]

    return resources


def _entries(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    buses = dict.fromkeys(names.bus_name(entry.get("EventBusName")) for entry in params.get("Entries", ()))
    return [names.bus_arn(where.region, where.account, bus) for bus in buses]


def _archive(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [names.archive_arn(where.region, where.account, str(params.get("ArchiveName", "")))]


def _replay(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [names.replay_arn(where.region, where.account, str(params.get("ReplayName", "")))]


def _arn(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    """A rule of the default bus has one ARN, though it is found under another as well."""
    arn = arn_here(str(params.get("ResourceARN", "")), where)
    return [arn.replace(f":rule/{names.DEFAULT_BUS}/", ":rule/", 1)]


def _event_source(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("EventSourceArn", "")), where)]


def _roles(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    given = [params, *params.get("Targets", ())]
    return [each["RoleArn"] for each in given if each.get("RoleArn")]


_PASS_ROLE = Access(
    action="iam:PassRole", resources=_roles, context=lambda _params: {"iam:PassedToService": "events.amazonaws.com"}
)


def _event_context(params: Mapping[str, Any]) -> Context:
    entries = params.get("Entries", ())
    keys = {"events:source": "Source", "events:detail-type": "DetailType"}
    return {key: list(dict.fromkeys(str(entry.get(name, "")) for entry in entries)) for key, name in keys.items()}


def _target_context(params: Mapping[str, Any]) -> Context:
    return {"events:TargetArn": [str(target.get("Arn", "")) for target in params.get("Targets", ())]}


ACCESS: AccessTable = {
    "CancelReplay": Access(action="events:CancelReplay", resources=_replay),
    "CreateArchive": Access(
        action="events:CreateArchive",
        resources=_archive,
        also=[Access(action="events:CreateArchive", resources=_event_source)],
    ),
    "CreateEventBus": Access(action="events:CreateEventBus", resources=_bus("Name")),
    "DeleteArchive": Access(action="events:DeleteArchive", resources=_archive),
    "DeleteEventBus": Access(action="events:DeleteEventBus", resources=_bus("Name")),
    "DeleteRule": Access(action="events:DeleteRule", resources=_rule("Name")),
    "DescribeArchive": Access(action="events:DescribeArchive", resources=_archive),
    "DescribeEventBus": Access(action="events:DescribeEventBus", resources=_bus("Name")),
    "DescribeReplay": Access(action="events:DescribeReplay", resources=_replay),
    "DescribeRule": Access(action="events:DescribeRule", resources=_rule("Name")),
    "DisableRule": Access(action="events:DisableRule", resources=_rule("Name")),
    "EnableRule": Access(action="events:EnableRule", resources=_rule("Name")),
    "ListArchives": Access(action="events:ListArchives"),
    "ListEventBuses": Access(action="events:ListEventBuses"),
    "ListReplays": Access(action="events:ListReplays"),
    "ListRuleNamesByTarget": Access(action="events:ListRuleNamesByTarget"),
    "ListRules": Access(action="events:ListRules"),
    "ListTagsForResource": Access(action="events:ListTagsForResource", resources=_arn),
    "ListTargetsByRule": Access(action="events:ListTargetsByRule", resources=_rule("Rule")),
    "PutEvents": Access(action="events:PutEvents", resources=_entries, context=_event_context),
    "PutPermission": Access(action="events:PutPermission", resources=_bus("EventBusName")),
    "PutRule": Access(action="events:PutRule", resources=_rule("Name"), also=[_PASS_ROLE]),
    "PutTargets": Access(
        action="events:PutTargets", resources=_rule("Rule"), context=_target_context, also=[_PASS_ROLE]
    ),
    "RemovePermission": Access(action="events:RemovePermission", resources=_bus("EventBusName")),
    "RemoveTargets": Access(action="events:RemoveTargets", resources=_rule("Rule")),
    "StartReplay": Access(
        action="events:StartReplay",
        resources=_replay,
        also=[Access(action="events:StartReplay", resources=_event_source)],
    ),
    "TagResource": Access(action="events:TagResource", resources=_arn),
    "TestEventPattern": Access(action="events:TestEventPattern"),
    "UntagResource": Access(action="events:UntagResource", resources=_arn),
    "UpdateArchive": Access(action="events:UpdateArchive", resources=_archive),
    "UpdateEventBus": Access(action="events:UpdateEventBus", resources=_bus("Name")),
}
