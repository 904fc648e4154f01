"""CloudWatch Logs' operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon CloudWatch
Logs".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Where, arn_here
from stoker.observability.insights.rows import pointed
from stoker.services.logs.identifiers import group_arn

_OF_GROUPS = """
    CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy DescribeLogStreams FilterLogEvents
"""
_OF_STREAMS = "CreateLogStream DeleteLogStream PutLogEvents GetLogEvents"
_OF_TAGGED = "TagResource UntagResource ListTagsForResource"


def _arn(named: str, where: Where) -> str:
    """A group's, which may be named by its name, or by its ARN with or without `:*`."""
    if named.startswith("arn:"):
        return arn_here(named.removesuffix(":*"), where)
    return group_arn(where.region, where.account, named)


def _group(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    """With an empty stream, as AWS names it: patterns that end in `:*` are for a group and its streams."""
    named = str(params.get("logGroupName") or params.get("logGroupIdentifier") or "")
    return [f"{_arn(named, where)}:log-stream:"]


def _stream(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"{arn}{params.get('logStreamName', '')}" for arn in _group(params, where)]


def _tagged(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [_arn(str(params.get("resourceArn", "")), where)]


def _tailed(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [_arn(str(named), where) for named in params.get("logGroupIdentifiers", [])]


def _groups(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    if params.get("logGroupIdentifiers"):
        return [f"{arn}:log-stream:" for arn in _tailed(params, where)]
    return [f"{group_arn(where.region, where.account, params.get('logGroupNamePrefix') or '')}:log-stream:"]


def _queried(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    """Every group that a query is of."""
    named = [params.get("logGroupName"), *params.get("logGroupNames", []), *params.get("logGroupIdentifiers", [])]
    return [f"{_arn(str(each), where)}:log-stream:" for each in named if each]


def _pointed(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    """The group of the event that is pointed to; what points nowhere is told so."""
    place = pointed(str(params.get("logRecordPointer", "")))
    name = "" if place is None else place[0].partition(":")[2]
    return [f"{group_arn(where.region, where.account, name)}:log-stream:"]


ACCESS: AccessTable = {
    **{name: Access(action=f"logs:{name}", resources=_group) for name in _OF_GROUPS.split()},
    **{name: Access(action=f"logs:{name}", resources=_stream) for name in _OF_STREAMS.split()},
    **{name: Access(action=f"logs:{name}", resources=_tagged) for name in _OF_TAGGED.split()},
    "DescribeLogGroups": Access(action="logs:DescribeLogGroups", resources=_groups),
    "GetLogRecord": Access(action="logs:GetLogRecord", resources=_pointed),
    "StartQuery": Access(action="logs:StartQuery", resources=_queried),
    **{name: Access(action=f"logs:{name}") for name in ("GetQueryResults", "StopQuery", "DescribeQueries")},
    "StartLiveTail": Access(action="logs:StartLiveTail", resources=_tailed),
}
