"""Kinesis' streams as a source: records as Lambda shapes them, read as soon as they are committed."""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.event_sources.awaited_page import awaited_page
from stoker.event_sources.mapping import Mapping, Options
from stoker.event_sources.poller import Record
from stoker.event_sources.shards import Page, Shard, StreamRecord
from stoker.event_sources.source import Abilities
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException
from stoker.store.arrivals import Arrivals
from stoker.streams import stream as streams
from stoker.streams.consumers import required
from stoker.streams.errors import StreamsError
from stoker.streams.record_rows import StoredRecord
from stoker.streams.records import MAX_RECORDS, Batch, Records, Start
from stoker.streams.stream import Stream, told_sequence
from stoker.streams.streams import Streams

MayRead = Callable[[str, str, str], Awaitable[bool]]
"""Takes a role's ARN, an IAM action and a resource's ARN."""
RoleOf = Callable[[Mapping], Awaitable[str]]
ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListShards", "ListStreams")
CONSUMERS_ACTIONS = ("DescribeStreamConsumer", "SubscribeToShard")
# A stream, or one of its consumers: reading is the same, and who may is asked of the consumer.
_ARN = re.compile(
    r"arn:aws[a-z-]*:kinesis:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):stream/(?P<stream>[a-zA-Z0-9_.-]+)"
    r"(/consumer/(?P<consumer>[a-zA-Z0-9_.-]+):(?P<created>\d+))?"
)
ABILITIES = Abilities(label="Kinesis", batch_size=100, streams=True)


@dataclass(frozen=True, kw_only=True)
class KinesisSource:
    """Streams of this account. `allows` says whether a function's role may do something, `role_of` which role it is."""

    streams: Streams
    records: Records
    arrivals: Arrivals
    clock: Clock
    account: str
    allows: MayRead
    role_of: RoleOf

    def __repr__(self) -> str:
        return f"<KinesisSource {self.streams!r}>"

    def abilities(self, source_arn: str) -> Abilities:
        return ABILITIES

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        arn = mapping.source_arn
        match = _ARN.fullmatch(arn)
        if match is None or match["region"] != mapping.function.region or match["account"] != self.account:
            raise _invalid(f"Stream not found: {arn}")
        try:
            await self.find(match)
        except StreamsError:
            raise _invalid(f"Stream not found: {arn}") from None
        actions = ACTIONS if match["consumer"] is None else CONSUMERS_ACTIONS
        for action in actions:
            if not await self.allows(role_arn, f"kinesis:{action}", arn):
                raise _invalid(
                    f"Cannot access stream {arn}. Please ensure the role can perform the {', '.join(actions[:-1])}, "
                    f"and {actions[-1]} Actions on your stream in IAM."
                )

    async def find(self, place: re.Match[str]) -> Stream:
        """The stream of an ARN. Raises StreamNotFound, also where the consumer that it names is not there."""
        stream = await self.streams.find(place["region"], place["stream"])
        if place["consumer"] is not None:
            required(stream, place["consumer"], self.account, int(place["created"]))
        return stream

    async def open(self, mapping: Mapping) -> "KinesisShards":
        return KinesisShards(self, mapping)


class KinesisShards:
    """One stream, by its name. Positions are a stream's id and the number of the record to be read next.

    A stream that was deleted and made again is another one, and read from its beginning.
    """

    batch_info = "KinesisBatchInfo"

    def __init__(self, source: KinesisSource, mapping: Mapping) -> None:
        self._source = source
        self._mapping = mapping
        match = _ARN.fullmatch(mapping.source_arn)
        assert match is not None
        self._place = match

    def __repr__(self) -> str:
        return f"<KinesisShards {self._mapping.source_arn}>"

    async def shards(self) -> Sequence[Shard]:
        return self._shards(await self._find())

    async def changed(self, known: Sequence[Shard]) -> None:
        with self._source.arrivals.watch((await self._find()).id) as changed:
            while list(await self.shards()) == list(known):
                await changed.wait()
                changed.clear()

    async def start(self, shard: Shard, options: Options) -> str:
        stream = await self._find()
        kind = Start(kind=options.starting_position or "TRIM_HORIZON", since=options.starting_timestamp)
        return _position(stream, await self._source.records.start(stream.id, _number(shard), kind))

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        stream = await self._find()
        return await awaited_page(
            lambda place: self._read(stream, shard, place, most),
            position,
            wait_s,
            arrivals=self._source.arrivals,
            key=(stream.id, _number(shard)),
            clock=self._source.clock,
        )

    async def close(self) -> None: ...

    async def _find(self) -> Stream:
        return await self._source.find(self._place)

    def _shards(self, stream: Stream) -> Sequence[Shard]:
        return [
            Shard(id=each.name, parents=tuple(map(streams.shard_name, each.parents)))
            for each in stream.listed(self._source.clock.time())
        ]

    async def _read(self, stream: Stream, shard: Shard, position: str, most: int) -> Page:
        stream_id, _, number = position.partition(":")
        start = int(number) if stream_id == str(stream.id) else 1
        batch = await self._source.records.read(stream.id, _number(shard), start, min(most, MAX_RECORDS))
        role = await self._source.role_of(self._mapping) if batch.records else ""
        following = position if batch.next is None else _position(stream, batch.next)
        return Page(
            records=[self._record(batch, each, role) for each in batch.records],
            position=following,
            ended=batch.next is None,
        )

    def _record(self, batch: Batch, stored: StoredRecord, role: str) -> StreamRecord:
        event = event_record(batch, stored, arn=self._mapping.source_arn, role=role)
        return StreamRecord(
            record=Record(
                id=event["kinesis"]["sequenceNumber"],
                event=json.dumps(event, separators=(",", ":")).encode(),
                view={**event, **event["kinesis"], "data": _text(stored.data)},
            ),
            key=stored.partition_key,
            arrived_at=stored.created,
            position=_position(batch.stream, stored.sequence + 1),
        )


def event_record(batch: Batch, stored: StoredRecord, *, arn: str, role: str) -> dict[str, Any]:
    """A record as an element of `Records`."""
    sequence = told_sequence(batch.shard.number, stored.sequence)
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": stored.partition_key,
            "sequenceNumber": sequence,
            "data": base64.b64encode(stored.data).decode("ascii"),
            "approximateArrivalTimestamp": round(stored.created, 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{batch.shard.name}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": batch.stream.region,
        "eventSourceARN": arn,
    }


def _position(stream: Stream, number: int) -> str:
    return f"{stream.id}:{number}"


def _text(data: bytes) -> str | None:
    """What filters see of the data; None where it is no text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _number(shard: Shard) -> int:
    return int(shard.id.removeprefix(streams.SHARD_PREFIX))


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(text, Type="User")
