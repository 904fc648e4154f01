"""A stream in memory: shards that a test fills, splits and closes."""

import asyncio
import json
from collections.abc import Sequence

from stoker.event_sources.mapping import Options
from stoker.event_sources.poller import Record
from stoker.event_sources.shards import Page, Shard, StreamRecord


class FakeStream:
    """Positions are places in a shard's list."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self, *shards: Shard) -> None:
        self.there = list(shards)
        self.records: dict[str, list[StreamRecord]] = {shard.id: [] for shard in shards}
        self.closed: set[str] = set()
        self._stir = asyncio.Condition()

    async def put(self, shard_id: str, *names: str, at: float = 0.0) -> None:
        for name in names:
            event = {"name": name}
            record = Record(id=name, event=json.dumps(event).encode(), view=event)
            place = str(len(self.records[shard_id]) + 1)
            self.records[shard_id].append(StreamRecord(record=record, key=name, arrived_at=at, position=place))
        await self._notify()

    async def end(self, shard_id: str, *children: Shard) -> None:
        self.closed.add(shard_id)
        self.there += children
        self.records |= {child.id: [] for child in children}
        await self._notify()

    async def _notify(self) -> None:
        async with self._stir:
            self._stir.notify_all()

    async def shards(self) -> Sequence[Shard]:
        return list(self.there)

    async def changed(self, known: Sequence[Shard]) -> None:
        async with self._stir:
            await self._stir.wait_for(lambda: self.there != list(known))

    async def start(self, shard: Shard, options: Options) -> str:
        return str(len(self.records[shard.id])) if options.starting_position == "LATEST" else "0"

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        place, found = int(position), self.records[shard.id]
        if wait_s != 0:
            async with self._stir:
                await self._stir.wait_for(lambda: len(found) > place or shard.id in self.closed)
        records = found[place : place + most]
        place += len(records)
        ended = shard.id in self.closed and place == len(found)
        return Page(records=records, position=str(place), ended=ended)

    async def close(self) -> None: ...
