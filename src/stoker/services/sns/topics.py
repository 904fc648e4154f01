"""Operations on topics, their policies and tags."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from stoker.buses.delivery_policy import effective_topic
from stoker.buses.topic_errors import InvalidParameterError, ResourceNotFoundError, TopicNotFoundError
from stoker.buses.topics import Topic, Topics, parse_topic_arn
from stoker.model.errors import NotBuiltError, ServiceError
from stoker.services.sns.pages import page, start
from stoker.wire.message import Call

_NOTHING: Mapping[str, Any] = {}


class TopicOperations:
    """Create, list, describe, change and delete topics."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    async def create_topic(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("DataProtectionPolicy"):
            raise NotBuiltError("Data protection policies are not there yet in Stoker.")
        tags = _tags(params)
        topic = await self._topics.create(call.region, params["Name"], params.get("Attributes", {}), tags)
        return {"TopicArn": topic.arn(call.account)}

    async def delete_topic(self, call: Call) -> Mapping[str, Any]:
        await self._topics.delete(*topic_of(call))
        return _NOTHING

    async def list_topics(self, call: Call) -> Mapping[str, Any]:
        after, limit = start(call.params)
        found = await self._topics.list(call.region, after, limit + 1)
        shown, token = page(found, limit, lambda topic: topic.name)
        return {"Topics": [{"TopicArn": topic.arn(call.account)} for topic in shown], **token}

    async def get_topic_attributes(self, call: Call) -> Mapping[str, Any]:
        topic, confirmed, pending = await self._topics.get(*topic_of(call))
        return {"Attributes": {**_attributes(call, topic), **_counts(confirmed, pending)}}

    async def set_topic_attributes(self, call: Call) -> Mapping[str, Any]:
        value = call.params.get("AttributeValue", "")
        await self._topics.set_attribute(*topic_of(call), call.params["AttributeName"], value)
        return _NOTHING

    async def add_permission(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        accounts = [f"arn:aws:iam::{account}:root" for account in params["AWSAccountId"]]
        actions = [f"SNS:{action}" for action in params["ActionName"]]
        if not accounts or not actions:
            raise InvalidParameterError("Invalid parameter: AWSAccountId and ActionName must not be empty")
        statement = {
            "Sid": params["Label"],
            "Effect": "Allow",
            "Principal": {"AWS": accounts[0] if len(accounts) == 1 else accounts},
            "Action": actions[0] if len(actions) == 1 else actions,
            "Resource": params["TopicArn"],
        }
        await self._topics.add_statement(*topic_of(call), statement)
        return _NOTHING

    async def remove_permission(self, call: Call) -> Mapping[str, Any]:
        await self._topics.remove_statement(*topic_of(call), call.params["Label"])
        return _NOTHING

    async def tag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._change_tags(call, _tags(call.params), ())
        return _NOTHING

    async def untag_resource(self, call: Call) -> Mapping[str, Any]:
        await self._change_tags(call, {}, call.params["TagKeys"])
        return _NOTHING

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        try:
            topic, _, _ = await self._topics.get(*topic_of(call, "ResourceArn"))
        except TopicNotFoundError:
            raise ResourceNotFoundError from None
        return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """Those of a topic, by its ARN; none for what is none."""
        with contextlib.suppress(ServiceError):
            topic, _, _ = await self._topics.get(*parse_topic_arn(arn, arn.split(":")[4]))
            return topic.tags
        return {}

    async def _change_tags(self, call: Call, add: Mapping[str, str], remove: Any) -> None:
        try:
            await self._topics.tag(*topic_of(call, "ResourceArn"), add, remove)
        except TopicNotFoundError:
            raise ResourceNotFoundError from None


def topic_of(call: Call, member: str = "TopicArn") -> tuple[str, str]:
    """The region and name of the topic that a call is about."""
    return parse_topic_arn(call.params[member], call.account)


def _tags(params: Mapping[str, Any]) -> Mapping[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}


def _attributes(call: Call, topic: Topic) -> Mapping[str, str]:
    policy = topic.attributes.get("DeliveryPolicy")
    shown = {
        "TopicArn": topic.arn(call.account),
        "Owner": call.account,
        "Policy": topic.policy(call.account),
        "DisplayName": topic.attributes.get("DisplayName", ""),
        "EffectiveDeliveryPolicy": json.dumps(effective_topic(policy), separators=(",", ":")),
    }
    fifo = {"ContentBasedDeduplication": "false"} if topic.fifo else {}
    return {**shown, **fifo, **topic.attributes}


def _counts(confirmed: int, pending: int) -> Mapping[str, str]:
    return {
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(pending),
        # Those that ended are not remembered.
        "SubscriptionsDeleted": "0",
    }
