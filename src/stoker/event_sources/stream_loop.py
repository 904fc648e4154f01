"""The loop of a mapping that reads a stream: a `ShardLoop` for each shard whose parents have been read to their end."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from stoker.event_sources.checkpoints import Checkpoint, Checkpoints
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.queue_loop import FIRST_BACKOFF_S, LONGEST_BACKOFF_S, CanInvoke
from stoker.event_sources.shard_loop import ShardLoop
from stoker.event_sources.shards import Shard, Shards
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError

log = logging.getLogger(__name__)


class StreamLoop:
    """One mapping at work. `prepare` first, `run` until it is cancelled, then `drain`."""

    def __init__(
        self,
        mapping: Mapping,
        stream: Shards,
        checkpoints: Checkpoints,
        *,
        invoker: CanInvoke,
        clock: Clock,
        tell: Callable[[str], None] = lambda _result: None,
        aged: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """`aged` is told how old the last record of each batch is, in seconds, as its function is called."""
        self._mapping = mapping
        self._stream = stream
        self._checkpoints = checkpoints
        self._invoker = invoker
        self._clock = clock
        self._tell = tell
        self._aged = aged
        self._running: dict[str, asyncio.Task[None]] = {}
        self._loops: dict[str, ShardLoop] = {}

    def __repr__(self) -> str:
        return f"<StreamLoop {self._mapping.uuid}, {len(self._running)} shards>"

    async def prepare(self) -> None:
        """Remember where a new mapping begins, so that nothing is missed from the moment it is said to be enabled.

        A shard that is there then begins where the mapping says; one that comes later is read from its beginning.
        """
        if await self._checkpoints.load():
            return
        options = self._mapping.options
        starts = {shard.id: await self._stream.start(shard, options) for shard in await self._stream.shards()}
        await self._checkpoints.begin({name: Checkpoint(position=position) for name, position in starts.items()})

    async def run(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        try:
            while True:
                began = self._clock.monotonic()
                try:
                    await self._run_shards()
                except Exception as error:
                    # The boundary of a mapping: what is wrong with its stream is told, and may pass.
                    self._tell(f"PROBLEM: {error}")
                    if not isinstance(error, ServiceError):
                        log.exception("mapping %s: %s cannot be read", self._mapping.uuid, self._mapping.source_arn)
                await self._end_shards()
                if self._clock.monotonic() - began > LONGEST_BACKOFF_S:
                    # It had been well: this is another problem than the one before.
                    backoff_s = FIRST_BACKOFF_S
                await self._pause(backoff_s)
                backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
        finally:
            await self._end_shards()

    async def drain(self) -> None:
        await self._stream.close()

    async def _run_shards(self) -> None:
        """Read all shards, and those that come, until one of them cannot be read."""
        await self.prepare()
        while True:
            known = await self._checkpoints.load()
            shards = await self._stream.shards()
            there = {shard.id for shard in shards}
            for shard in shards:
                if self._may_begin(shard, known, there):
                    self._begin(shard, known.get(shard.id) or await self._first_checkpoint(shard))
            await self._until_change(shards)

    async def _first_checkpoint(self, shard: Shard) -> Checkpoint:
        options = replace(self._mapping.options, starting_position="TRIM_HORIZON")
        checkpoint = Checkpoint(position=await self._stream.start(shard, options))
        await self._checkpoints.begin({shard.id: checkpoint})
        return checkpoint

    def _may_begin(self, shard: Shard, known: dict[str, Checkpoint], there: set[str]) -> bool:
        """Whether it is not read yet, and its parents are done, or gone."""
        checkpoint = known.get(shard.id)
        if shard.id in self._running or (checkpoint is not None and checkpoint.ended):
            return False
        return all(parent not in there or (parent in known and known[parent].ended) for parent in shard.parents)

    def _begin(self, shard: Shard, checkpoint: Checkpoint) -> None:
        loop = ShardLoop(
            self._mapping,
            shard,
            self._stream,
            self._checkpoints,
            invoker=self._invoker,
            clock=self._clock,
            tell=self._tell,
            aged=self._aged,
        )
        name = f"shard {shard.id} of mapping {self._mapping.uuid}"
        self._loops[shard.id] = loop
        self._running[shard.id] = asyncio.get_running_loop().create_task(loop.run(checkpoint), name=name)

    async def _until_change(self, shards: Sequence[Shard]) -> None:
        """A shard ended, or others are there. Raises what stopped one that did not end."""
        changed = asyncio.ensure_future(self._stream.changed(shards))
        try:
            await asyncio.wait({changed, *self._running.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        for shard_id in [shard_id for shard_id, task in self._running.items() if task.done()]:
            self._loops.pop(shard_id)
            self._running.pop(shard_id).result()

    async def _end_shards(self) -> None:
        running, self._running = list(self._running.values()), {}
        loops, self._loops = list(self._loops.values()), {}
        for loop in loops:
            loop.stop()
        if running:
            await asyncio.wait(running)

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        timer = self._clock.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()
