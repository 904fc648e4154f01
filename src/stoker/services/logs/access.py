"""CloudWatch Logs' operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon CloudWatch
Logs".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Where
from stoker.services.logs.identifiers import group_arn

_OF_GROUPS = """
    CreateLogGroup DeleteLogGroup PutRetentionPolicy DeleteRetentionPolicy DescribeLogStreams FilterLogEvents
"""
_OF_STREAMS = "CreateLogStream DeleteLogStream PutLogEvents GetLogEvents"
_OF_TAGGED = "TagResource UntagResource ListTagsForResource"


def _group(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    """With an empty stream, as AWS names it: patterns that end in `:*` are for a group and its streams."""
    named = str(params.get("logGroupName") or params.get("logGroupIdentifier") or "")
    arn = named.removesuffix(":*") if named.startswith("arn:") else group_arn(where.region, where.account, named)
    return [f"{arn}:log-stream:"]


def _stream(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"{arn}{params.get('logStreamName', '')}" for arn in _group(params, where)]


def _tagged(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("resourceArn", ""))]


def _tailed(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(arn) for arn in params.get("logGroupIdentifiers", [])]


def _groups(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"{group_arn(where.region, where.account, params.get('logGroupNamePrefix') or '')}:log-stream:"]


ACCESS: AccessTable = {
    **{name: Access(action=f"logs:{name}", resources=_group) for name in _OF_GROUPS.split()},
    **{name: Access(action=f"logs:{name}", resources=_stream) for name in _OF_STREAMS.split()},
    **{name: Access(action=f"logs:{name}", resources=_tagged) for name in _OF_TAGGED.split()},
    "DescribeLogGroups": Access(action="logs:DescribeLogGroups", resources=_groups),
    "StartLiveTail": Access(action="logs:StartLiveTail", resources=_tailed),
}
