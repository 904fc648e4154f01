"""The operations on streams: made, changed, resharded, listed and deleted."""

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import Connection

from stoker.model.clock import Clock
from stoker.store import refusals
from stoker.store.arrivals import Arrivals
from stoker.store.store import Store
from stoker.streams import catalogue as rows
from stoker.streams import consumers, record_rows, resharding
from stoker.streams.catalogue import Catalogue
from stoker.streams.errors import InvalidArgument, StreamInUse, StreamLimitExceeded
from stoker.streams.resharding import MAX_SHARDS, Ranges
from stoker.streams.retention import Retention
from stoker.streams.stream import LEAST_RETENTION_H, ON_DEMAND, PROVISIONED, Consumer, Stream

MOST_RETENTION_H = 8760
MAX_TAGS = 50
# What a stream in on-demand mode begins with.
ON_DEMAND_SHARDS = 4


class Streams:
    """On the event loop's thread; the work is done in the store's."""

    def __init__(
        self, *, store: Store, catalogue: Catalogue, clock: Clock, arrivals: Arrivals, retention: Retention
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._account = catalogue.account
        self._clock = clock
        self._arrivals = arrivals
        self._retention = retention

    def __repr__(self) -> str:
        return f"<Streams of {self._catalogue!r}>"

    async def create(
        self, region: str, name: str, *, mode: str, shards: int | None, max_record_kib: int, tags: Mapping[str, str]
    ) -> None:
        """A new stream, ready for use."""
        now = self._clock.time()
        count = self._shard_count(region, mode, shards)
        _check_tags(tags, name, self._account)
        stream = Stream(
            region=region,
            name=name,
            created=now,
            shards=resharding.first_shards(count, now=now),
            mode=mode,
            max_record_kib=max_record_kib,
            tags=tags,
        )

        def work(conn: Connection) -> None:
            if self._catalogue.find(conn, region, name) is not None:
                raise StreamInUse(f"Stream {name} under account {self._account} already exists.")
            rows.insert(conn, stream)

        await refusals.write(self._store, work)

    async def find(self, region: str, name: str) -> Stream:
        """The stream as it is."""
        return await self._store.read(lambda conn: self._catalogue.require(conn, region, name))

    async def page(self, region: str, after: str, limit: int) -> Sequence[Stream]:
        """Streams in the order of their names."""
        return await self._store.read(lambda conn: rows.page(conn, region, after, limit))

    async def delete(self, region: str, name: str, *, with_consumers: bool = False) -> None:
        """Forget a stream; its records go behind."""

        def work(conn: Connection) -> Stream:
            stream = self._catalogue.require(conn, region, name)
            if stream.consumers and not with_consumers:
                raise StreamInUse(
                    f"Stream {name} under account {self._account} has registered consumers: deregister them first, or "
                    "set EnforceConsumerDeletion."
                )
            rows.delete(conn, stream)
            return stream

        stream = await refusals.write(self._store, work)
        self._arrivals.announce([stream.id, *((stream.id, shard.number) for shard in stream.shards)])
        self._retention.wake()

    async def split(self, region: str, name: str, shard: str, key: str) -> None:
        """Two shards instead of one, the second from the hash key `key` on."""
        await self._reshard(region, name, lambda stream: resharding.split(stream, shard, key, self._account))

    async def merge(self, region: str, name: str, shard: str, other: str) -> None:
        """One shard instead of two neighbours."""
        await self._reshard(region, name, lambda stream: resharding.merged(stream, shard, other, self._account))

    async def set_shard_count(self, region: str, name: str, target: int) -> int:
        """So many shards, evenly; how many there were."""
        before = await self._reshard(region, name, lambda stream: resharding.counted(stream, target))
        return len(before.open_shards)

    async def set_mode(self, region: str, name: str, mode: str) -> None:
        """Provisioned or on demand; its shards stay."""
        await self._change(region, name, lambda stream: replace(stream, mode=mode))

    async def set_max_record(self, region: str, name: str, kib: int) -> None:
        """How large a record may be from now on."""
        await self._change(region, name, lambda stream: replace(stream, max_record_kib=kib))

    async def set_retention(self, region: str, name: str, hours: int, *, longer: bool) -> None:
        """How long records can be read. InvalidArgument where it is not longer, or shorter, as asked."""
        await self._change(region, name, lambda stream: _with_retention(stream, hours, longer=longer))
        self._retention.wake()

    async def change_tags(
        self, region: str, name: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]
    ) -> None:
        """Replace the stream's tags by what `change` makes of them."""

        def changed(stream: Stream) -> Stream:
            tags = change(stream.tags)
            _check_tags(tags, name, self._account)
            return replace(stream, tags=tags)

        await self._change(region, name, changed)

    async def register(self, region: str, name: str, consumer_name: str) -> Consumer:
        """A new consumer of a stream."""
        consumer = Consumer(name=consumer_name, created=int(self._clock.time()))
        await self._change(region, name, lambda stream: consumers.registered(stream, consumer, self._account))
        return consumer

    async def deregister(self, region: str, name: str, consumer_name: str) -> None:
        """Forget a consumer; its subscriptions end."""
        stream = await self.find(region, name)
        await self._change(region, name, lambda stream: consumers.deregistered(stream, consumer_name, self._account))
        self._arrivals.announce((stream.id, shard.number) for shard in stream.shards)

    async def _change(self, region: str, name: str, change: Callable[[Stream], Stream]) -> None:
        def work(conn: Connection) -> None:
            rows.update(conn, change(self._catalogue.require(conn, region, name)))

        await refusals.write(self._store, work)

    async def _reshard(self, region: str, name: str, decide: Callable[[Stream], Ranges]) -> Stream:
        """The stream as it was. Who reads the shards that are closed, or waits for new ones, is told."""
        now = self._clock.time()

        def work(conn: Connection) -> tuple[Stream, Ranges]:
            stream = self._catalogue.require(conn, region, name)
            ranges = decide(stream)
            parents = {parent for _, parents in ranges for parent in parents}
            last = {parent: record_rows.last_sequence(conn, stream, parent) for parent in parents}
            changed = resharding.resharded(stream, ranges, last, now=now)
            rows.update(conn, changed, [shard.number for shard in changed.shards[len(changed.shards) - len(ranges) :]])
            return stream, ranges

        stream, ranges = await refusals.write(self._store, work)
        closed = {parent for _, parents in ranges for parent in parents}
        self._arrivals.announce([stream.id, *((stream.id, number) for number in closed)])
        return stream

    def _shard_count(self, region: str, mode: str, asked: int | None) -> int:
        if mode == ON_DEMAND:
            if asked is not None:
                raise InvalidArgument("ShardCount must not be specified for a stream in ON_DEMAND mode.")
            return ON_DEMAND_SHARDS
        if asked is None:
            raise InvalidArgument(f"ShardCount must be specified for a stream in {PROVISIONED} mode.")
        if asked > MAX_SHARDS:
            raise StreamLimitExceeded(
                f"This request would exceed the shard limit for the account {self._account} in {region}. Limit: "
                f"{MAX_SHARDS} for a stream. Number of additional shards that would have resulted from this request: "
                f"{asked}."
            )
        return asked


def _with_retention(stream: Stream, hours: int, *, longer: bool) -> Stream:
    told = f"Requested retention period ({hours} hours)"
    if hours < LEAST_RETENTION_H:
        raise InvalidArgument(f"Minimum allowed retention period is {LEAST_RETENTION_H} hours. {told} is too short.")
    if hours > MOST_RETENTION_H:
        raise InvalidArgument(f"Maximum allowed retention period is {MOST_RETENTION_H} hours. {told} is too long.")
    existing = f"existing retention period ({stream.retention_h} hours)"
    if longer and hours < stream.retention_h:
        raise InvalidArgument(
            f"{told} for stream {stream.name} can not be shorter than {existing}. Use DecreaseRetentionPeriod API."
        )
    if not longer and hours > stream.retention_h:
        raise InvalidArgument(
            f"{told} for stream {stream.name} can not be longer than {existing}. Use IncreaseRetentionPeriod API."
        )
    return replace(stream, retention_h=hours)


def _check_tags(tags: Mapping[str, str], name: str, account: str) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidArgument(
            f"Failed to add tags to stream {name} under account {account} because a given stream cannot have more than "
            f"{MAX_TAGS} tags associated with it."
        )
