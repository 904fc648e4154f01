"""SNS's subscriptions: who gets the messages of a topic."""

import contextlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses.topic_attributes import check_subscription_attributes
from stoker.buses.topic_errors import InvalidParameterError, SubscriptionNotFoundError
from stoker.buses.topics import FIFO, Topic, require_topic, topic_arn
from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.store.store import Store
from stoker.store.tables_buses import topic_subscriptions

# AWS keeps an unconfirmed subscription for two days.
PENDING_S = 2 * 86_400.0
HTTP = frozenset({"http", "https"})
UNBUILT_PROTOCOLS = frozenset({"email", "email-json", "sms", "application", "firehose"})

_subscriptions = topic_subscriptions.c


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One subscription; it has a `token` as long as it is not confirmed. `created` is in seconds since the epoch."""

    id: str
    region: str
    topic: str
    protocol: str
    endpoint: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    created: float = 0.0

    @property
    def is_confirmed(self) -> bool:
        return self.token is None

    @property
    def is_raw(self) -> bool:
        return self.attributes.get("RawMessageDelivery") == "true"

    def arn(self, account: str) -> str:
        return f"{topic_arn(self.region, account, self.topic)}:{self.id}"


class Subscriptions:
    """Subscribe, confirm, find, list, change and end subscriptions."""

    def __init__(self, store: Store, clock: Clock, account: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account

    async def subscribe(
        self, region: str, topic_name: str, protocol: str, endpoint: str, attributes: Mapping[str, str]
    ) -> tuple[Subscription, Topic]:
        """A new subscription, or the one that is there, if it is the same."""
        _check_protocol(protocol)
        kept = check_subscription_attributes(protocol, attributes)
        now = self._clock.time()
        given = Subscription(
            id=str(uuid.uuid4()),
            region=region,
            topic=topic_name,
            protocol=protocol,
            endpoint=endpoint,
            attributes=kept,
            token=secrets.token_hex(32) if protocol in HTTP else None,
            created=now,
        )

        def work(conn: Connection) -> tuple[Subscription, Topic]:
            topic = require_topic(conn, region, topic_name)
            _check_endpoint(protocol, endpoint, topic)
            same = (_subscriptions.protocol == protocol) & (_subscriptions.endpoint == endpoint)
            row = conn.execute(sa.select(topic_subscriptions).where(_of_topic(region, topic_name) & same)).first()
            if row is None:
                _insert(conn, given)
                return given, topic
            known = _subscription(row)
            if any(known.attributes.get(name) != value for name, value in kept.items()):
                raise InvalidParameterError(
                    "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
                )
            return known, topic

        return await self._store.write(work)

    async def confirm(self, region: str, topic_name: str, token: str) -> Subscription:
        """The subscription with this token, from now on confirmed."""

        def work(conn: Connection) -> Subscription:
            require_topic(conn, region, topic_name)
            where = _of_topic(region, topic_name) & (_subscriptions.token == token)
            row = conn.execute(sa.select(topic_subscriptions).where(where)).first()
            if row is None or row.created < self._clock.time() - PENDING_S:
                raise InvalidParameterError("Invalid parameter: Token")
            conn.execute(sa.update(topic_subscriptions).where(_subscriptions.id == row.id).values(token=None))
            return _subscription(row)

        return await self._store.write(work)

    async def get(self, arn: str) -> tuple[Subscription, Topic]:
        def read(conn: Connection) -> tuple[Subscription, Topic]:
            subscription = self._require(conn, arn)
            return subscription, require_topic(conn, subscription.region, subscription.topic)

        return await self._store.read(read)

    async def list(self, region: str, topic_name: str | None, after: str, limit: int) -> Sequence[Subscription]:
        def read(conn: Connection) -> Sequence[Subscription]:
            where = _subscriptions.region == region
            if topic_name is not None:
                require_topic(conn, region, topic_name)
                where = _of_topic(region, topic_name)
            query = sa.select(topic_subscriptions).where(where & (_subscriptions.id > after))
            return [_subscription(row) for row in conn.execute(query.order_by(_subscriptions.id).limit(limit))]

        return await self._store.read(read)

    async def set_attribute(self, arn: str, name: str, value: str) -> None:
        def work(conn: Connection) -> None:
            known = self._require(conn, arn)
            attributes = {key: it for key, it in known.attributes.items() if key != name}
            kept = check_subscription_attributes(known.protocol, {**attributes, name: value})
            where = _subscriptions.id == known.id
            conn.execute(sa.update(topic_subscriptions).where(where).values(attributes=dict(kept)))

        await self._store.write(work)

    async def unsubscribe(self, arn: str) -> None:
        """End a subscription; one that is not there, or not of the topic that the ARN names, is no error."""

        def work(conn: Connection) -> None:
            with contextlib.suppress(SubscriptionNotFoundError):
                known = self._require(conn, arn)
                conn.execute(sa.delete(topic_subscriptions).where(_subscriptions.id == known.id))

        await self._store.write(work)

    def _require(self, conn: Connection, arn: str) -> Subscription:
        row = conn.execute(sa.select(topic_subscriptions).where(_subscriptions.id == _id_of(arn))).first()
        if row is None or _subscription(row).arn(self._account) != arn:
            raise SubscriptionNotFoundError
        return _subscription(row)


def confirmed_of(conn: Connection, topic: Topic) -> Sequence[Subscription]:
    """Those who get a topic's messages."""
    where = _of_topic(topic.region, topic.name) & _subscriptions.token.is_(None)
    return [_subscription(row) for row in conn.execute(sa.select(topic_subscriptions).where(where))]


def _id_of(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) != 7 or parts[:3] != ["arn", "aws", "sns"]:
        raise InvalidParameterError("Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements")
    return parts[6]


def _check_protocol(protocol: str) -> None:
    if protocol in UNBUILT_PROTOCOLS:
        raise NotBuiltError(f"Subscriptions of the protocol {protocol} are not there yet in Stoker.")
    if protocol not in HTTP and protocol not in ("sqs", "lambda"):
        raise InvalidParameterError(f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}")


def _check_endpoint(protocol: str, endpoint: str, topic: Topic) -> None:
    if protocol in HTTP:
        address = urlsplit(endpoint)
        if address.scheme != protocol or not address.hostname:
            raise InvalidParameterError("Invalid parameter: Endpoint must match the specified protocol")
        if topic.fifo:
            raise InvalidParameterError(
                "Invalid parameter: Protocol Reason: FIFO topics deliver to SQS and Lambda only"
            )
        return
    parts = endpoint.split(":")
    if len(parts) < 6 or parts[0] != "arn" or parts[2] != protocol:
        raise InvalidParameterError(
            "Invalid parameter: SQS endpoint ARN" if protocol == "sqs" else "Invalid parameter: Lambda endpoint ARN"
        )
    if protocol == "sqs" and endpoint.endswith(FIFO) and not topic.fifo:
        raise InvalidParameterError(
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard "
            "SNS topics"
        )


def _of_topic(region: str, topic_name: str) -> sa.ColumnElement[bool]:
    return (_subscriptions.region == region) & (_subscriptions.topic == topic_name)


def _insert(conn: Connection, given: Subscription) -> None:
    values = {name: getattr(given, name) for name in Subscription.__dataclass_fields__}
    conn.execute(sa.insert(topic_subscriptions).values(**{**values, "attributes": dict(given.attributes)}))


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(**{name: getattr(row, name) for name in Subscription.__dataclass_fields__})
