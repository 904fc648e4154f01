"""DynamoDB Streams' operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon DynamoDB"."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.items.table import table_arn
from stoker.model.access import Access, AccessTable, Where


def _stream(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("StreamArn", ""))]


def _of_iterator(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    """An iterator begins with its stream's ARN."""
    return [str(params.get("ShardIterator", "")).partition("|")[0]]


def _of_table(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"{table_arn(where.region, where.account, str(params.get('TableName', '*')))}/stream/*"]


ACCESS: AccessTable = {
    "DescribeStream": Access(action="dynamodb:DescribeStream", resources=_stream),
    "GetRecords": Access(action="dynamodb:GetRecords", resources=_of_iterator),
    "GetShardIterator": Access(action="dynamodb:GetShardIterator", resources=_stream),
    "ListStreams": Access(action="dynamodb:ListStreams", resources=_of_table),
}
