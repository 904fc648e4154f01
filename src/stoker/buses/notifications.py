"""From a message and a subscription to a delivery, signed and in the form that its protocol wants."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from stoker.buses import delivery_policy
from stoker.buses.filter_policy import ATTRIBUTES, wants
from stoker.buses.message import Message, Signed, lambda_event, notification, queue_attributes, signable, string_to_sign
from stoker.buses.signing import Signer
from stoker.buses.subscriptions import HTTP, Subscription
from stoker.buses.topic_attributes import dead_letter_queue
from stoker.buses.topics import Topic
from stoker.deliveries.delivery import DeadLetter, Delivery, Retry

CALLER = "sns.amazonaws.com"
AGENT = "Amazon Simple Notification Service Agent"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """URLs of Stoker's own that messages name. `secret` is what makes the link to unsubscribe unguessable."""

    endpoint: str
    secret: bytes

    @property
    def certificate(self) -> str:
        return f"{self.endpoint}/_stoker/sns/certificate.pem"

    def confirm(self, topic_arn: str, token: str) -> str:
        query = urlencode({"TopicArn": topic_arn, "Token": token}, quote_via=quote)
        return f"{self.endpoint}/_stoker/sns/confirm?{query}"

    def unsubscribe(self, subscription_arn: str) -> str:
        query = urlencode({"SubscriptionArn": subscription_arn, "Token": self.token(subscription_arn)}, quote_via=quote)
        return f"{self.endpoint}/_stoker/sns/unsubscribe?{query}"

    def token(self, subscription_arn: str) -> str:
        return hmac.digest(self.secret, subscription_arn.encode(), "sha256").hex()


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One delivery of a message, how it is retried, and where it goes when it is given up."""

    delivery: Delivery
    retry: Retry
    dead_letter: DeadLetter | None


class Notifications:
    """Makes deliveries. Signing costs a millisecond a message: not on the event loop."""

    def __init__(self, *, signer: Signer, addresses: Addresses, account: str) -> None:
        self._signer = signer
        self._addresses = addresses
        self._account = account

    def of(
        self, message: Message, topic: Topic, subscriptions: list[Subscription], trace_id: str | None
    ) -> list[Outgoing]:
        """The deliveries of a message to those who want it."""
        signatures: dict[str, str] = {}
        made = []
        for each in subscriptions:
            scope = each.attributes.get("FilterPolicyScope", ATTRIBUTES)
            text = message.text_for(each.protocol)
            if wants(each.attributes.get("FilterPolicy"), scope, text, message.attributes):
                if text not in signatures:
                    signatures[text] = self._sign(message, topic, text)
                made.append(self._outgoing(message, topic, each, signatures[text], trace_id))
        return made

    def confirmation(self, subscription: Subscription, topic: Topic, message_id: str, timestamp: str) -> Outgoing:
        """What asks an HTTP endpoint whether it wants to be subscribed."""
        arn, token = topic.arn(self._account), subscription.token or ""
        address = self._addresses.confirm(arn, token)
        text = (
            f"You have chosen to subscribe to the topic {arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
        members = {
            "Message": text,
            "MessageId": message_id,
            "SubscribeURL": address,
            "Timestamp": timestamp,
            "Token": token,
            "TopicArn": arn,
            "Type": "SubscriptionConfirmation",
        }
        version = _version(topic)
        document = {
            "Type": "SubscriptionConfirmation",
            "MessageId": message_id,
            "Token": token,
            "TopicArn": arn,
            "Message": text,
            "SubscribeURL": address,
            "Timestamp": timestamp,
            "SignatureVersion": version,
            "Signature": self._signer.sign(signable(members), version),
            "SigningCertURL": self._addresses.certificate,
        }
        headers = _headers("SubscriptionConfirmation", message_id, arn, delivery_policy.CONTENT_TYPE)
        delivery = self._delivery(subscription, topic, json.dumps(document, indent=2), headers)
        retry = delivery_policy.http_retry(topic.attributes.get("DeliveryPolicy"), None)
        return Outgoing(delivery=delivery, retry=retry, dead_letter=None)

    def _sign(self, message: Message, topic: Topic, text: str) -> str:
        return self._signer.sign(string_to_sign(message, text), _version(topic))

    def _outgoing(
        self, message: Message, topic: Topic, subscription: Subscription, signature: str, trace_id: str | None
    ) -> Outgoing:
        arn, text = subscription.arn(self._account), message.text_for(subscription.protocol)
        signed = Signed(
            version=_version(topic),
            signature=signature,
            certificate_url=self._addresses.certificate,
            unsubscribe_url=self._addresses.unsubscribe(arn),
        )
        plain = text if subscription.is_raw else notification(message, text, signed)
        body = lambda_event(message, text, arn, signed) if subscription.protocol == "lambda" else plain
        attributes: Mapping[str, str] = {}
        retry = delivery_policy.MANAGED_RETRY
        if subscription.protocol in HTTP:
            policies = topic.attributes.get("DeliveryPolicy"), subscription.attributes.get("DeliveryPolicy")
            content_type = delivery_policy.effective(*policies)["requestPolicy"]["headerContentType"]
            attributes = _headers("Notification", message.id, message.topic_arn, content_type)
            attributes = {**attributes, "x-amz-sns-subscription-arn": arn}
            if subscription.is_raw:
                attributes = {**attributes, "x-amz-sns-rawdelivery": "true"}
            retry = delivery_policy.http_retry(*policies)
        elif subscription.protocol == "sqs" and subscription.is_raw:
            attributes = queue_attributes(message)
        delivery = self._delivery(subscription, topic, body, attributes, message=message, trace_id=trace_id)
        queue = dead_letter_queue(subscription.attributes.get("RedrivePolicy"))
        letter = None if queue is None else DeadLetter(queue=queue, attributes=None, body=plain.encode())
        return Outgoing(delivery=delivery, retry=retry, dead_letter=letter)

    def _delivery(
        self,
        subscription: Subscription,
        topic: Topic,
        body: str,
        attributes: Mapping[str, str],
        *,
        message: Message | None = None,
        trace_id: str | None = None,
    ) -> Delivery:
        return Delivery(
            target=subscription.endpoint,
            body=body.encode(errors="replace"),
            caller=CALLER,
            source_arn=topic.arn(self._account),
            region=topic.region,
            account=self._account,
            attributes=attributes,
            group_id=message.group_id if message is not None else None,
            deduplication_id=message.deduplication_id if message is not None else None,
            trace_id=trace_id,
        )


def _version(topic: Topic) -> str:
    return topic.attributes.get("SignatureVersion", "1")


def _headers(kind: str, message_id: str, topic_arn: str, content_type: str) -> Mapping[str, str]:
    return {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic_arn,
        "Content-Type": content_type,
        "User-Agent": AGENT,
    }
