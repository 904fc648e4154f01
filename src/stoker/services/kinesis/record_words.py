"""Records as Kinesis tells of them, and where to go on after the last."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.services.kinesis.stream_words import child_members
from stoker.streams.record_rows import StoredRecord
from stoker.streams.records import Batch
from stoker.streams.stream import Shard, told_sequence


def record_members(shard: Shard, stored: StoredRecord) -> Mapping[str, Any]:
    """A Record."""
    return {
        "SequenceNumber": told_sequence(shard.number, stored.sequence),
        "ApproximateArrivalTimestamp": round(stored.created, 3),
        "Data": stored.data,
        "PartitionKey": stored.partition_key,
        "EncryptionType": "NONE",
    }


def children(batch: Batch) -> Sequence[Mapping[str, Any]] | None:
    """The shards to go on with, at a shard's end."""
    if batch.next is not None:
        return None
    return [child_members(shard) for shard in batch.stream.shards if batch.shard.number in shard.parents]
