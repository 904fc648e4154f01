"""Enhanced fan-out: consumers, and the records that are pushed to them."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from stoker.model.clock import Clock
from stoker.services.kinesis.naming import name_in, refuse_unbuilt
from stoker.services.kinesis.record_words import children, record_members
from stoker.streams import consumers
from stoker.streams.errors import InvalidArgument, StreamNotFound
from stoker.streams.iterators import ListToken, parse_token, told
from stoker.streams.records import AFTER_SEQUENCE_NUMBER, AT_SEQUENCE_NUMBER, Batch, Start
from stoker.streams.stream import Consumer, Stream, told_sequence
from stoker.streams.streams import Streams
from stoker.streams.subscriptions import Subscriptions
from stoker.wire.message import Call

MAX_LISTED = 100
ACTIVE = "ACTIVE"
_ARN = re.compile(r"(arn:.*:stream/[a-zA-Z0-9_.-]+)/consumer/([a-zA-Z0-9_.-]+):([0-9]+)")
Events = AsyncIterator[Mapping[str, Mapping[str, Any]]]


class ConsumerOperations:
    """Consumers registered, told, forgotten and served."""

    def __init__(self, streams: Streams, subscriptions: Subscriptions, clock: Clock) -> None:
        self._streams = streams
        self._subscriptions = subscriptions
        self._clock = clock

    async def register_stream_consumer(self, call: Call) -> Mapping[str, Any]:
        refuse_unbuilt(call.params, "StreamId", "Tags")
        arn, name = call.params["StreamARN"], call.params["ConsumerName"]
        consumer = await self._streams.register(call.region, name_in(arn), name)
        return {"Consumer": _members(consumer, arn)}

    async def deregister_stream_consumer(self, call: Call) -> None:
        stream, consumer = await self._find(call)
        await self._streams.deregister(call.region, stream.name, consumer.name)

    async def describe_stream_consumer(self, call: Call) -> Mapping[str, Any]:
        stream, consumer = await self._find(call)
        arn = stream.arn(call.account)
        return {"ConsumerDescription": {**_members(consumer, arn), "StreamARN": arn}}

    async def list_stream_consumers(self, call: Call) -> Mapping[str, Any]:
        params, now = call.params, self._clock.time()
        refuse_unbuilt(params)
        stream = await self._streams.find(call.region, name_in(params["StreamARN"]))
        arn = stream.arn(call.account)
        after = parse_token(params["NextToken"], now=now).after if "NextToken" in params else ""
        found = sorted((each for each in stream.consumers if each.name > after), key=lambda each: each.name)
        limit = params.get("MaxResults", MAX_LISTED)
        following = told(ListToken(arn, found[limit - 1].name, now)) if len(found) > limit else None
        return {"Consumers": [_members(each, arn) for each in found[:limit]], "NextToken": following}

    async def subscribe_to_shard(self, call: Call) -> Mapping[str, Any]:
        stream, consumer = await self._find(call)
        shard = stream.shard(call.params["ShardId"])
        if shard is None or shard not in stream.listed(self._clock.time()):
            raise StreamNotFound(
                f"Shard {call.params['ShardId']} in stream {stream.name} under account {call.account} does not exist"
            )
        start = _start(call.params["StartingPosition"])
        return {"EventStream": _events(await self._subscriptions.open(stream, consumer, shard, start))}

    async def _find(self, call: Call) -> tuple[Stream, Consumer]:
        """By the consumer's ARN, or by the stream's and its own name."""
        params, created = call.params, None
        refuse_unbuilt(params)
        if "ConsumerARN" in params:
            match = _ARN.fullmatch(params["ConsumerARN"])
            if match is None:
                raise InvalidArgument(f"Invalid ARN: {params['ConsumerARN']}")
            arn, name, created = match[1], match[2], int(match[3])
        elif "StreamARN" in params and "ConsumerName" in params:
            arn, name = params["StreamARN"], params["ConsumerName"]
        else:
            raise InvalidArgument("Either ConsumerARN or both StreamARN and ConsumerName must be specified.")
        stream = await self._streams.find(call.region, name_in(arn))
        return stream, consumers.required(stream, name, call.account, created)


def _members(consumer: Consumer, stream_arn: str) -> Mapping[str, Any]:
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn(stream_arn),
        "ConsumerStatus": ACTIVE,
        "ConsumerCreationTimestamp": consumer.created,
    }


def _start(asked: Mapping[str, Any]) -> Start:
    sequence, since = asked.get("SequenceNumber"), asked.get("Timestamp")
    if (asked["Type"] in (AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER)) != (sequence is not None):
        raise InvalidArgument(f"SequenceNumber goes with AT_ and AFTER_SEQUENCE_NUMBER, not with {asked['Type']}.")
    return Start(kind=asked["Type"], sequence=sequence, since=None if since is None else since.timestamp())


async def _events(batches: AsyncIterator[Batch]) -> Events:
    async for batch in batches:
        # A reader goes on after this number; at a shard's end there is none.
        following = None if batch.next is None else told_sequence(batch.shard.number, batch.next - 1)
        members = {
            "Records": [record_members(batch.shard, each) for each in batch.records],
            "ContinuationSequenceNumber": following,
            "MillisBehindLatest": round(batch.behind_s * 1000),
        }
        yield {"SubscribeToShardEvent": {**members, "ChildShards": children(batch)}}
