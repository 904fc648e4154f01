"""SNS's operations in IAM's words. Source: "Actions, resources, and condition keys for Amazon SNS"."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Where


def _topic(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("TopicArn") or params.get("TargetArn") or "*")]


def _new_topic(params: Mapping[str, Any], where: Where) -> Sequence[str]:
    return [f"arn:aws:sns:{where.region}:{where.account}:{params.get('Name', '')}"]


def _topic_of_subscription(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("SubscriptionArn", "")).rpartition(":")[0]]


def _tagged(params: Mapping[str, Any], _where: Where) -> Sequence[str]:
    return [str(params.get("ResourceArn", ""))]


def _subscribing(params: Mapping[str, Any]) -> Mapping[str, str]:
    return {"sns:Endpoint": str(params.get("Endpoint", "")), "sns:Protocol": str(params.get("Protocol", ""))}


ACCESS: AccessTable = {
    "AddPermission": Access(action="sns:AddPermission", resources=_topic),
    "ConfirmSubscription": Access(action="sns:ConfirmSubscription", resources=_topic),
    "CreateTopic": Access(action="sns:CreateTopic", resources=_new_topic),
    "DeleteTopic": Access(action="sns:DeleteTopic", resources=_topic),
    "GetSubscriptionAttributes": Access(action="sns:GetSubscriptionAttributes", resources=_topic_of_subscription),
    "GetTopicAttributes": Access(action="sns:GetTopicAttributes", resources=_topic),
    "ListSubscriptions": Access(action="sns:ListSubscriptions"),
    "ListSubscriptionsByTopic": Access(action="sns:ListSubscriptionsByTopic", resources=_topic),
    "ListTagsForResource": Access(action="sns:ListTagsForResource", resources=_tagged),
    "ListTopics": Access(action="sns:ListTopics"),
    "Publish": Access(action="sns:Publish", resources=_topic),
    "PublishBatch": Access(action="sns:Publish", resources=_topic),
    "RemovePermission": Access(action="sns:RemovePermission", resources=_topic),
    "SetSubscriptionAttributes": Access(action="sns:SetSubscriptionAttributes", resources=_topic_of_subscription),
    "SetTopicAttributes": Access(action="sns:SetTopicAttributes", resources=_topic),
    "Subscribe": Access(action="sns:Subscribe", resources=_topic, context=_subscribing),
    "TagResource": Access(action="sns:TagResource", resources=_tagged),
    "Unsubscribe": Access(action="sns:Unsubscribe", resources=_topic_of_subscription),
    "UntagResource": Access(action="sns:UntagResource", resources=_tagged),
}
