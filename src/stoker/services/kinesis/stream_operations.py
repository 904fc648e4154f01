"""The operations on streams, their shards and their tags."""

from collections.abc import Mapping
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import NotBuiltError
from stoker.services.kinesis.naming import name_in, refuse_unbuilt, stream_name
from stoker.services.kinesis.stream_words import list_entry, summary
from stoker.streams.iterators import ListToken, parse_token, told
from stoker.streams.resharding import MAX_SHARDS
from stoker.streams.stream import PROVISIONED
from stoker.streams.streams import Streams
from stoker.wire.message import Call

MAX_LISTED = 100
MAX_TAGS_LISTED = 50
ON_DEMAND_STREAMS = 50
_UNBUILT = ("WarmThroughputMiBps",)


class StreamOperations:
    """Streams made, changed, described and deleted."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock

    async def create_stream(self, call: Call) -> None:
        params = call.params
        for name in _UNBUILT:
            if params.get(name):
                raise NotBuiltError(f"{name} of a stream is not there yet in Stoker.")
        if params.get("RecordDistributionStrategy", "USER_PARTITION_KEY") != "USER_PARTITION_KEY":
            raise NotBuiltError("Records without partition keys are not there yet in Stoker.")
        await self._streams.create(
            call.region,
            params["StreamName"],
            mode=params.get("StreamModeDetails", {}).get("StreamMode", PROVISIONED),
            shards=params.get("ShardCount"),
            max_record_kib=params.get("MaxRecordSizeInKiB", 1024),
            tags=params.get("Tags", {}),
        )

    async def delete_stream(self, call: Call) -> None:
        with_consumers = call.params.get("EnforceConsumerDeletion", False)
        await self._streams.delete(call.region, stream_name(call), with_consumers=with_consumers)

    async def describe_stream_summary(self, call: Call) -> Mapping[str, Any]:
        stream = await self._streams.find(call.region, stream_name(call))
        return {"StreamDescriptionSummary": summary(stream, call.account)}

    async def list_streams(self, call: Call) -> Mapping[str, Any]:
        params, limit = call.params, call.params.get("Limit", MAX_LISTED)
        after = params.get("ExclusiveStartStreamName", "")
        if "NextToken" in params:
            after = parse_token(params["NextToken"], now=self._clock.time()).after
        found = await self._streams.page(call.region, after, limit + 1)
        more = len(found) > limit
        token = told(ListToken("", found[limit - 1].name, self._clock.time())) if more else None
        return {
            "StreamNames": [stream.name for stream in found[:limit]],
            "StreamSummaries": [list_entry(stream, call.account) for stream in found[:limit]],
            "HasMoreStreams": more,
            "NextToken": token,
        }

    async def split_shard(self, call: Call) -> None:
        params = call.params
        await self._streams.split(call.region, stream_name(call), params["ShardToSplit"], params["NewStartingHashKey"])

    async def merge_shards(self, call: Call) -> None:
        params = call.params
        await self._streams.merge(
            call.region, stream_name(call), params["ShardToMerge"], params["AdjacentShardToMerge"]
        )

    async def update_shard_count(self, call: Call) -> Mapping[str, Any]:
        name, target = stream_name(call), call.params["TargetShardCount"]
        before = await self._streams.set_shard_count(call.region, name, target)
        stream = await self._streams.find(call.region, name)
        return {
            "StreamName": name,
            "StreamARN": stream.arn(call.account),
            "CurrentShardCount": before,
            "TargetShardCount": target,
        }

    async def update_stream_mode(self, call: Call) -> None:
        refuse_unbuilt(call.params)
        mode = call.params["StreamModeDetails"]["StreamMode"]
        await self._streams.set_mode(call.region, name_in(call.params["StreamARN"]), mode)

    async def update_max_record_size(self, call: Call) -> None:
        await self._streams.set_max_record(call.region, stream_name(call), call.params["MaxRecordSizeInKiB"])

    async def increase_stream_retention_period(self, call: Call) -> None:
        hours = call.params["RetentionPeriodHours"]
        await self._streams.set_retention(call.region, stream_name(call), hours, longer=True)

    async def decrease_stream_retention_period(self, call: Call) -> None:
        hours = call.params["RetentionPeriodHours"]
        await self._streams.set_retention(call.region, stream_name(call), hours, longer=False)

    async def describe_limits(self, call: Call) -> Mapping[str, Any]:
        streams = await self._streams.page(call.region, "", MAX_SHARDS)
        return {
            "ShardLimit": MAX_SHARDS,
            "OpenShardCount": sum(len(stream.open_shards) for stream in streams),
            "OnDemandStreamCount": sum(stream.mode != PROVISIONED for stream in streams),
            "OnDemandStreamCountLimit": ON_DEMAND_STREAMS,
        }


class TagOperations:
    """Tags of streams, by the stream's name or by its ARN."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def add_tags_to_stream(self, call: Call) -> None:
        await self._add(call, stream_name(call))

    async def remove_tags_from_stream(self, call: Call) -> None:
        await self._remove(call, stream_name(call))

    async def list_tags_for_stream(self, call: Call) -> Mapping[str, Any]:
        stream = await self._streams.find(call.region, stream_name(call))
        after, limit = call.params.get("ExclusiveStartTagKey", ""), call.params.get("Limit", MAX_TAGS_LISTED)
        tags = [{"Key": key, "Value": stream.tags[key]} for key in sorted(stream.tags) if key > after]
        return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}

    async def tag_resource(self, call: Call) -> None:
        await self._add(call, name_in(call.params["ResourceARN"]))

    async def untag_resource(self, call: Call) -> None:
        await self._remove(call, name_in(call.params["ResourceARN"]))

    async def list_tags_for_resource(self, call: Call) -> Mapping[str, Any]:
        stream = await self._streams.find(call.region, name_in(call.params["ResourceARN"]))
        return {"Tags": [{"Key": key, "Value": value} for key, value in stream.tags.items()]}

    async def _add(self, call: Call, name: str) -> None:
        added = call.params["Tags"]
        await self._streams.change_tags(call.region, name, lambda tags: {**tags, **added})

    async def _remove(self, call: Call, name: str) -> None:
        gone = frozenset(call.params["TagKeys"])
        await self._streams.change_tags(
            call.region, name, lambda tags: {key: tags[key] for key in tags if key not in gone}
        )
