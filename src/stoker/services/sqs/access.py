"""SQS's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon SQS"."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from stoker.model.access import Access, AccessTable, Where, arn_here
from stoker.queues.errors import InvalidAddress
from stoker.queues.queue import name_in_url


def account_in(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _by_url(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    try:
        name = name_in_url(str(params.get("QueueUrl", "")), where.account)
    except InvalidAddress:
        name = None
    # What is no queue of ours is told to whom all queues are open.
    return [f"arn:aws:sqs:{where.region}:{where.account}:{name or ''}"]


def _by_name(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    account = params.get("QueueOwnerAWSAccountId") or where.account
    return [f"arn:aws:sqs:{where.region}:{account}:{params.get('QueueName', '')}"]


def _by_source(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [_here(params.get("SourceArn"), where)]


def _by_destination(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [_here(params["DestinationArn"], where)] if params.get("DestinationArn") else []


def _here(arn: Any, where: Where) -> str:
    """Queues are found by the region that their ARN says."""
    named = str(arn or "")
    parts = named.split(":")
    return arn_here(named, replace(where, region=parts[3]) if len(parts) > 3 else where)


def _by_task(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    try:
        handle = json.loads(base64.b64decode(params.get("TaskHandle", ""), validate=True))
        return [_here(handle["sourceArn"], where)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ["*"]


# Who moves messages receives them from one queue and sends them to another.
_MOVES = [
    *[
        Access(action=f"sqs:{name}", resources=_by_source)
        for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    ],
    Access(action="sqs:SendMessage", resources=_by_destination),
]

ACCESS: AccessTable = {
    "AddPermission": Access(action="sqs:AddPermission", resources=_by_url),
    "CancelMessageMoveTask": Access(action="sqs:CancelMessageMoveTask", resources=_by_task),
    "ChangeMessageVisibility": Access(action="sqs:ChangeMessageVisibility", resources=_by_url),
    "ChangeMessageVisibilityBatch": Access(action="sqs:ChangeMessageVisibility", resources=_by_url),
    "CreateQueue": Access(action="sqs:CreateQueue", resources=_by_name),
    "DeleteMessage": Access(action="sqs:DeleteMessage", resources=_by_url),
    "DeleteMessageBatch": Access(action="sqs:DeleteMessage", resources=_by_url),
    "DeleteQueue": Access(action="sqs:DeleteQueue", resources=_by_url),
    "GetQueueAttributes": Access(action="sqs:GetQueueAttributes", resources=_by_url),
    "GetQueueUrl": Access(action="sqs:GetQueueUrl", resources=_by_name),
    "ListDeadLetterSourceQueues": Access(action="sqs:ListDeadLetterSourceQueues", resources=_by_url),
    "ListMessageMoveTasks": Access(action="sqs:ListMessageMoveTasks", resources=_by_source),
    "ListQueueTags": Access(action="sqs:ListQueueTags", resources=_by_url),
    "ListQueues": Access(action="sqs:ListQueues"),
    "PurgeQueue": Access(action="sqs:PurgeQueue", resources=_by_url),
    "ReceiveMessage": Access(action="sqs:ReceiveMessage", resources=_by_url),
    "RemovePermission": Access(action="sqs:RemovePermission", resources=_by_url),
    "SendMessage": Access(action="sqs:SendMessage", resources=_by_url),
    "SendMessageBatch": Access(action="sqs:SendMessage", resources=_by_url),
    "SetQueueAttributes": Access(action="sqs:SetQueueAttributes", resources=_by_url),
    "StartMessageMoveTask": Access(action="sqs:StartMessageMoveTask", resources=_by_source, also=_MOVES),
    "TagQueue": Access(action="sqs:TagQueue", resources=_by_url),
    "UntagQueue": Access(action="sqs:UntagQueue", resources=_by_url),
}
