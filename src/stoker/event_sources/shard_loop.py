"""One shard of a stream, from a checkpoint to its end: read, filter, invoke until it went well or is given up."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from stoker.deliveries.delivery import Delivery
from stoker.event_sources import batching, stream_batches, tumbling
from stoker.event_sources.checkpoints import Checkpoint, Checkpoints
from stoker.event_sources.failure_record import failure_record
from stoker.event_sources.filtering import compile_filters
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.queue_loop import CanInvoke
from stoker.event_sources.shards import Page, Retains, Shard, Shards, StreamRecord
from stoker.event_sources.stream_batches import Batch
from stoker.event_sources.tumbling import Window
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.invocation import InvocationResult, InvokeRequest

log = logging.getLogger(__name__)

CALLER = "lambda.amazonaws.com"
PAGE_RECORDS = 1_000


T = TypeVar("T")


class _StoppedError(Exception):
    """The loop was told to stop, and has come to where it can."""


class ShardLoop:
    """Reads one shard. `run` returns when the shard has ended, or after `stop`.

    Stopped, it waits for nothing any more, but for the function that runs: what went well is remembered, and what did
    not is brought again.
    """

    def __init__(
        self,
        mapping: Mapping,
        shard: Shard,
        stream: Shards,
        checkpoints: Checkpoints,
        *,
        invoker: CanInvoke,
        clock: Clock,
        tell: Callable[[str], None],
        aged: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._mapping = mapping
        self._shard = shard
        self._stream = stream
        self._checkpoints = checkpoints
        self._invoker = invoker
        self._clock = clock
        self._tell = tell
        self._aged = aged
        self._matches = compile_filters(mapping.options.filters)
        self._lost: list[Delivery] = []
        self._window: Window | None = None
        self._stopping = False
        self._waits: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"<ShardLoop {self._shard.id} of {self._mapping.uuid}>"

    async def run(self, checkpoint: Checkpoint) -> None:
        position, ended = checkpoint.position, checkpoint.ended
        self._window = self._open_window(checkpoint)
        try:
            while not ended:
                page = await self._unless_stopped(self._gather(position))
                await self._work_on([each for each in page.records if self._matches(each.record)])
                position, ended = page.position, page.ended
                if self._window is not None and (ended or self._clock.time() >= self._window.end):
                    await self._close_window()
                await self._remember(position, ended=ended)
        except _StoppedError:
            return

    def stop(self) -> None:
        """Come to an end soon."""
        self._stopping = True
        for wait in self._waits:
            wait.cancel()

    async def _unless_stopped(self, waiting: Coroutine[Any, Any, T]) -> T:
        """Wait where nothing is lost by not waiting."""
        if self._stopping:
            waiting.close()
            raise _StoppedError
        wait = asyncio.ensure_future(waiting)
        self._waits.add(wait)
        try:
            return await wait
        except asyncio.CancelledError:
            if self._stopping:
                raise _StoppedError from None
            raise
        finally:
            wait.cancel()
            self._waits.discard(wait)

    # Reading

    async def _gather(self, position: str) -> Page:
        """A batch for each lane, or what comes within the window, or what is there when a tumbling window ends."""
        options = self._mapping.options
        most = min(options.batch_size, PAGE_RECORDS) * options.parallelization
        page = await self._stream.read(self._shard, position, most, self._until_window_ends())
        ends = self._clock.monotonic() + options.window_s
        while options.window_s and page.records and not page.ended and len(page.records) < most:
            left = ends - self._clock.monotonic()
            if left <= 0 or batching.is_full([each.record for each in page.records], most):
                break
            more = await self._stream.read(self._shard, page.position, most - len(page.records), left)
            page = replace(more, records=[*page.records, *more.records])
        return page

    def _until_window_ends(self) -> float | None:
        return None if self._window is None else max(0.0, self._window.end - self._clock.time())

    # Working

    async def _work_on(self, records: Sequence[StreamRecord]) -> None:
        options = self._mapping.options
        if options.tumbling_s:
            await self._work_in_windows(records)
            return
        lanes = stream_batches.lanes(records, options.parallelization)
        # A lane that stops leaves the others the time to finish what they began.
        outcomes = await asyncio.gather(*(self._work_on_lane(lane) for lane in lanes), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _work_on_lane(self, records: Sequence[StreamRecord]) -> None:
        by_id = {each.record.id: each for each in records}
        for batch in batching.split([each.record for each in records], self._mapping.options.batch_size):
            await self._until_over(Batch(records=[by_id[record.id] for record in batch]))

    async def _work_in_windows(self, records: Sequence[StreamRecord]) -> None:
        length_s = self._mapping.options.tumbling_s
        while records:
            if self._window is None:
                self._window = Window.around(records[0].arrived_at, length_s)
            mine = tumbling.within(records, self._window)
            if mine:
                await self._work_on_lane(mine)
            records = records[len(mine) :]
            if records:
                await self._close_window()

    async def _until_over(self, batch: Batch) -> None:
        """Try a batch, and what it is split into, until all of it went well or was given up."""
        options = self._mapping.options
        waiting = [batch]
        while waiting:
            batch = waiting.pop(0)
            result: InvocationResult | None = None
            step = stream_batches.before(batch, options, self._clock.time())
            if step is None:
                result = await self._invoke(batch)
                step = stream_batches.after(batch, result, options)
            if step.lost:
                self._give_up(step.lost, step.condition, batch.attempts + (result is not None), result)
            if step.delay_s and step.batches:
                await self._pause(step.delay_s)
            waiting = [*step.batches, *waiting]

    async def _invoke(self, batch: Batch) -> InvocationResult | None:
        """None where the function could not run."""
        self._aged(max(0.0, self._clock.time() - batch.records[-1].arrived_at))
        try:
            result = await self._invoker.invoke(self._request(self._event(batch.records)))
        except ServiceError as error:
            log.info("mapping %s: %s could not run: %s", self._mapping.uuid, self._mapping.function.name, error)
            self._tell(f"PROBLEM: {error}")
            return None
        self._tell("OK" if result.function_error is None else "PROBLEM: Function call failed")
        if self._window is not None and result.function_error is None:
            self._window = replace(self._window, state=tumbling.state_in(result.payload) or self._window.state)
        return result

    def _event(self, records: Sequence[StreamRecord], *, final: bool = False) -> bytes:
        if self._window is None:
            return batching.event_of([each.record for each in records])
        return tumbling.event_of(
            records, self._window, shard_id=self._shard.id, source_arn=self._mapping.source_arn, final=final
        )

    def _request(self, event: bytes) -> InvokeRequest:
        function = self._mapping.function
        return InvokeRequest(
            region=function.region, function=function.name, qualifier=self._mapping.qualifier, payload=event
        )

    async def _close_window(self) -> None:
        """The last invocation for a window has its state and no records."""
        attempts = 0
        while self._window is not None:
            try:
                result = await self._invoker.invoke(self._request(self._event([], final=True)))
            except ServiceError:
                result = None
            attempts += result is not None
            over = 0 <= self._mapping.options.max_retries < attempts
            if over or (result is not None and result.function_error is None):
                self._window = None
            else:
                await self._pause(stream_batches.FIRST_BACKOFF_S)

    # Remembering

    def _open_window(self, checkpoint: Checkpoint) -> Window | None:
        kept, length_s = checkpoint.state, self._mapping.options.tumbling_s
        if kept is None or not length_s:
            return None
        return Window(start=kept["start"], length_s=length_s, state=kept["state"])

    async def _remember(self, position: str, *, ended: bool) -> None:
        lost, self._lost = self._lost, []
        window = None if self._window is None else {"start": self._window.start, "state": self._window.state}
        await self._checkpoints.write(self._shard.id, Checkpoint(position=position, ended=ended, state=window), lost)
        if isinstance(self._stream, Retains):
            self._stream.done(self._shard, position)

    def _give_up(
        self, records: Sequence[StreamRecord], condition: str, attempts: int, result: InvocationResult | None
    ) -> None:
        function, target = self._mapping.function, self._mapping.options.on_failure
        if target is None:
            return
        now = self._clock.time()
        body = failure_record(
            self._mapping,
            self._shard.id,
            records,
            condition=condition,
            attempts=attempts,
            result=result,
            batch_info=self._stream.batch_info,
            now=now,
        )
        self._lost.append(
            Delivery(
                target=target,
                body=body,
                caller=CALLER,
                source_arn=self._mapping.arn,
                region=function.region,
                account=function.account,
            )
        )

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        timer = self._clock.call_later(seconds, over.set)
        try:
            await self._unless_stopped(over.wait())
        finally:
            timer.cancel()
