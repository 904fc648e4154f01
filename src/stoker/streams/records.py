"""Records as requests see them: put, and read from iterators; what is acknowledged is on the disk."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stoker.model.clock import Clock
from stoker.model.errors import ValidationException
from stoker.store import refusals
from stoker.store.arrivals import Arrivals
from stoker.store.store import Store
from stoker.streams import record_rows
from stoker.streams.catalogue import Catalogue
from stoker.streams.errors import InvalidArgument, StreamNotFound
from stoker.streams.hash_keys import hash_key
from stoker.streams.iterators import Iterator, parse_iterator, told
from stoker.streams.record_rows import NewRecord, StoredRecord
from stoker.streams.stream import Shard, Stream, parse_sequence

TRIM_HORIZON = "TRIM_HORIZON"
LATEST = "LATEST"
AT_SEQUENCE_NUMBER = "AT_SEQUENCE_NUMBER"
AFTER_SEQUENCE_NUMBER = "AFTER_SEQUENCE_NUMBER"
AT_TIMESTAMP = "AT_TIMESTAMP"
MAX_RECORDS = 10_000
# Data and partition keys of one PutRecords.
MAX_PUT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where a record is: its shard's number, and its own in there."""

    shard: int
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where an iterator begins; `since` is in seconds since the epoch."""

    kind: str
    sequence: str | None = None
    since: float | None = None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Records of a shard. `next` is the number to go on with, None at the end of a shard that is closed.

    `behind_s` is how far the last of them is behind the shard's end, in seconds.
    """

    stream: Stream
    shard: Shard
    records: Sequence[StoredRecord]
    next: int | None
    behind_s: float = 0.0


def new_record(data: bytes, partition_key: str, explicit: str | None) -> NewRecord:
    """A record that is to be put. InvalidArgument for a hash key that is none."""
    return NewRecord(data=data, partition_key=partition_key, key=hash_key(partition_key, explicit))


class Records:
    """On the event loop's thread; the work is done in the store's."""

    def __init__(self, *, store: Store, catalogue: Catalogue, clock: Clock, arrivals: Arrivals) -> None:
        self._store = store
        self._catalogue = catalogue
        self._account = catalogue.account
        self._clock = clock
        self._arrivals = arrivals

    def __repr__(self) -> str:
        return f"<Records of {self._catalogue!r}>"

    async def put(self, region: str, name: str, new: Sequence[NewRecord]) -> Sequence[Placed]:
        """Put records, all of them or none; where each is. Those of one shard keep their order."""
        now = self._clock.time()
        if sum(len(each.data) + len(each.partition_key.encode()) for each in new) > MAX_PUT_BYTES:
            raise InvalidArgument(f"Records size exceeds {MAX_PUT_BYTES >> 20} MB limit")

        def work(conn: Connection) -> tuple[Stream, Sequence[Placed]]:
            stream = self._catalogue.require(conn, region, name)
            _check_sizes(stream, new)
            shards = stream.shards_for([each.key for each in new])
            by_shard: defaultdict[int, list[int]] = defaultdict(list)
            for place, shard in enumerate(shards):
                by_shard[shard.number].append(place)
            placed: dict[int, Placed] = {}
            for number, places in by_shard.items():
                first = record_rows.append(conn, stream, shards[places[0]], [new[place] for place in places], now=now)
                for sequence, place in enumerate(places, first):
                    placed[place] = Placed(shard=number, sequence=sequence)
            return stream, [placed[place] for place in range(len(new))]

        stream, placed = await refusals.write(self._store, work)
        self._arrivals.announce({(stream.id, each.shard) for each in placed})
        return placed

    async def iterator(self, region: str, name: str, shard_name: str, start: Start) -> str:
        """An iterator's text."""
        now = self._clock.time()

        def work(conn: Connection) -> Iterator:
            stream = self._catalogue.require(conn, region, name)
            shard = stream.shard(shard_name)
            if shard is None or shard not in stream.listed(now):
                raise StreamNotFound(
                    f"Shard {shard_name} in stream {name} under account {self._account} does not exist"
                )
            place = self._place(conn, stream, shard, start, now)
            return Iterator(stream.arn(self._account), stream.id, shard.number, place, now)

        return told(await self._store.read(work))

    def parse(self, iterator: str) -> Iterator:
        """InvalidArgumentException, ExpiredIteratorException."""
        return parse_iterator(iterator, now=self._clock.time())

    def told(self, before: Iterator, batch: Batch) -> str | None:
        """The iterator that goes on after a batch; None at the end of a closed shard."""
        if batch.next is None:
            return None
        return told(Iterator(before.arn, before.stream_id, before.shard, batch.next, self._clock.time()))

    async def read(self, stream_id: int, number: int, start: int, limit: int) -> Batch:
        """Records of a shard from a number on."""
        now = self._clock.time()

        def work(conn: Connection) -> Batch:
            stream, shard = self._require(conn, stream_id, number)
            # Before the records: what is not among them then is too old to be read, and not just put.
            last = record_rows.last_sequence(conn, stream, number) if shard.last is None else shard.last
            found = record_rows.read(conn, stream, shard, start, limit, now=now)
            following = found[-1].sequence + 1 if found else max(start, last + 1)
            is_over = not shard.is_open and following > last
            behind = max(0.0, now - found[-1].created) if found and following <= last else 0.0
            next_ = None if is_over else following
            return Batch(stream=stream, shard=shard, records=found, next=next_, behind_s=behind)

        return await self._store.read(work)

    async def start(self, stream_id: int, number: int, start: Start) -> int:
        """The number of the first record that an iterator of this kind reads."""
        now = self._clock.time()

        def work(conn: Connection) -> int:
            stream, shard = self._require(conn, stream_id, number)
            return self._place(conn, stream, shard, start, now)

        return await self._store.read(work)

    def _require(self, conn: Connection, stream_id: int, number: int) -> tuple[Stream, Shard]:
        stream = self._catalogue.by_id(conn, stream_id)
        shard = None if stream is None else next((each for each in stream.shards if each.number == number), None)
        if stream is None or shard is None:
            raise StreamNotFound("The stream of the iterator, or its shard, is not there any more.")
        return stream, shard

    def _place(self, conn: Connection, stream: Stream, shard: Shard, start: Start, now: float) -> int:
        horizon = now - stream.retention_s
        match start.kind:
            case "LATEST":
                return record_rows.last_sequence(conn, stream, shard.number) + 1
            case "TRIM_HORIZON":
                return record_rows.first_since(conn, stream, shard, horizon)
            case "AT_TIMESTAMP":
                return record_rows.first_since(conn, stream, shard, max(horizon, _moment(start, now)))
        number = None if start.sequence is None else parse_sequence(shard.number, start.sequence)
        if number is None:
            raise InvalidArgument(
                f"StartingSequenceNumber {start.sequence} used in GetShardIterator on shard {shard.name} in stream "
                f"{stream.name} under account {self._account} is invalid."
            )
        return number + 1 if start.kind == AFTER_SEQUENCE_NUMBER else number


def _moment(start: Start, now: float) -> float:
    if start.since is None:
        raise InvalidArgument(
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no "
            "timestamp parameter."
        )
    if start.since > now:
        raise InvalidArgument("The timestampInMillis parameter cannot be greater than the current timestamp.")
    return start.since


def _check_sizes(stream: Stream, new: Sequence[NewRecord]) -> None:
    most = stream.max_record_kib * 1024
    for place, each in enumerate(new, 1):
        if len(each.data) > most:
            where = "data" if len(new) == 1 else f"records.{place}.member.data"
            told_value = f"java.nio.HeapByteBuffer[pos=0 lim={len(each.data)} cap={len(each.data)}]"
            raise ValidationException(
                f"1 validation error detected: Value '{told_value}' at '{where}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}"
            )
