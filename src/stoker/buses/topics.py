"""SNS's topics: their attributes, policies and tags."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.buses.topic_attributes import BY_GROUP, check_topic_attribute, policy_statements
from stoker.buses.topic_errors import InvalidParameterError, TagLimitError, TopicNotFoundError
from stoker.store.store import Store
from stoker.store.tables_buses import topic_deduplications, topic_subscriptions, topics

MAX_TAGS = 50
FIFO = ".fifo"
_NAME = re.compile(r"[A-Za-z0-9_\-]{1,256}", re.ASCII)
FIFO_NAME_TEXT = (
    "Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase "
    "ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
)
# What the account may do to its own topic until its policy says otherwise.
DEFAULT_ACTIONS = (
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
)

_topics = topics.c
_SCOPE_TEXT = "Invalid parameter: FifoThroughputScope can only be set for FIFO topics"


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic. `statements` are those of the policy that was set; None where that is AWS's default."""

    region: str
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    statements: Sequence[Mapping[str, Any]] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def fifo(self) -> bool:
        return self.attributes.get("FifoTopic") == "true"

    @property
    def content_based(self) -> bool:
        return self.attributes.get("ContentBasedDeduplication") == "true"

    def double_of(self, group_id: str | None, deduplication_id: str | None) -> str | None:
        """What a message has in common with its doubles, which may have to be of its group."""
        by_group = self.attributes.get("FifoThroughputScope") == BY_GROUP
        return f"{group_id}\n{deduplication_id}" if by_group else deduplication_id

    def arn(self, account: str) -> str:
        return topic_arn(self.region, account, self.name)

    def policy(self, account: str) -> str:
        """The policy's JSON."""
        statements = self.statements
        if statements is None:
            statements = [_default_statement(self.arn(account), account)]
        document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": list(statements)}
        return json.dumps(document, separators=(",", ":"))


def topic_arn(region: str, account: str, name: str) -> str:
    return f"arn:aws:sns:{region}:{account}:{name}"


def parse_topic_arn(arn: str, account: str) -> tuple[str, str]:
    """Region and name. Raises InvalidParameterError for what is no topic's ARN; another account has no topics here."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "sns"] or not parts[5]:
        raise InvalidParameterError("Invalid parameter: TopicArn")
    if parts[4] != account:
        raise TopicNotFoundError
    return parts[3], parts[5]


class Topics:
    """Create, find, list, change and delete topics."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    async def create(self, region: str, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]) -> Topic:
        """A new topic, or the one that is there, if it is the same."""
        policy = attributes.get("Policy")
        kept = {key: value for key, value in attributes.items() if check_topic_attribute(key, value)}
        kept = {key: value for key, value in kept.items() if key != "Policy" and value != "false"}
        topic = Topic(
            region=region,
            name=name,
            attributes=kept,
            statements=None if not policy else policy_statements(policy),
            tags=tags,
        )
        _check_name(topic)
        _check_tags(tags)

        def work(conn: Connection) -> Topic:
            known = find_topic(conn, region, name)
            if known is None:
                _insert(conn, topic)
                return topic
            differs = any(known.attributes.get(key) != value for key, value in kept.items())
            if differs or known.fifo != topic.fifo:
                raise InvalidParameterError(
                    "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
                )
            if tags and tags != known.tags:
                raise InvalidParameterError("Invalid parameter: Tags Reason: Topic already exists with different tags")
            return known

        return await self._store.write(work)

    async def get(self, region: str, name: str) -> tuple[Topic, int, int]:
        """A topic, and how many of its subscriptions are confirmed and pending."""

        def read(conn: Connection) -> tuple[Topic, int, int]:
            topic = require_topic(conn, region, name)
            columns = topic_subscriptions.c
            where = (columns.region == region) & (columns.topic == name)
            total = conn.execute(sa.select(sa.func.count()).where(where)).scalar_one()
            pending = conn.execute(sa.select(sa.func.count()).where(where & columns.token.is_not(None))).scalar_one()
            return topic, total - pending, pending

        return await self._store.read(read)

    async def list(self, region: str, after: str, limit: int) -> Sequence[Topic]:
        query = sa.select(topics).where((_topics.region == region) & (_topics.name > after))
        query = query.order_by(_topics.name).limit(limit)
        return await self._store.read(lambda conn: [_topic(row) for row in conn.execute(query)])

    async def set_attribute(self, region: str, name: str, key: str, value: str) -> None:
        if key == "FifoTopic":
            raise InvalidParameterError("Invalid parameter: AttributeName")
        is_kept = check_topic_attribute(key, value)

        def change(topic: Topic) -> Topic:
            if key == "ContentBasedDeduplication" and not topic.fifo:
                raise InvalidParameterError(
                    "Invalid parameter: Content-based deduplication can only be set for FIFO topics"
                )
            if key == "FifoThroughputScope" and not topic.fifo:
                raise InvalidParameterError(_SCOPE_TEXT)
            if key == "Policy":
                return replace(topic, statements=policy_statements(value) if value else None)
            attributes = {known: it for known, it in topic.attributes.items() if known != key}
            return replace(topic, attributes={**attributes, key: value} if is_kept and value else attributes)

        await self._change(region, name, change)

    async def add_statement(self, region: str, name: str, statement: Mapping[str, Any]) -> None:
        def change(topic: Topic) -> Topic:
            statements = self._statements(topic)
            if any(known.get("Sid") == statement["Sid"] for known in statements):
                raise InvalidParameterError("Invalid parameter: Statement already exists")
            return replace(topic, statements=[*statements, statement])

        await self._change(region, name, change)

    async def remove_statement(self, region: str, name: str, sid: str) -> None:
        def change(topic: Topic) -> Topic:
            return replace(topic, statements=[each for each in self._statements(topic) if each.get("Sid") != sid])

        await self._change(region, name, change)

    async def tag(self, region: str, name: str, add: Mapping[str, str], remove: Sequence[str] = ()) -> None:
        def change(topic: Topic) -> Topic:
            tags = {key: value for key, value in {**topic.tags, **add}.items() if key not in remove}
            _check_tags(tags)
            return replace(topic, tags=tags)

        await self._change(region, name, change)

    async def delete(self, region: str, name: str) -> None:
        """Delete a topic with its subscriptions; one that is not there is no error."""

        def work(conn: Connection) -> None:
            conn.execute(sa.delete(topics).where(_is(region, name)))
            for table in (topic_subscriptions, topic_deduplications):
                conn.execute(sa.delete(table).where((table.c.region == region) & (table.c.topic == name)))

        await self._store.write(work)

    async def resource_policy(self, arn: str) -> str | None:
        """The policy of the topic with this ARN (a subscription's is its topic's); None where there is none."""
        parts = arn.split(":")
        if len(parts) < 6 or parts[2] != "sns" or parts[4] != self._account:
            return None
        topic = await self._store.read(lambda conn: find_topic(conn, parts[3], parts[5]))
        return None if topic is None else topic.policy(self._account)

    def _statements(self, topic: Topic) -> Sequence[Mapping[str, Any]]:
        statements: Sequence[Mapping[str, Any]] = json.loads(topic.policy(self._account))["Statement"]
        return statements

    async def _change(self, region: str, name: str, change: Any) -> None:
        def work(conn: Connection) -> None:
            topic = change(require_topic(conn, region, name))
            conn.execute(sa.update(topics).where(_is(region, name)).values(**_values(topic)))

        await self._store.write(work)


def find_topic(conn: Connection, region: str, name: str) -> Topic | None:
    row = conn.execute(sa.select(topics).where(_is(region, name))).first()
    return None if row is None else _topic(row)


def require_topic(conn: Connection, region: str, name: str) -> Topic:
    """The topic, or TopicNotFoundError."""
    topic = find_topic(conn, region, name)
    if topic is None:
        raise TopicNotFoundError
    return topic


def next_sequence(conn: Connection, topic: Topic) -> int:
    """The number of a FIFO topic's next message."""
    where = _is(topic.region, topic.name)
    conn.execute(sa.update(topics).where(where).values(sequence=_topics.sequence + 1))
    return int(conn.execute(sa.select(_topics.sequence).where(where)).scalar_one())


def _check_name(topic: Topic) -> None:
    is_fifo_name = topic.name.endswith(FIFO) and _NAME.fullmatch(topic.name.removesuffix(FIFO)) is not None
    if topic.fifo:
        if not is_fifo_name or len(topic.name) > 256:
            raise InvalidParameterError(FIFO_NAME_TEXT)
    elif _NAME.fullmatch(topic.name) is None:
        raise InvalidParameterError("Invalid parameter: Topic Name")
    if "ContentBasedDeduplication" in topic.attributes and not topic.fifo:
        raise InvalidParameterError("Invalid parameter: Content-based deduplication can only be set for FIFO topics")
    if "FifoThroughputScope" in topic.attributes and not topic.fifo:
        raise InvalidParameterError(_SCOPE_TEXT)


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise TagLimitError


def _default_statement(arn: str, account: str) -> Mapping[str, Any]:
    return {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in DEFAULT_ACTIONS],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }


def _is(region: str, name: str) -> sa.ColumnElement[bool]:
    return (_topics.region == region) & (_topics.name == name)


def _values(topic: Topic) -> dict[str, Any]:
    policy = None if topic.statements is None else list(topic.statements)
    return {"attributes": dict(topic.attributes), "policy": policy, "tags": dict(topic.tags)}


def _insert(conn: Connection, topic: Topic) -> None:
    conn.execute(sa.insert(topics).values(region=topic.region, name=topic.name, sequence=0, **_values(topic)))


def _topic(row: Row[Any]) -> Topic:
    return Topic(region=row.region, name=row.name, attributes=row.attributes, statements=row.policy, tags=row.tags)
