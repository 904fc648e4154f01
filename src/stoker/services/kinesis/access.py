"""Kinesis' operations in IAM's words.

Source: "Actions, resources, and condition keys for Amazon Kinesis Data Streams".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.model.access import Access, AccessTable, Where, arn_here
from stoker.streams.iterators import arn_in, listed_in
from stoker.streams.stream import stream_arn

Params = Mapping[str, Any]
_ON_STREAMS = (
    "AddTagsToStream",
    "CreateStream",
    "DecreaseStreamRetentionPeriod",
    "DeleteStream",
    "DescribeStream",
    "DescribeStreamSummary",
    "GetShardIterator",
    "ListStreamConsumers",
    "RegisterStreamConsumer",
    "IncreaseStreamRetentionPeriod",
    "ListTagsForStream",
    "MergeShards",
    "PutRecord",
    "PutRecords",
    "RemoveTagsFromStream",
    "SplitShard",
    "UpdateMaxRecordSize",
    "UpdateShardCount",
    "UpdateStreamMode",
)


def _stream(params: Params, where: Where) -> Sequence[str]:
    if "StreamARN" in params:
        return [arn_here(str(params["StreamARN"]), where)]
    return [stream_arn(where.region, where.account, str(params.get("StreamName", "")))]


def _of_iterator(params: Params, _where: Where) -> Sequence[str]:
    return [arn_in(str(params.get("ShardIterator", "")))]


def _of_list(params: Params, where: Where) -> Sequence[str]:
    """A list that goes on names its stream in its token."""
    return [arn_here(listed_in(str(params["NextToken"])), where)] if "NextToken" in params else _stream(params, where)


def _named(params: Params, where: Where) -> Sequence[str]:
    return [arn_here(str(params.get("ResourceARN", "")), where)]


def _consumer(params: Params, where: Where) -> Sequence[str]:
    """By its ARN, or by its name: whoever may do something to a consumer of any time may do it to this one."""
    if "ConsumerARN" in params:
        return [arn_here(str(params["ConsumerARN"]), where)]
    return [f"{_stream(params, where)[0]}/consumer/{params.get('ConsumerName', '')}:*"]


_ON_CONSUMERS = ("DeregisterStreamConsumer", "DescribeStreamConsumer", "SubscribeToShard")

ACCESS: AccessTable = {
    **{action: Access(action=f"kinesis:{action}", resources=_stream) for action in _ON_STREAMS},
    **{action: Access(action=f"kinesis:{action}", resources=_consumer) for action in _ON_CONSUMERS},
    "GetRecords": Access(action="kinesis:GetRecords", resources=_of_iterator),
    "ListShards": Access(action="kinesis:ListShards", resources=_of_list),
    "ListStreams": Access(action="kinesis:ListStreams"),
    "DescribeLimits": Access(action="kinesis:DescribeLimits"),
    "ListTagsForResource": Access(action="kinesis:ListTagsForResource", resources=_named),
    "TagResource": Access(action="kinesis:TagResource", resources=_named),
    "UntagResource": Access(action="kinesis:UntagResource", resources=_named),
}
