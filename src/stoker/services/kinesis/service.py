"""Kinesis Data Streams, operation by operation."""

from collections.abc import Mapping

from stoker.model.clock import Clock
from stoker.services.kinesis.access import ACCESS
from stoker.services.kinesis.consumer_operations import ConsumerOperations
from stoker.services.kinesis.naming import name_in
from stoker.services.kinesis.record_operations import RecordOperations
from stoker.services.kinesis.shard_operations import ShardOperations
from stoker.services.kinesis.stream_operations import StreamOperations, TagOperations
from stoker.streams.errors import StreamsError
from stoker.streams.records import Records
from stoker.streams.streams import Streams
from stoker.streams.subscriptions import Subscriptions
from stoker.wire.operations import Method, operations_of


class KinesisService:
    """Which module answers which operation."""

    name = "kinesis"
    access = ACCESS

    def __init__(self, *, streams: Streams, records: Records, subscriptions: Subscriptions, clock: Clock) -> None:
        self._streams = streams
        self.operations: Mapping[str, Method] = operations_of(
            StreamOperations(streams, clock),
            ShardOperations(streams, clock),
            TagOperations(streams),
            ConsumerOperations(streams, subscriptions, clock),
            RecordOperations(records),
        )

    def __repr__(self) -> str:
        return "<KinesisService>"

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """A stream's tags, none for what is no stream."""
        try:
            return (await self._streams.find(arn.split(":")[3], name_in(arn))).tags
        except (StreamsError, IndexError):
            return {}
