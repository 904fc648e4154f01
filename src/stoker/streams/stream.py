"""What a stream is: its shards, open and closed, and its settings. Values that are kept as documents, whole."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

PROVISIONED = "PROVISIONED"
ON_DEMAND = "ON_DEMAND"
LEAST_RETENTION_H = 24
HOUR_S = 3600.0
SHARD_PREFIX = "shardId-"
# Sequence numbers are told with this added, which gives them AWS's length; a shard's follow those of older shards.
_FIRST_SEQUENCE = 4959 * 10**52
_OF_A_SHARD = 10**24


class Shard(Struct, frozen=True, kw_only=True):
    """One shard and its range of hash keys, as decimal text. `last` is the number of its last record once it is closed.

    Times are in seconds since the epoch.
    """

    number: int
    first_key: str
    last_key: str
    created: float
    parents: tuple[int, ...] = ()
    closed: float | None = None
    last: int | None = None

    @property
    def name(self) -> str:
        return shard_name(self.number)

    @property
    def is_open(self) -> bool:
        return self.closed is None

    @property
    def keys(self) -> tuple[int, int]:
        """The first and the last hash key."""
        return int(self.first_key), int(self.last_key)


class Consumer(Struct, frozen=True, kw_only=True):
    """A reader that shards' records are pushed to (enhanced fan-out). `created` is in whole seconds since the epoch."""

    name: str
    created: int

    def arn(self, stream_arn: str) -> str:
        return f"{stream_arn}/consumer/{self.name}:{self.created}"


class Stream(Struct, frozen=True, kw_only=True, dict=True):
    """One stream. `id` and `revision` are the row's: the first is never another stream's, the second counts changes."""

    region: str
    name: str
    created: float
    shards: tuple[Shard, ...]
    mode: str = PROVISIONED
    retention_h: int = LEAST_RETENTION_H
    max_record_kib: int = 1024
    tags: Mapping[str, str] = {}
    consumers: tuple[Consumer, ...] = ()
    id: int = 0
    revision: int = 0

    def arn(self, account: str) -> str:
        return stream_arn(self.region, account, self.name)

    @property
    def retention_s(self) -> float:
        return self.retention_h * HOUR_S

    @property
    def open_shards(self) -> Sequence[Shard]:
        return [shard for shard in self.shards if shard.is_open]

    def listed(self, now: float) -> Sequence[Shard]:
        """The shards that have, or may have, records that can be read."""
        return [shard for shard in self.shards if shard.closed is None or shard.closed > now - self.retention_s]

    def shard(self, name: str) -> Shard | None:
        """The shard of this name."""
        return next((shard for shard in self.shards if shard.name == name), None)

    def consumer(self, name: str) -> Consumer | None:
        """The consumer of this name."""
        return next((consumer for consumer in self.consumers if consumer.name == name), None)

    def shards_for(self, keys: Sequence[int]) -> Sequence[Shard]:
        """The open shards that have these hash keys in their ranges."""
        firsts, shards = self._by_first_key
        return [shards[bisect_right(firsts, key) - 1] for key in keys]

    @cached_property
    def _by_first_key(self) -> tuple[Sequence[int], Sequence[Shard]]:
        """Made once: every record that is put looks here."""
        shards = sorted(self.open_shards, key=lambda shard: shard.keys)
        return [shard.keys[0] for shard in shards], shards


def stream_arn(region: str, account: str, name: str) -> str:
    """The ARN of a stream."""
    return f"arn:aws:kinesis:{region}:{account}:stream/{name}"


def shard_name(number: int) -> str:
    """`shardId-` and twelve digits."""
    return f"{SHARD_PREFIX}{number:012d}"


def told_sequence(shard: int, sequence: int) -> str:
    """A sequence number as callers see it."""
    return str(_FIRST_SEQUENCE + shard * _OF_A_SHARD + sequence)


def parse_sequence(shard: int, text: str) -> int | None:
    """What `told_sequence` told of this shard; None for what it cannot have told."""
    own, sequence = divmod(int(text) - _FIRST_SEQUENCE, _OF_A_SHARD)
    return sequence if own == shard else None
