"""Streams as their readers see them: found by ARN, read from iterators that say where they are."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from stoker.items import streams
from stoker.items.errors import ExpiredIterator, ResourceNotFound, TrimmedDataAccess
from stoker.items.streams import ChangeRecord, Stream, parse_sequence, stream_arn
from stoker.model.clock import Clock
from stoker.model.errors import ValidationException
from stoker.store.store import Store

ITERATOR_LIFE_S = 900.0
MAX_RECORDS = 1_000
TRIM_HORIZON = "TRIM_HORIZON"
LATEST = "LATEST"
AT_SEQUENCE_NUMBER = "AT_SEQUENCE_NUMBER"
AFTER_SEQUENCE_NUMBER = "AFTER_SEQUENCE_NUMBER"
AT_TIMESTAMP = "AT_TIMESTAMP"
_ARN = re.compile(r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):(\d+):table/([a-zA-Z0-9_.-]+)/stream/([0-9T:.-]+)")


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What an iterator says after its stream's ARN: the number to read next, and when it was made."""

    next: int
    made: float


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Records, and the number to go on with; None at the end of a stream that is closed."""

    records: Sequence[ChangeRecord]
    next: int | None


class StreamReading:
    """Reads streams. On the event loop's thread; the work is done in the store's."""

    def __init__(self, *, store: Store, clock: Clock, account: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account

    def __repr__(self) -> str:
        return "<StreamReading>"

    async def find(self, arn: str) -> Stream:
        """The stream of this ARN; ResourceNotFoundException."""
        return await self._store.read(lambda conn: self._require(conn, arn))

    async def list(self, region: str, table: str | None, after: str | None, limit: int) -> Sequence[Stream]:
        """Streams, those after one of them."""
        now = self._clock.time()

        def work(conn: Connection) -> Sequence[Stream]:
            last = 0 if after is None else self._require(conn, after).id
            return streams.page(conn, region, table, last, limit, now=now)

        return await self._store.read(work)

    async def oldest(self, stream: Stream) -> int:
        """The number of the oldest record that is kept."""
        return await self._store.read(lambda conn: streams.oldest(conn, stream, now=self._clock.time()))

    async def iterator(
        self, arn: str, shard_id: str, kind: str, *, sequence: str | None = None, since: float | None = None
    ) -> str:
        """An iterator of a shard; `since` is in seconds since the epoch, for AT_TIMESTAMP."""
        now = self._clock.time()

        def work(conn: Connection) -> int:
            stream = self._require(conn, arn)
            if stream.shard_id != shard_id:
                raise ResourceNotFound(f"Requested resource not found: Shard: {shard_id} in Stream: {arn} not found")
            if kind == AT_TIMESTAMP:
                if since is None:
                    raise ValidationException("Timestamp must be specified for the ShardIteratorType AT_TIMESTAMP")
                return streams.first_since(conn, stream, since, now=now)
            return _start(conn, stream, kind, sequence, now)

        return self.told(arn, await self._store.read(work))

    def told(self, arn: str, next_: int) -> str:
        """An iterator's text."""
        place = msgspec.json.encode(_Place(next_, self._clock.time()))
        return f"{arn}|1|{base64.urlsafe_b64encode(place).decode()}"

    def parse(self, iterator: str) -> tuple[str, int]:
        """The stream's ARN and the number to read next; ValidationException, ExpiredIteratorException."""
        arn, _, rest = iterator.partition("|")
        try:
            text = base64.urlsafe_b64decode(rest.removeprefix("1|"))
            place = msgspec.json.decode(text, type=_Place)
        except (ValueError, RecursionError) as error:
            raise ValidationException("Invalid ShardIterator") from error
        if self._clock.time() - place.made > ITERATOR_LIFE_S:
            raise ExpiredIterator
        return arn, place.next

    async def read(self, arn: str, start: int, limit: int, *, trimmed_is_error: bool = True) -> Batch:
        """Records from a number on. What is too old to be read is an error, or skipped."""
        now = self._clock.time()

        def work(conn: Connection) -> Batch:
            stream = self._require(conn, arn)
            if trimmed_is_error and start < streams.oldest(conn, stream, now=now):
                raise TrimmedDataAccess
            found, following = streams.records(conn, stream, start, limit, now=now)
            ended = stream.closed is not None and following > stream.last
            # Records that went unread meanwhile are passed over, or a reader at their place would never go on.
            return Batch(records=found, next=None if ended else following)

        return await self._store.read(work)

    def _require(self, conn: Connection, arn: str) -> Stream:
        match = _ARN.fullmatch(arn)
        stream = None
        if match is not None and match[2] == self._account:
            stream = streams.find(conn, match[1], match[3], match[4], now=self._clock.time())
        if stream is None:
            raise ResourceNotFound(f"Requested resource not found: Stream: {arn} not found")
        return stream

    def arn(self, stream: Stream) -> str:
        """A stream's ARN."""
        return stream_arn(stream.region, self._account, stream.table, stream.label)


def _start(conn: Connection, stream: Stream, kind: str, sequence: str | None, now: float) -> int:
    oldest = streams.oldest(conn, stream, now=now)
    if kind == TRIM_HORIZON:
        return oldest
    if kind == LATEST:
        return stream.last + 1
    number = None if sequence is None else parse_sequence(sequence)
    if number is None:
        raise ValidationException(f"Invalid SequenceNumber for the ShardIteratorType {kind}")
    start = number if kind == AT_SEQUENCE_NUMBER else number + 1
    if start < oldest:
        raise TrimmedDataAccess
    return start
