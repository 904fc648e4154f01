"""Shards split, merged and counted: what becomes of a stream's shards. Pure.

Source: "Resharding a stream" in the Amazon Kinesis Data Streams Developer Guide, UpdateShardCount in its API reference.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from stoker.streams.errors import InvalidArgument, StreamInUse, StreamLimitExceeded, StreamNotFound
from stoker.streams.hash_keys import even_ranges
from stoker.streams.stream import Shard, Stream

# Shards of one stream; every change of a stream writes all of them.
MAX_SHARDS = 1_000
# Parents of a shard, by its range.
Ranges = Sequence[tuple[tuple[int, int], tuple[int, ...]]]


def first_shards(count: int, *, now: float) -> tuple[Shard, ...]:
    """The shards of a new stream."""
    return tuple(_shard(number, keys, (), now) for number, keys in enumerate(even_ranges(count)))


def split(stream: Stream, name: str, key: str, account: str) -> Ranges:
    """The two ranges that a shard's is split into, the second from `key` on."""
    shard = _eligible(stream, name, account)
    first, last = shard.keys
    if not first + 1 < int(key) < last:
        raise InvalidArgument(
            f"NewStartingHashKey {key} used in SplitShard() on shard {name} in stream {stream.name} under account "
            f"{account} is not both greater than one plus the shard's StartingHashKey {first} and less than the "
            f"shard's EndingHashKey {last}."
        )
    return [((first, int(key) - 1), (shard.number,)), ((int(key), last), (shard.number,))]


def merged(stream: Stream, name: str, other: str, account: str) -> Ranges:
    """The range of two neighbours."""
    shards = _eligible(stream, name, account), _eligible(stream, other, account)
    lower, upper = sorted(shards, key=lambda shard: shard.keys)
    if lower.keys[1] + 1 != upper.keys[0]:
        raise InvalidArgument(
            f"Shards {name} and {other} in stream {stream.name} under account {account} are not an adjacent pair of "
            "shards eligible for merging"
        )
    return [((lower.keys[0], upper.keys[1]), (shards[0].number, shards[1].number))]


def counted(stream: Stream, target: int) -> Ranges:
    """Even ranges, each with those that it takes from as its parents: the first two, as many as a shard can name."""
    current = len(stream.open_shards)
    if target > 2 * current:
        raise StreamLimitExceeded(
            f"UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: "
            f"{current} Target shard count: {target}"
        )
    if 2 * target < current:
        raise StreamLimitExceeded(
            f"UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: "
            f"{current} Target shard count: {target}"
        )
    ranges = []
    for first, last in even_ranges(target):
        parents = [shard for shard in stream.open_shards if shard.keys[0] <= last and shard.keys[1] >= first]
        if len(parents) == 1 and parents[0].keys == (first, last):
            continue
        ranges.append(((first, last), tuple(shard.number for shard in parents)))
    return ranges


def resharded(stream: Stream, ranges: Ranges, last: Mapping[int, int], *, now: float) -> Stream:
    """The stream with shards for these ranges, and their parents closed; `last` is each parent's last sequence."""
    closed = {parent for _, parents in ranges for parent in parents}
    if len(stream.open_shards) - len(closed) + len(ranges) > MAX_SHARDS:
        raise StreamLimitExceeded(f"A stream has {MAX_SHARDS} open shards at most.")
    kept = [
        replace(shard, closed=now, last=last[shard.number]) if shard.number in closed else shard
        for shard in stream.listed(now)
    ]
    start = stream.shards[-1].number + 1
    added = [_shard(start + place, keys, parents, now) for place, (keys, parents) in enumerate(ranges)]
    return replace(stream, shards=(*kept, *added))


def _eligible(stream: Stream, name: str, account: str) -> Shard:
    shard = stream.shard(name)
    if shard is None:
        raise StreamNotFound(f"Could not find shard {name} in stream {stream.name} under account {account}.")
    if not shard.is_open:
        raise StreamInUse(
            f"Shard {name} in stream {stream.name} under account {account} has already been merged or split, and thus "
            "is not eligible for merging or splitting."
        )
    return shard


def _shard(number: int, keys: tuple[int, int], parents: tuple[int, ...], now: float) -> Shard:
    first, last = keys
    return Shard(number=number, first_key=str(first), last_key=str(last), created=now, parents=parents)
