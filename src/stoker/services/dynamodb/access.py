"""DynamoDB's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon DynamoDB"."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stoker.items.table import table_arn
from stoker.model.access import Access, AccessTable, Resources, Where, arn_here

Params = Mapping[str, Any]


def _arn(name: str, where: Where) -> str:
    return arn_here(name, where) if name.startswith("arn:") else table_arn(where.region, where.account, name)


def _table(params: Params, where: Where) -> Sequence[str]:
    return [_arn(str(params.get("TableName", "")), where)]


def _table_or_index(params: Params, where: Where) -> Sequence[str]:
    arn = _table(params, where)[0]
    return [f"{arn}/index/{params['IndexName']}" if "IndexName" in params else arn]


def _named(params: Params, where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("ResourceArn", "")), where)]


def _batch(params: Params, where: Where) -> Sequence[str]:
    return [_arn(name, where) for name in params.get("RequestItems", {})]


def _transaction(*kinds: str) -> Resources:
    def resources(params: Params, where: Where) -> Sequence[str]:
        operations = [each[kind] for each in params.get("TransactItems", ()) for kind in kinds if kind in each]
        return list(dict.fromkeys(arn for operation in operations for arn in _table(operation, where)))

    return resources


def _context(params: Params) -> Mapping[str, str | Sequence[str]]:
    """The request's own words that a policy may ask about."""
    asked = ("Select", "ReturnValues", "ReturnConsumedCapacity")
    return {f"dynamodb:{name}": str(params[name]) for name in asked if name in params}


def _on_table(action: str, resources: Resources = _table) -> Access:
    return Access(action=f"dynamodb:{action}", resources=resources, context=_context)


def _transact_write(params: Params) -> Access | None:
    """A transaction needs the rights of what it is made of."""
    present = {kind for each in params.get("TransactItems", ()) for kind in each}
    rows = [_on_table(action, _transaction(kind)) for action, kind in _WRITES if kind in present]
    return replace(rows[0], also=rows[1:]) if rows else None


_ON_TABLES = (
    "CreateTable",
    "DeleteItem",
    "DeleteTable",
    "DescribeContinuousBackups",
    "DescribeKinesisStreamingDestination",
    "DescribeTable",
    "DescribeTimeToLive",
    "GetItem",
    "PutItem",
    "UpdateContinuousBackups",
    "UpdateItem",
    "UpdateTable",
    "UpdateTimeToLive",
)
_WRITES = (
    ("PutItem", "Put"),
    ("UpdateItem", "Update"),
    ("DeleteItem", "Delete"),
    ("ConditionCheckItem", "ConditionCheck"),
)

ACCESS: AccessTable = {
    **{action: _on_table(action) for action in _ON_TABLES},
    "DescribeContributorInsights": _on_table("DescribeContributorInsights", _table_or_index),
    "GetResourcePolicy": Access(action="dynamodb:GetResourcePolicy", resources=_named),
    "DeleteResourcePolicy": Access(action="dynamodb:DeleteResourcePolicy", resources=_named),
    "BatchGetItem": _on_table("BatchGetItem", _batch),
    "BatchWriteItem": _on_table("BatchWriteItem", _batch),
    "Query": _on_table("Query", _table_or_index),
    "Scan": _on_table("Scan", _table_or_index),
    "TransactGetItems": _on_table("GetItem", _transaction("Get")),
    "TransactWriteItems": Access(action="dynamodb:PutItem", instead=_transact_write),
    "ListTables": Access(action="dynamodb:ListTables"),
    "DescribeLimits": Access(action="dynamodb:DescribeLimits"),
    "DescribeEndpoints": Access(action="dynamodb:DescribeEndpoints"),
    "TagResource": Access(action="dynamodb:TagResource", resources=_named),
    "UntagResource": Access(action="dynamodb:UntagResource", resources=_named),
    "ListTagsOfResource": Access(action="dynamodb:ListTagsOfResource", resources=_named),
}
