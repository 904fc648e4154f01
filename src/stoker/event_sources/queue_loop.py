"""The loop of a mapping whose records are settled one by one: a queue's messages, a folder's files.

Receive, gather a batch, drop what no filter matches, invoke, settle. Batches run beside each other. Nothing polls: the
loop waits where its poller does.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from stoker.event_sources import batching
from stoker.event_sources.filtering import compile_filters
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.partial_response import failed_ids
from stoker.event_sources.poller import Poller, Record
from stoker.event_sources.scaling import Scaling
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.invocation import InvocationResult, InvokeRequest

log = logging.getLogger(__name__)

# What one receive of a source gives at most.
RECEIVED_AT_ONCE = 10
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
_PASSING = frozenset({409, 429})


class CanInvoke(Protocol):
    """What this needs of `invocations.Invoker`."""

    async def invoke(self, request: InvokeRequest) -> InvocationResult: ...


class QueueLoop:
    """One mapping at work. `run` until it is cancelled, then `drain`. `tell` takes LastProcessingResult."""

    def __init__(
        self,
        mapping: Mapping,
        poller: Poller,
        *,
        invoker: CanInvoke,
        clock: Clock,
        tell: Callable[[str], None] = lambda _result: None,
    ) -> None:
        self._mapping = mapping
        self._poller = poller
        self._invoker = invoker
        self._clock = clock
        self._tell = tell
        self._matches = compile_filters(mapping.options.filters)
        self._scaling = Scaling(mapping.options.max_concurrency)
        self._batches: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._draining = False
        self._pauses: set[asyncio.Event] = set()
        self._backoff_s = FIRST_BACKOFF_S

    def __repr__(self) -> str:
        return f"<QueueLoop {self._mapping.uuid} {self._scaling!r}>"

    async def run(self) -> None:
        """Work until cancelled. A source that cannot be read is tried again, later and later."""
        while True:
            await self._until_room()
            try:
                records = await self._gather()
            except Exception as error:
                # The boundary of a mapping: what is wrong with its source is told, and may pass.
                await self._back_off(error)
                continue
            self._backoff_s = FIRST_BACKOFF_S
            if records:
                self._begin(records)
            else:
                # It was asked to wait for some: a queue that closes does not, and asked at once again would say so
                # for ever without a turn of the event loop.
                await self._pause(FIRST_BACKOFF_S)

    async def drain(self) -> None:
        """Let the batches that run end, and settle them; those that cannot run now are given back."""
        self._draining = True
        for pause in self._pauses:
            pause.set()
        if self._batches:
            await asyncio.wait(set(self._batches))
        await self._poller.close()

    # Gathering

    async def _until_room(self) -> None:
        while not self._scaling.room(now := self._clock.monotonic()):
            self._ended.clear()
            later = self._scaling.more_room_at(now)
            timer = None if later is None else self._clock.call_later(max(0.0, later - now), self._ended.set)
            try:
                await self._ended.wait()
            finally:
                if timer is not None:
                    timer.cancel()

    async def _gather(self) -> Sequence[Record]:
        """The first record, and what comes within the window or is there already. Cancelled, it gives back all."""
        options = self._mapping.options
        records: list[Record] = []
        try:
            records += await self._poller.receive(min(options.batch_size, RECEIVED_AT_ONCE), None)
            ends = self._clock.monotonic() + options.window_s
            while records and options.window_s and not batching.is_full(records, options.batch_size):
                most = min(options.batch_size - len(records), RECEIVED_AT_ONCE)
                more = await self._poller.receive(most, max(0.0, ends - self._clock.monotonic()))
                if not more and self._clock.monotonic() >= ends:
                    break
                records += more
        except asyncio.CancelledError:
            if records:
                self._begin(records)
            raise
        return records

    def _begin(self, records: Sequence[Record]) -> None:
        self._scaling.begin()
        name = f"batch of mapping {self._mapping.uuid}"
        task = asyncio.get_running_loop().create_task(self._process(records), name=name)
        self._batches.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # What could not be settled is received again: nothing is lost, but an operator wants to know.
            context = {"message": f"failed: {task.get_name()}", "exception": task.exception(), "task": task}
            asyncio.get_running_loop().call_exception_handler(context)

    # Processing

    async def _process(self, records: Sequence[Record]) -> None:
        """One after another where a batch is too large for one event: so a group's order is kept."""
        well = True
        try:
            wanted: list[Record] = []
            unwanted: list[Record] = []
            for record in records:
                (wanted if self._matches(record) else unwanted).append(record)
            if unwanted:
                await self._poller.settle(unwanted, [])
            for batch in batching.split(wanted, self._mapping.options.batch_size):
                failed = frozenset(await self._invoke(batch))
                well = well and not failed
                done = [record for record in batch if record.id not in failed]
                await self._poller.settle(done, [record for record in batch if record.id in failed])
        finally:
            self._scaling.end(well=well)
            self._ended.set()

    async def _invoke(self, batch: Sequence[Record]) -> Sequence[str]:
        """The ids of what failed."""
        ids = [record.id for record in batch]
        request = InvokeRequest(
            region=self._mapping.function.region,
            function=self._mapping.function.name,
            qualifier=self._mapping.qualifier,
            payload=batching.event_of(batch),
            trace_id=next((record.trace_id for record in batch if record.trace_id), None),
        )
        result = await self._invoke_patiently(request, batch)
        if result is None or result.function_error is not None:
            self._tell("PROBLEM: Function call failed")
            return ids
        self._tell("OK")
        return failed_ids(result.payload, ids) if self._mapping.options.report_failures else []

    async def _invoke_patiently(self, request: InvokeRequest, batch: Sequence[Record]) -> InvocationResult | None:
        """The result; None where the function could not run before the records are given out again, or given back."""
        due_back = min((record.due_back_at for record in batch if record.due_back_at is not None), default=None)
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                return await self._invoker.invoke(request)
            except ServiceError as error:
                passing = not self._draining and (error.status in _PASSING or error.status >= 500)
                if not passing or (due_back is not None and self._clock.time() + backoff_s >= due_back):
                    log.info("mapping %s: %s could not run: %s", self._mapping.uuid, request.function, error)
                    return None
            await self._pause(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    # Waiting

    async def _back_off(self, error: Exception) -> None:
        self._tell(f"PROBLEM: {error}")
        if not isinstance(error, ServiceError):
            log.exception("mapping %s: %s cannot be read", self._mapping.uuid, self._mapping.source_arn)
        await self._pause(self._backoff_s)
        self._backoff_s = min(self._backoff_s * 2, LONGEST_BACKOFF_S)

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        timer = self._clock.call_later(seconds, over.set)
        self._pauses.add(over)
        try:
            await over.wait()
        finally:
            timer.cancel()
            self._pauses.discard(over)
