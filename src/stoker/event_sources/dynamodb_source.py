"""DynamoDB's streams as a source: changes of items as Lambda shapes them, read as soon as they are committed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

import msgspec

from stoker.event_sources.awaited_page import awaited_page
from stoker.event_sources.mapping import Mapping, Options
from stoker.event_sources.poller import Record
from stoker.event_sources.shards import Page, Shard, StreamRecord
from stoker.event_sources.source import Abilities
from stoker.items.errors import ItemsError
from stoker.items.stream_reading import LATEST, StreamReading
from stoker.items.streams import ChangeRecord, told_sequence
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException
from stoker.store.arrivals import Arrivals

MayRead = Callable[[str, str, str], Awaitable[bool]]
"""Takes a role's ARN, an IAM action and a resource's ARN."""
ACTIONS = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")
ABILITIES = Abilities(label="DynamoDB", batch_size=100, streams=True)
_encode = msgspec.json.Encoder().encode


class DynamoDbSource:
    """Streams of this account's tables. `allows` says whether a function's role may do something to a stream."""

    def __init__(self, reading: StreamReading, arrivals: Arrivals, clock: Clock, allows: MayRead) -> None:
        self._reading = reading
        self._arrivals = arrivals
        self._clock = clock
        self._allows = allows

    def __repr__(self) -> str:
        return "<DynamoDbSource>"

    def abilities(self, source_arn: str) -> Abilities:
        return ABILITIES

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        arn = mapping.source_arn
        if mapping.options.starting_position == "AT_TIMESTAMP":
            raise _invalid(f"Unsupported starting position for arn type: {arn}")
        try:
            stream = await self._reading.find(arn)
        except ItemsError:
            raise _invalid(f"Stream not found: {arn}") from None
        if stream.region != mapping.function.region:
            raise _invalid(f"Stream not found: {arn}")
        for action in ACTIONS:
            if not await self._allows(role_arn, f"dynamodb:{action}", arn):
                raise _invalid(
                    f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, "
                    "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
                )

    async def open(self, mapping: Mapping) -> "DynamoDbShards":
        return DynamoDbShards(
            mapping.source_arn, self._reading, self._arrivals, self._clock, is_filtered=bool(mapping.options.filters)
        )


class DynamoDbShards:
    """One stream, which has one shard. Positions are the numbers of the records to be read next."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(
        self, arn: str, reading: StreamReading, arrivals: Arrivals, clock: Clock, *, is_filtered: bool
    ) -> None:
        self._arn = arn
        self._reading = reading
        self._arrivals = arrivals
        self._clock = clock
        self._is_filtered = is_filtered

    def __repr__(self) -> str:
        return f"<DynamoDbShards {self._arn}>"

    async def shards(self) -> Sequence[Shard]:
        return [Shard(id=(await self._reading.find(self._arn)).shard_id)]

    async def changed(self, known: Sequence[Shard]) -> NoReturn:
        while True:
            await asyncio.Event().wait()

    async def start(self, shard: Shard, options: Options) -> str:
        stream = await self._reading.find(self._arn)
        if options.starting_position == LATEST:
            return str(stream.last + 1)
        return str(await self._reading.oldest(stream))

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        stream = await self._reading.find(self._arn)
        return await awaited_page(
            lambda place: self._read(place, most),
            position,
            wait_s,
            arrivals=self._arrivals,
            key=stream.id,
            clock=self._clock,
        )

    async def close(self) -> None: ...

    async def _read(self, position: str, most: int) -> Page:
        batch = await self._reading.read(self._arn, int(position), most, trimmed_is_error=False)
        records = [self._record(each) for each in batch.records]
        following = position if batch.next is None else str(batch.next)
        return Page(records=records, position=following, ended=batch.next is None)

    def _record(self, change: ChangeRecord) -> StreamRecord:
        document = event_record(change, self._arn)
        event = _encode(document)
        return StreamRecord(
            record=Record(
                id=told_sequence(change.sequence),
                event=event,
                # As the function sees it: with bytes in base64.
                view=msgspec.json.decode(event) if self._is_filtered else {},
            ),
            # An item's changes keep their order.
            key=repr(change.content["dynamodb"]["Keys"]),
            arrived_at=change.created,
            position=str(change.sequence + 1),
        )


def event_record(change: ChangeRecord, arn: str) -> dict[str, Any]:
    """A change as an element of `Records`: as in the stream, but for who made it."""
    record = {**change.content, "eventSourceARN": arn}
    if identity := record.get("userIdentity"):
        record["userIdentity"] = {"principalId": identity["PrincipalId"], "type": identity["Type"]}
    return record


def _invalid(text: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(text, Type="User")
