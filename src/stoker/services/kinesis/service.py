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


class KinesisService:
    """Which module answers which operation."""

    name = "kinesis"
    access = ACCESS

    def __init__(self, *, streams: Streams, records: Records, subscriptions: Subscriptions, clock: Clock) -> None:
        self._streams = streams
        admin = StreamOperations(streams, clock)
        self.create_stream = admin.create
        self.delete_stream = admin.delete
        self.describe_stream_summary = admin.describe_summary
        self.list_streams = admin.list
        self.split_shard = admin.split
        self.merge_shards = admin.merge
        self.update_shard_count = admin.set_shard_count
        self.update_stream_mode = admin.set_mode
        self.update_max_record_size = admin.set_max_record
        self.increase_stream_retention_period = admin.lengthen
        self.decrease_stream_retention_period = admin.shorten
        self.describe_limits = admin.describe_limits
        shards = ShardOperations(streams, clock)
        self.describe_stream = shards.describe
        self.list_shards = shards.list
        self._serve_tags(TagOperations(streams))
        self._serve_consumers(ConsumerOperations(streams, subscriptions, clock))
        operations = RecordOperations(records)
        self.put_record = operations.put
        self.put_records = operations.put_many
        self.get_shard_iterator = operations.get_iterator
        self.get_records = operations.get

    def __repr__(self) -> str:
        return "<KinesisService>"

    def _serve_tags(self, tags: TagOperations) -> None:
        self.add_tags_to_stream = tags.add
        self.remove_tags_from_stream = tags.remove
        self.list_tags_for_stream = tags.list
        self.tag_resource = tags.add_to_resource
        self.untag_resource = tags.remove_from_resource
        self.list_tags_for_resource = tags.list_of_resource

    def _serve_consumers(self, consumers: ConsumerOperations) -> None:
        self.register_stream_consumer = consumers.register
        self.deregister_stream_consumer = consumers.deregister
        self.describe_stream_consumer = consumers.describe
        self.list_stream_consumers = consumers.list
        self.subscribe_to_shard = consumers.subscribe

    async def resource_tags(self, arn: str) -> Mapping[str, str]:
        """A stream's tags, none for what is no stream."""
        try:
            return (await self._streams.find(arn.split(":")[3], name_in(arn))).tags
        except (StreamsError, IndexError):
            return {}
