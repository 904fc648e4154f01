"""The protocol of stream sources: records in shards, read in their order from a position that is remembered.

A stream's `Source.open` answers a `Shards`, and its abilities say `streams=True`. `StreamLoop` does the rest: it reads
each shard in its order, parents before children, retries, bisects, gives up, and remembers how far it has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from stoker.event_sources.mapping import Options
from stoker.event_sources.poller import Record


@dataclass(frozen=True, kw_only=True)
class StreamRecord:
    """One record of a stream. `record.id` is its sequence number; records with one `key` keep their order.

    `position` is where reading goes on after it, in the source's own words. `arrived_at` is in seconds of the epoch.
    """

    record: Record
    key: str
    arrived_at: float
    position: str


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One shard, and those that it goes on from: they are read to their end first."""

    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """Records in their order; `position` is where to go on. `ended`: the shard is closed and these are its last."""

    records: Sequence[StreamRecord]
    position: str
    ended: bool = False


@runtime_checkable
class Shards(Protocol):
    """One mapping's stream."""

    batch_info: str
    """What the record of a failed batch calls its description: `KinesisBatchInfo`, `DDBStreamBatchInfo`."""

    async def shards(self) -> Sequence[Shard]:
        """All that are there."""

    async def changed(self, known: Sequence[Shard]) -> None:
        """Returns once there are other shards than these. Cancelled when nobody wants to know."""

    async def start(self, shard: Shard, options: Options) -> str:
        """The position to begin at: `options.starting_position`, or the beginning for a shard with parents."""

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        """What comes after a position, as soon as there is something; empty after `wait_s` (None: wait for ever).

        A position that is too old is read from the oldest record that there is.
        """

    async def close(self) -> None:
        """Nothing is read any more."""


@runtime_checkable
class Retains(Protocol):
    """A stream whose source keeps everything until it is told that it may go."""

    def done(self, shard: Shard, position: str) -> None:
        """All up to a position is done with, and that is on the disk: it is not asked for again."""
