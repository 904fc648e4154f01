"""Streams and shards as Kinesis tells of them."""

from collections.abc import Mapping
from typing import Any

from stoker.streams.stream import Shard, Stream, shard_name, told_sequence

ACTIVE = "ACTIVE"
NO_MONITORING = [{"ShardLevelMetrics": list[str]()}]


def shard_members(shard: Shard) -> Mapping[str, Any]:
    """A Shard."""
    numbers = {"StartingSequenceNumber": told_sequence(shard.number, 0)}
    if shard.last is not None:
        numbers["EndingSequenceNumber"] = told_sequence(shard.number, shard.last)
    names = ("ParentShardId", "AdjacentParentShardId")
    parents = {name: shard_name(number) for name, number in zip(names, shard.parents, strict=False)}
    return {"ShardId": shard.name, **parents, "HashKeyRange": hash_key_range(shard), "SequenceNumberRange": numbers}


def child_members(shard: Shard) -> Mapping[str, Any]:
    """A ChildShard."""
    parents = [shard_name(number) for number in shard.parents]
    return {"ShardId": shard.name, "ParentShards": parents, "HashKeyRange": hash_key_range(shard)}


def hash_key_range(shard: Shard) -> Mapping[str, str]:
    """A HashKeyRange."""
    return {"StartingHashKey": shard.first_key, "EndingHashKey": shard.last_key}


def stream_members(stream: Stream, account: str) -> Mapping[str, Any]:
    """What is told of a stream in both descriptions."""
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn(account),
        "StreamStatus": ACTIVE,
        "StreamModeDetails": {"StreamMode": stream.mode},
        "RetentionPeriodHours": stream.retention_h,
        "StreamCreationTimestamp": stream.created,
        "EnhancedMonitoring": NO_MONITORING,
        "EncryptionType": "NONE",
    }


def summary(stream: Stream, account: str) -> Mapping[str, Any]:
    """A StreamDescriptionSummary."""
    return {
        **stream_members(stream, account),
        "OpenShardCount": len(stream.open_shards),
        "ConsumerCount": len(stream.consumers),
        "MaxRecordSizeInKiB": stream.max_record_kib,
    }


def list_entry(stream: Stream, account: str) -> Mapping[str, Any]:
    """A StreamSummary."""
    names = ("StreamName", "StreamARN", "StreamStatus", "StreamModeDetails", "StreamCreationTimestamp")
    members = stream_members(stream, account)
    return {name: members[name] for name in names}
