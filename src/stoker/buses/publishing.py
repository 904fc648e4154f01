"""Publishing: from a message to deliveries to all who want it, durable before the answer."""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.buses.message import Message
from stoker.buses.notifications import Notifications, Outgoing
from stoker.buses.publishing_rules import Draft, draft
from stoker.buses.subscriptions import Subscription, confirmed_of
from stoker.buses.topics import Topic, next_sequence, parse_topic_arn, require_topic
from stoker.deliveries.delivery import Delivery
from stoker.deliveries.outbox import Outbox
from stoker.model.clock import Clock
from stoker.store.store import Store
from stoker.store.tables_buses import topic_deduplications

DEDUPLICATION_S = 300.0
S3_CALLER, S3_SUBJECT = "s3.amazonaws.com", "Amazon S3 Notification"
ALARMS_CALLER, MAX_SUBJECT_CHARS = "cloudwatch.amazonaws.com", 100

_deduplications = topic_deduplications.c


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the publisher is told."""

    message_id: str
    sequence_number: str | None


class Publishing:
    """Publishes messages, and asks endpoints to confirm."""

    def __init__(
        self, *, store: Store, outbox: Outbox, clock: Clock, notifications: Notifications, account: str
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._notifications = notifications
        self._account = account

    async def topic(self, arn: str) -> Topic:
        """The topic that is published to; TopicNotFoundError."""
        region, name = parse_topic_arn(arn, self._account)
        return await self._store.read(lambda conn: require_topic(conn, region, name))

    async def publish(self, topic: Topic, drafts: Sequence[Draft], trace_id: str | None) -> Sequence[Published]:
        """Everything that the messages lead to is durable when this returns."""
        now = self._clock.time()
        if topic.fifo:
            # A number, and a place in a group's order, is only had where it is written down.
            told = await self._store.write(lambda conn: self._publish_in_order(conn, topic, drafts, trace_id, now))
            self._outbox.wake()
            return told
        messages = [self._message(topic, each, now) for each in drafts]

        def plan(conn: Connection) -> list[Outgoing]:
            subscriptions = [*confirmed_of(conn, topic)]
            return [out for it in messages for out in self._notifications.of(it, topic, subscriptions, trace_id)]

        outgoing = await self._store.read(plan)
        if outgoing:
            await self._store.write(lambda conn: self._put(conn, outgoing, now))
            self._outbox.wake()
        return [Published(message_id=message.id, sequence_number=None) for message in messages]

    async def ask_to_confirm(self, subscription: Subscription, topic: Topic) -> None:
        """Send an HTTP endpoint the request to confirm its subscription."""
        now = self._clock.time()
        message = Message(id=str(uuid.uuid4()), topic_arn="", text="", time=now)
        make = self._notifications.confirmation
        outgoing = await asyncio.to_thread(make, subscription, topic, message.id, message.timestamp)
        await self._store.write(lambda conn: self._put(conn, [outgoing], now))
        self._outbox.wake()

    async def deliver(self, delivery: Delivery) -> None:
        """A topic as a target: what is delivered is published."""
        topic = await self.topic(delivery.target)
        params = {
            "Message": delivery.body.decode(errors="replace"),
            "MessageGroupId": delivery.group_id,
            "MessageDeduplicationId": delivery.deduplication_id if topic.fifo else None,
            "Subject": _subject(delivery),
            "MessageAttributes": _attributes(delivery) or None,
        }
        given = {name: value for name, value in params.items() if value is not None}
        made = draft(given, fifo=topic.fifo, content_based=topic.content_based)
        await self.publish(topic, [made], delivery.trace_id)

    def _publish_in_order(
        self, conn: Connection, topic: Topic, drafts: Sequence[Draft], trace_id: str | None, now: float
    ) -> Sequence[Published]:
        conn.execute(sa.delete(topic_deduplications).where(_deduplications.ends_at <= now))
        subscriptions = [*confirmed_of(conn, topic)]
        told = []
        for each in drafts:
            known = _published_before(conn, topic, each)
            if known is not None:
                told.append(known)
                continue
            message = self._message(topic, each, now, sequence=next_sequence(conn, topic))
            _remember(conn, topic, message, now)
            self._put(conn, self._notifications.of(message, topic, subscriptions, trace_id), now)
            told.append(Published(message_id=message.id, sequence_number=message.sequence_number))
        return told

    def _message(self, topic: Topic, given: Draft, now: float, *, sequence: int | None = None) -> Message:
        return Message(
            id=str(uuid.uuid4()),
            topic_arn=topic.arn(self._account),
            text=given.text,
            time=now,
            subject=given.subject,
            attributes=given.attributes,
            by_protocol=given.by_protocol,
            group_id=given.group_id,
            deduplication_id=given.deduplication_id,
            sequence=sequence,
        )

    def _put(self, conn: Connection, outgoing: Sequence[Outgoing], now: float) -> None:
        for each in outgoing:
            self._outbox.put(conn, each.delivery, now=now, retry=each.retry, dead_letter=each.dead_letter)


def _subject(delivery: Delivery) -> str | None:
    """What services of AWS's give their messages for a subject."""
    if delivery.caller == S3_CALLER:
        return S3_SUBJECT
    if delivery.caller != ALARMS_CALLER:
        return None
    alarm = json.loads(delivery.body)
    return f'{alarm["NewStateValue"]}: "{alarm["AlarmName"]}" in {alarm["Region"]}'[:MAX_SUBJECT_CHARS]


def _attributes(delivery: Delivery) -> Mapping[str, Mapping[str, str]]:
    """What a delivery carries as text, as Publish would be given it."""
    typed = ((*name.partition(":")[::2], value) for name, value in delivery.attributes.items())
    return {
        name: {"DataType": data_type or "String", "StringValue": value}
        for name, data_type, value in typed
        if data_type in ("", "String", "Number") and value
    }


def _published_before(conn: Connection, topic: Topic, given: Draft) -> Published | None:
    """What was told of a message with the same deduplication id in the last five minutes."""
    where = (_deduplications.region == topic.region) & (_deduplications.topic == topic.name)
    where &= _deduplications.deduplication_id == topic.double_of(given.group_id, given.deduplication_id)
    row = conn.execute(sa.select(topic_deduplications).where(where)).first()
    if row is None:
        return None
    return Published(message_id=row.message_id, sequence_number=f"1{row.sequence:019d}")


def _remember(conn: Connection, topic: Topic, message: Message, now: float) -> None:
    conn.execute(
        sa.insert(topic_deduplications).values(
            region=topic.region,
            topic=topic.name,
            deduplication_id=topic.double_of(message.group_id, message.deduplication_id),
            message_id=message.id,
            sequence=message.sequence,
            ends_at=now + DEDUPLICATION_S,
        )
    )
