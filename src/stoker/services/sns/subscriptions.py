"""Operations on subscriptions."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from stoker.buses.delivery_policy import effective
from stoker.buses.publishing import Publishing
from stoker.buses.subscriptions import HTTP, Subscription, Subscriptions
from stoker.buses.topic_errors import InvalidParameterError
from stoker.buses.topics import topic_arn
from stoker.model.errors import NotBuiltError
from stoker.services.sns.pages import page, start
from stoker.services.sns.topics import topic_of
from stoker.wire.message import Call

_NOTHING: Mapping[str, Any] = {}
PENDING = "pending confirmation"


class SubscriptionOperations:
    """Subscribe, confirm, describe, change and end. `takes(service)` says whether there is somebody to deliver to."""

    def __init__(self, subscriptions: Subscriptions, publishing: Publishing, takes: Callable[[str], bool]) -> None:
        self._subscriptions = subscriptions
        self._publishing = publishing
        self._takes = takes

    async def subscribe(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        protocol, endpoint = params["Protocol"], params.get("Endpoint", "")
        if not endpoint:
            raise InvalidParameterError("Invalid parameter: Endpoint")
        if protocol in ("sqs", "lambda") and not self._takes(protocol):
            raise NotBuiltError(f"Subscriptions of the protocol {protocol} are not there yet in Stoker.")
        given = params.get("Attributes", {})
        region, name = topic_of(call)
        made, topic = await self._subscriptions.subscribe(region, name, protocol, endpoint, given)
        if not made.is_confirmed:
            await self._publishing.ask_to_confirm(made, topic)
        shown = made.is_confirmed or params.get("ReturnSubscriptionArn")
        return {"SubscriptionArn": made.arn(call.account) if shown else PENDING}

    async def confirm_subscription(self, call: Call) -> Mapping[str, Any]:
        confirmed = await self._subscriptions.confirm(*topic_of(call), call.params["Token"])
        return {"SubscriptionArn": confirmed.arn(call.account)}

    async def unsubscribe(self, call: Call) -> Mapping[str, Any]:
        await self._subscriptions.unsubscribe(call.params["SubscriptionArn"])
        return _NOTHING

    async def list_subscriptions(self, call: Call) -> Mapping[str, Any]:
        return await self._list(call, call.region, None)

    async def list_subscriptions_by_topic(self, call: Call) -> Mapping[str, Any]:
        return await self._list(call, *topic_of(call))

    async def get_subscription_attributes(self, call: Call) -> Mapping[str, Any]:
        subscription, topic = await self._subscriptions.get(call.params["SubscriptionArn"])
        shown = {
            "SubscriptionArn": subscription.arn(call.account),
            "TopicArn": topic.arn(call.account),
            "Owner": call.account,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "PendingConfirmation": str(not subscription.is_confirmed).lower(),
            "ConfirmationWasAuthenticated": str(subscription.protocol not in HTTP).lower(),
            "SubscriptionPrincipal": f"arn:aws:iam::{call.account}:root",
            "RawMessageDelivery": "false",
            **subscription.attributes,
        }
        if "FilterPolicy" in shown:
            shown.setdefault("FilterPolicyScope", "MessageAttributes")
        if subscription.protocol in HTTP:
            policies = topic.attributes.get("DeliveryPolicy"), subscription.attributes.get("DeliveryPolicy")
            shown["EffectiveDeliveryPolicy"] = json.dumps(effective(*policies), separators=(",", ":"))
        return {"Attributes": shown}

    async def set_subscription_attributes(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        name, value = params["AttributeName"], params.get("AttributeValue", "")
        await self._subscriptions.set_attribute(params["SubscriptionArn"], name, value)
        return _NOTHING

    async def _list(self, call: Call, region: str, name: str | None) -> Mapping[str, Any]:
        after, limit = start(call.params)
        found = await self._subscriptions.list(region, name, after, limit + 1)
        shown, token = page(found, limit, lambda each: each.id)
        return {"Subscriptions": [_describe(call, each) for each in shown], **token}


def _describe(call: Call, subscription: Subscription) -> Mapping[str, Any]:
    arn = subscription.arn(call.account) if subscription.is_confirmed else "PendingConfirmation"
    return {
        "SubscriptionArn": arn,
        "Owner": call.account,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": topic_arn(subscription.region, call.account, subscription.topic),
    }
