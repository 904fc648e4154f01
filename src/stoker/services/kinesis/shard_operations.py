"""DescribeStream and ListShards: a stream's shards, page by page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stoker.model.clock import Clock
from stoker.services.kinesis.naming import name_in, refuse_unbuilt, stream_name
from stoker.services.kinesis.stream_words import shard_members, stream_members
from stoker.streams.errors import InvalidArgument
from stoker.streams.iterators import ListToken, parse_token, told
from stoker.streams.stream import Shard, Stream
from stoker.streams.streams import Streams
from stoker.wire.message import Call

MAX_DESCRIBED = 100
MAX_LISTED = 1_000
Params = Mapping[str, Any]


class ShardOperations:
    """Shards that have, or may have, records that can be read."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock

    async def describe_stream(self, call: Call) -> Mapping[str, Any]:
        stream = await self._streams.find(call.region, stream_name(call))
        after, limit = call.params.get("ExclusiveStartShardId", ""), call.params.get("Limit", MAX_DESCRIBED)
        shards = [shard for shard in stream.listed(self._clock.time()) if shard.name > after]
        members = {
            **stream_members(stream, call.account),
            "Shards": [shard_members(shard) for shard in shards[:limit]],
            "HasMoreShards": len(shards) > limit,
        }
        return {"StreamDescription": members}

    async def list_shards(self, call: Call) -> Mapping[str, Any]:
        params, now = call.params, self._clock.time()
        if "NextToken" in params:
            _refuse_beside_token(params)
            token = parse_token(params["NextToken"], now=now)
            name, after = name_in(token.of), token.after
        else:
            name, after = stream_name(call), params.get("ExclusiveStartShardId", "")
        stream = await self._streams.find(call.region, name)
        shards = [shard for shard in _filtered(stream, params.get("ShardFilter"), now) if shard.name > after]
        limit = params.get("MaxResults", MAX_LISTED)
        more = len(shards) > limit
        following = told(ListToken(stream.arn(call.account), shards[limit - 1].name, now)) if more else None
        return {"Shards": [shard_members(shard) for shard in shards[:limit]], "NextToken": following}


def _refuse_beside_token(params: Params) -> None:
    refuse_unbuilt(params)
    for name in ("StreamName", "ExclusiveStartShardId", "StreamCreationTimestamp", "ShardFilter"):
        if name in params:
            raise InvalidArgument(f"NextToken and {name} cannot be provided together.")


def _filtered(stream: Stream, asked: Params | None, now: float) -> Sequence[Shard]:
    if asked is None:
        return stream.listed(now)
    kind = asked["Type"]
    horizon = now - stream.retention_s
    if kind.endswith("TIMESTAMP"):
        if "Timestamp" not in asked:
            raise InvalidArgument(f"Timestamp must be specified for the filter {kind}.")
        horizon = max(horizon, asked["Timestamp"].timestamp())
    if kind == "AFTER_SHARD_ID":
        if "ShardId" not in asked:
            raise InvalidArgument(f"ShardId must be specified for the filter {kind}.")
        return [shard for shard in stream.listed(now) if shard.name > asked["ShardId"]]
    return [shard for shard in stream.listed(now) if _FILTERS[kind](shard, horizon)]


def _was_open(shard: Shard, moment: float) -> bool:
    return shard.created <= moment and _was_open_later(shard, moment)


def _was_open_later(shard: Shard, moment: float) -> bool:
    return shard.closed is None or shard.closed > moment


def _at_horizon(shard: Shard, horizon: float) -> bool:
    """Open at the horizon, or from the beginning of a stream that is younger."""
    return _was_open_later(shard, horizon) and (shard.created <= horizon or not shard.parents)


_FILTERS: Mapping[str, Callable[[Shard, float], bool]] = {
    "AT_TRIM_HORIZON": _at_horizon,
    "FROM_TRIM_HORIZON": _was_open_later,
    "AT_LATEST": lambda shard, _moment: shard.is_open,
    "AT_TIMESTAMP": _was_open,
    "FROM_TIMESTAMP": _was_open_later,
}
