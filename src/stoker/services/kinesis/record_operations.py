"""PutRecord, PutRecords, GetShardIterator and GetRecords."""

import asyncio
from collections.abc import Mapping
from typing import Any

from stoker.model.errors import ValidationException
from stoker.services.kinesis.naming import name_in, refuse_unbuilt, stream_name
from stoker.services.kinesis.record_words import children, record_members
from stoker.streams.errors import InvalidArgument
from stoker.streams.record_rows import NewRecord
from stoker.streams.records import (
    AFTER_SEQUENCE_NUMBER,
    AT_SEQUENCE_NUMBER,
    MAX_RECORDS,
    Placed,
    Records,
    Start,
    new_record,
)
from stoker.streams.stream import shard_name, told_sequence
from stoker.wire.message import Call, Result

# From here on, writing an answer down takes over a millisecond.
_LARGE_RECORDS = 20
_LARGE_BYTES = 16 * 1024


class RecordOperations:
    """Records put and read."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def put_record(self, call: Call) -> Mapping[str, Any]:
        # `SequenceNumberForOrdering` asks for an order that records of a shard always have here.
        record = _new_record(call.params, "partitionKey")
        (placed,) = await self._records.put(call.region, stream_name(call), [record])
        return {**_told(placed), "EncryptionType": "NONE"}

    async def put_records(self, call: Call) -> Result:
        asked = call.params["Records"]
        new = await asyncio.to_thread(
            lambda: [_new_record(each, f"records.{at}.member.partitionKey") for at, each in enumerate(asked, 1)]
        )
        placed = await self._records.put(call.region, stream_name(call), new)
        members = {"FailedRecordCount": 0, "Records": [_told(each) for each in placed], "EncryptionType": "NONE"}
        return Result(members=members, is_large=len(placed) > _LARGE_RECORDS)

    async def get_shard_iterator(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        kind, sequence = params["ShardIteratorType"], params.get("StartingSequenceNumber")
        if (kind in (AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER)) != (sequence is not None):
            given = "no" if sequence is None else "also a"
            raise InvalidArgument(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) "
                f"TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {given} "
                "StartingSequenceNumber."
            )
        since = params["Timestamp"].timestamp() if "Timestamp" in params else None
        start = Start(kind=kind, sequence=sequence, since=since)
        name = stream_name(call)
        return {"ShardIterator": await self._records.iterator(call.region, name, params["ShardId"], start)}

    async def get_records(self, call: Call) -> Result:
        refuse_unbuilt(call.params)
        place = self._records.parse(call.params["ShardIterator"])
        if "StreamARN" in call.params and name_in(call.params["StreamARN"]) != name_in(place.arn):
            raise InvalidArgument("The StreamARN and the stream of the ShardIterator are not the same.")
        limit = call.params.get("Limit", MAX_RECORDS)
        batch = await self._records.read(place.stream_id, place.shard, place.next, limit)
        # Access was decided by the ARN that the iterator says, and an iterator can be made up.
        if batch.stream.arn(call.account) != place.arn or batch.stream.region != call.region:
            raise InvalidArgument("Invalid ShardIterator.")
        members = {
            "Records": [record_members(batch.shard, each) for each in batch.records],
            "NextShardIterator": self._records.told(place, batch),
            "MillisBehindLatest": round(batch.behind_s * 1000),
            "ChildShards": children(batch),
        }
        size = sum(len(each.data) for each in batch.records)
        return Result(members=members, is_large=len(batch.records) > _LARGE_RECORDS or size > _LARGE_BYTES)


def _new_record(params: Mapping[str, Any], where: str) -> NewRecord:
    key = params.get("PartitionKey")
    if key is None:
        raise ValidationException(
            f"1 validation error detected: Value null at '{where}' failed to satisfy constraint: "
            "Member must not be null"
        )
    return new_record(params["Data"], key, params.get("ExplicitHashKey"))


def _told(placed: Placed) -> Mapping[str, Any]:
    return {"ShardId": shard_name(placed.shard), "SequenceNumber": told_sequence(placed.shard, placed.sequence)}
