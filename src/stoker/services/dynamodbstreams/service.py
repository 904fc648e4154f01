"""DynamoDB Streams, operation by operation."""

from collections.abc import Mapping
from typing import Any

from stoker.items.stream_reading import MAX_RECORDS, StreamReading
from stoker.items.streams import Stream, told_sequence
from stoker.model.errors import NotBuiltError
from stoker.services.dynamodbstreams.access import ACCESS
from stoker.wire.message import Call, Result
from stoker.wire.operations import Method, operations_of

MAX_LISTED = 100
# From here on, writing an answer down takes over a millisecond.
_LARGE_RECORDS = 20


class DynamoDbStreamsService:
    """The four operations."""

    name = "dynamodbstreams"
    access = ACCESS

    def __init__(self, reading: StreamReading) -> None:
        self._reading = reading
        self.operations: Mapping[str, Method] = operations_of(self)

    def __repr__(self) -> str:
        return "<DynamoDbStreamsService>"

    async def list_streams(self, call: Call) -> Mapping[str, Any]:
        params, limit = call.params, call.params.get("Limit", MAX_LISTED)
        after = params.get("ExclusiveStartStreamArn")
        found = await self._reading.list(call.region, params.get("TableName"), after, limit + 1)
        told = [
            {"StreamArn": self._reading.arn(each), "TableName": each.table, "StreamLabel": each.label}
            for each in found[:limit]
        ]
        last = {"LastEvaluatedStreamArn": told[-1]["StreamArn"]} if len(found) > limit else {}
        return {"Streams": told, **last}

    async def describe_stream(self, call: Call) -> Mapping[str, Any]:
        if "ShardFilter" in call.params:
            raise NotBuiltError("ShardFilter is not there yet in Stoker, whose streams have one shard.")
        stream = await self._reading.find(call.params["StreamArn"])
        shards = []
        if call.params.get("ExclusiveStartShardId", "") < stream.shard_id:
            shards = [await self._shard(stream)]
        key = [
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(stream.key.names, ("HASH", "RANGE"), strict=False)
        ]
        return {
            "StreamDescription": {
                "StreamArn": self._reading.arn(stream),
                "StreamLabel": stream.label,
                "StreamStatus": "ENABLED" if stream.closed is None else "DISABLED",
                "StreamViewType": stream.view_type,
                "CreationRequestDateTime": stream.created,
                "TableName": stream.table,
                "KeySchema": key,
                "Shards": shards,
            }
        }

    async def get_shard_iterator(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        iterator = await self._reading.iterator(
            params["StreamArn"],
            params["ShardId"],
            params["ShardIteratorType"],
            sequence=params.get("SequenceNumber"),
            since=params["Timestamp"].timestamp() if "Timestamp" in params else None,
        )
        return {"ShardIterator": iterator}

    async def get_records(self, call: Call) -> Result:
        arn, start = self._reading.parse(call.params["ShardIterator"])
        batch = await self._reading.read(arn, start, min(call.params.get("Limit", MAX_RECORDS), MAX_RECORDS))
        following = None if batch.next is None else self._reading.told(arn, batch.next)
        members = {"Records": [record.content for record in batch.records], "NextShardIterator": following}
        return Result(members=members, is_large=len(batch.records) > _LARGE_RECORDS)

    async def _shard(self, stream: Stream) -> Mapping[str, Any]:
        numbers = {"StartingSequenceNumber": told_sequence(await self._reading.oldest(stream))}
        if stream.closed is not None:
            numbers["EndingSequenceNumber"] = told_sequence(stream.last)
        return {"ShardId": stream.shard_id, "SequenceNumberRange": numbers}
