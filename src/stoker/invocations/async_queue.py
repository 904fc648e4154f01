"""The durable queue of asynchronous invocations: what was answered with 202 runs, at least once, and is settled.

An event is accepted (written, and only then answered), picked up when it is due, run by the invoker, and settled: put
off, or removed in the same transaction that adds the event for its destination. `deliveries.leased_work` is the
machinery.

A new event is picked up by the very write that accepts it, as long as nothing waits before it. `retries.py` decides
what becomes of an event, `event_rows.py` is the database's side.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from stoker.deliveries.leased_work import AHEAD, LeasedWork
from stoker.deliveries.pacing import Pacing
from stoker.deliveries.write_batches import WriteBatches
from stoker.invocations import event_rows, trace
from stoker.invocations.async_event import AsyncEvent, HeldEvent
from stoker.invocations.attempts import Attempted, Attempts, CanInvoke, EventListener, RoleMay, may_everything
from stoker.invocations.event_rows import EventTable
from stoker.invocations.request_id import RequestIds
from stoker.invocations.retries import SUCCESS, Over, RetryPolicy
from stoker.model.clock import Clock
from stoker.model.invocation import InvokeRequest, Target
from stoker.store.store import Store
from stoker.tracing.tracer import Tracer

DRAIN_LIMIT_S = 900.0
# What becomes of events, in CloudWatch's words.
RECEIVED, DROPPED = "AsyncEventsReceived", "AsyncEventsDropped"
# Takes events and one of these.
Counts = Callable[[Sequence[AsyncEvent], str], None]


def _uncounted(_events: Sequence[AsyncEvent], _name: str) -> None: ...


class Reply(Protocol):
    """Whoever waits to hear that an event is on the disk."""

    def set_result(self, request_id: str, /) -> object: ...

    def set_exception(self, error: BaseException, /) -> object: ...


class AsyncQueue:
    """Accepts events and runs them. `start` first, `close` at the end; both on the event loop's thread.

    `owner` names whose leases these are, the same after a restart. `is_stopped(region, function)` says whether nothing
    of a function may run at all (its reserved concurrency is 0). `wake_outbox` is called when something may be in it,
    `role_may` asked before a function's role calls the function that is its destination. `tracer` is there where
    traces are kept.
    """

    def __init__(
        self,
        *,
        account: str,
        store: Store,
        invoker: CanInvoke,
        clock: Clock,
        owner: str,
        pacing: Pacing,
        policy: RetryPolicy | None = None,
        is_stopped: Callable[[str, str], bool] = lambda region, function: False,
        wake_outbox: Callable[[], None] = lambda: None,
        role_may: RoleMay = may_everything,
        tracer: Tracer | None = None,
    ) -> None:
        self._store = store
        self._invoker = invoker
        self._clock = clock
        self._wake_outbox = wake_outbox
        self._attempts = Attempts(
            account=account,
            invoker=invoker,
            clock=clock,
            policy=policy or RetryPolicy(),
            is_stopped=is_stopped,
            role_may=role_may,
        )
        self._tracer = tracer
        self._counts: Counts = _uncounted
        self._request_ids = RequestIds()
        self._accepting = WriteBatches(self._write_accepted, AHEAD)
        self._work: LeasedWork[HeldEvent, Attempted] = LeasedWork(
            name="events",
            table=EventTable(),
            do=self._attempts.run,
            begin=self._attempts.begin,
            store=store,
            clock=clock,
            owner=owner,
            pacing=pacing,
            on_settled=self._settled,
            may_be_undone=_only_succeeded,
        )

    def __repr__(self) -> str:
        return f"<AsyncQueue {self._work!r}>"

    async def start(self) -> None:
        """Take back what was running when Stoker died, and begin."""
        await self._work.start()

    async def close(self, *, limit_s: float = DRAIN_LIMIT_S) -> None:
        """Begin nothing more, and let what runs finish, for so long at most. The rest runs after the next start."""
        await self._work.close(limit_s=limit_s)

    def listen(self, listener: EventListener) -> None:
        """Have each run told; see `Attempts.listeners`."""
        self._attempts.listeners.append(listener)

    def count_by(self, counts: Counts) -> None:
        """Have each event counted that is accepted or given up; `counts` must be quick and not raise."""
        self._counts = counts

    async def depth(self) -> int:
        """How many events there are that are not settled, in the whole database."""
        return await self._store.read(event_rows.count)

    async def accept(self, request: InvokeRequest) -> str:
        """Queue an event; its request id, once it is on the disk. Raises what the invoker's `check` does."""
        event = self._event(request, await self._invoker.check(request))
        await self._accepting.add(event)
        return event.request_id

    def begin(self, request: InvokeRequest, reply: Reply) -> bool:
        """Queue an event for a function that is known. `reply` is told its request id, once it is on the disk.

        False: `accept` has to tell what there is; nothing has happened.
        """
        target = self._invoker.known(request)
        if target is None:
            return False
        event = self._event(request, target)
        self._accepting.put(event, partial(_tell, reply, event.request_id))
        return True

    def _event(self, request: InvokeRequest, target: Target) -> AsyncEvent:
        now = self._clock.time()
        if self._tracer is None:
            header = trace.begin(request.trace_id, now)
        else:
            header = self._tracer.decided(request.trace_id, target.function)
        return AsyncEvent(
            request_id=self._request_ids.new(),
            region=request.region,
            function=request.function,
            qualifier=request.qualifier,
            payload=request.payload,
            client_context=request.client_context,
            trace_id=header,
            accepted_at=now,
            due_at=now,
        )

    def let_go(self, region: str, function: str) -> None:
        """A function changed or is gone: what waits to run goes back, where a deleted function's events are no more."""
        stale = self._work.take_back(lambda held: (held.event.region, held.event.function) == (region, function))
        if stale:
            ids = {held.event.request_id for held in stale}
            self._work.spawn(self._release(ids), f"release {len(ids)} events")

    async def _release(self, request_ids: set[str]) -> None:
        now = self._clock.time()
        await self._store.write(lambda conn: event_rows.release(conn, request_ids, now))
        self._work.note_due(now)

    def _settled(self, done: Sequence[Attempted]) -> None:
        over = [(each.event, each.settlement) for each in done if isinstance(each.settlement, Over)]
        self._counts([event for event, settlement in over if settlement.condition != SUCCESS], DROPPED)
        if any(each.may_deliver for each in done):
            self._wake_outbox()

    async def _write_accepted(self, events: Sequence[AsyncEvent]) -> None:
        """Write a batch, and hold it at once where nothing waits before it and there is room ahead."""
        now = self._clock.time()
        lease = self._work.lease_for(len(events), largest_bytes=max(len(event.payload) for event in events))

        def work(conn: Connection) -> list[HeldEvent]:
            event_rows.insert(conn, events, lease)
            return event_rows.with_configs(conn, events) if lease else []

        held = await self._store.write(work)
        self._counts(events, RECEIVED)
        if held:
            self._work.hold(held)
        else:
            self._work.note_due(now)


def _only_succeeded(done: Sequence[Attempted]) -> bool:
    """Whether nobody is told of these, and none runs again: a power cut that undoes that runs them once more."""
    return all(each.is_quiet for each in done)


def _tell(reply: Reply, request_id: str, error: BaseException | None) -> None:
    if error is None:
        reply.set_result(request_id)
    else:
        reply.set_exception(error)
