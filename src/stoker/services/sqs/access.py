"""SQS's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon SQS"."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Where


def account_in(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 4 else ""


def _by_url(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    path = str(params.get("QueueUrl", "")).rstrip("/").split("/")
    account = path[-2] if len(path) > 1 and path[-2].isdecimal() else where.account
    return [f"arn:aws:sqs:{where.region}:{account}:{path[-1]}"]


def _by_name(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    account = params.get("QueueOwnerAWSAccountId") or where.account
    return [f"arn:aws:sqs:{where.region}:{account}:{params.get('QueueName', '')}"]


def _by_source(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("SourceArn", ""))]


def _by_task(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    try:
        return [str(json.loads(base64.b64decode(params.get("TaskHandle", ""), validate=True))["sourceArn"])]
    except (ValueError, KeyError, TypeError):
        return ["*"]


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
    "StartMessageMoveTask": Access(action="sqs:StartMessageMoveTask", resources=_by_source),
    "TagQueue": Access(action="sqs:TagQueue", resources=_by_url),
    "UntagQueue": Access(action="sqs:UntagQueue", resources=_by_url),
}
