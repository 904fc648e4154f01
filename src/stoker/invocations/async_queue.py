"""The durable queue of asynchronous invocations: what was answered with 202 runs, at least once, and is settled.

An event is accepted (written, and only then answered), picked up when it is due, run by the invoker, and settled: put
off, or removed in the same transaction that adds the event for its destination. Nothing polls: arrivals wake the queue,
and an alarm is set for the next moment at which something is due.

A new event is picked up by the very write that accepts it, as long as nothing waits before it. `retries.py` decides
what becomes of an event, `pacing.py` how many run at once, `event_rows.py` is the database's side.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from sqlalchemy import Connection

from stoker.environments.alarm import Alarm
from stoker.invocations import event_rows, trace
from stoker.invocations.async_event import AsyncEvent, HeldEvent
from stoker.invocations.attempts import Attempted, Attempts, CanInvoke
from stoker.invocations.event_rows import Lease
from stoker.invocations.pacing import Pacing
from stoker.invocations.request_id import RequestIds
from stoker.invocations.retries import Again, RetryPolicy
from stoker.invocations.write_batches import WriteBatches
from stoker.model.clock import Clock
from stoker.model.invocation import InvokeRequest
from stoker.store.store import Store

# Renewed well before it ends, so that only an owner that died or hangs loses it.
LEASE_S = 60.0
RENEW_S = 20.0
# So many are picked up ahead of their run, and written or settled at once.
AHEAD = 256
DRAIN_LIMIT_S = 900.0


class AsyncQueue:
    """Accepts events and runs them. `start` first, `close` at the end; both on the event loop's thread.

    `owner` names whose leases these are, the same after a restart. `is_stopped(region, function)` says whether nothing
    of a function may run at all (its reserved concurrency is 0).
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
    ) -> None:
        self._store = store
        self._invoker = invoker
        self._clock = clock
        self._owner = owner
        self._pacing = pacing
        self._attempts = Attempts(
            account=account, invoker=invoker, clock=clock, policy=policy or RetryPolicy(), is_stopped=is_stopped
        )
        self._request_ids = RequestIds()
        self._accepting = WriteBatches(self._write_accepted, AHEAD)
        self._settling = WriteBatches(self._write_settled, AHEAD)
        # What this has a lease on: the events that wait for room, and all of them by request id.
        self._ready: deque[HeldEvent] = deque()
        self._held: set[str] = set()
        # When the earliest event is due that nobody holds, seconds since the epoch.
        self._next_due: float | None = None
        self._claiming = False
        self._open = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._due_alarm = Alarm(clock, self._pick_up)
        self._room_alarm = Alarm(clock, self._run_ready)
        self._lease_alarm = Alarm(clock, self._renew)

    def __repr__(self) -> str:
        return f"<AsyncQueue {len(self._ready)} ready, {self._pacing!r}>"

    async def start(self) -> None:
        """Take back what was running when Stoker died, and begin."""
        now = self._clock.time()
        await self._store.write(lambda conn: event_rows.recover(conn, self._owner, now))
        self._open = True
        self._lease_alarm.set(self._clock.monotonic() + RENEW_S)
        self._note_due(now)

    async def close(self, *, limit_s: float = DRAIN_LIMIT_S) -> None:
        """Begin nothing more, and let what runs finish, for so long at most. The rest runs after the next start."""
        self._open = False
        self._due_alarm.stop()
        self._room_alarm.stop()
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=limit_s)
            for task in unfinished:
                task.cancel()
        self._lease_alarm.stop()

    async def accept(self, request: InvokeRequest) -> str:
        """Queue an event; its request id, once it is on the disk. Raises what the invoker's `check` does."""
        await self._invoker.check(request)
        now = self._clock.time()
        event = AsyncEvent(
            request_id=self._request_ids.new(),
            region=request.region,
            function=request.function,
            qualifier=request.qualifier,
            payload=request.payload,
            client_context=request.client_context,
            trace_id=trace.begin(request.trace_id, now),
            accepted_at=now,
            due_at=now,
        )
        await self._accepting.add(event)
        return event.request_id

    def let_go(self, region: str, function: str) -> None:
        """A function changed or is gone: what waits to run goes back, where a deleted function's events are no more."""
        stale = [held for held in self._ready if (held.event.region, held.event.function) == (region, function)]
        if stale:
            ids = {held.event.request_id for held in stale}
            self._ready = deque(held for held in self._ready if held.event.request_id not in ids)
            self._held -= ids
            self._spawn(self._release(ids), f"release {len(ids)} events")

    async def _release(self, request_ids: set[str]) -> None:
        now = self._clock.time()
        await self._store.write(lambda conn: event_rows.release(conn, request_ids, now))
        self._note_due(now)

    # Accepting

    async def _write_accepted(self, events: Sequence[AsyncEvent]) -> None:
        """Write a batch, and hold it at once where nothing waits before it and there is room ahead."""
        now = self._clock.time()
        waiting = self._claiming or (self._next_due is not None and self._next_due <= now)
        hold = self._open and not waiting and len(self._ready) + len(events) <= AHEAD
        lease = self._lease() if hold else None

        def work(conn: Connection) -> list[HeldEvent]:
            event_rows.insert(conn, events, lease)
            return event_rows.with_configs(conn, events) if lease else []

        held = await self._store.write(work)
        if held:
            self._hold(held)
        else:
            self._note_due(now)

    # Picking up

    def _note_due(self, due_at: float) -> None:
        """Something is due then that nobody holds."""
        if self._next_due is None or due_at < self._next_due:
            self._next_due = due_at
        self._pick_up()

    def _pick_up(self) -> None:
        """Pick up what is due while few are ready, or set the alarm for when something will be."""
        if not self._open or self._claiming or self._next_due is None or len(self._ready) > AHEAD // 2:
            return
        delay_s = self._next_due - self._clock.time()
        if delay_s > 0:
            self._due_alarm.set(self._clock.monotonic() + delay_s)
            return
        self._claiming = True
        self._spawn(self._claim(), "pick up events")

    async def _claim(self) -> None:
        # What is noted meanwhile is due besides what the claim finds.
        self._next_due = None
        now, lease = self._clock.time(), self._lease()
        try:
            found = await self._store.write(lambda conn: event_rows.claim(conn, now, AHEAD, lease))
        except BaseException:
            self._claiming = False
            self._note_due(now + RENEW_S)
            raise
        self._claiming = False
        # A lease that ended under a run of ours (the store hung) is taken again, not run again.
        self._hold([held for held in found.held if held.event.request_id not in self._held])
        if found.next_due is not None:
            self._note_due(found.next_due)
        elif self._next_due is not None:
            self._pick_up()

    def _hold(self, held: Sequence[HeldEvent]) -> None:
        self._held.update(each.event.request_id for each in held)
        self._ready.extend(held)
        self._run_ready()

    # Leases

    def _lease(self) -> Lease:
        return Lease(owner=self._owner, until=self._clock.time() + LEASE_S)

    def _renew(self) -> None:
        self._lease_alarm.set(self._clock.monotonic() + RENEW_S)
        if self._held:
            self._spawn(self._write_renewal(frozenset(self._held), self._lease()), "renew leases")

    async def _write_renewal(self, request_ids: frozenset[str], lease: Lease) -> None:
        await self._store.write(lambda conn: event_rows.renew(conn, request_ids, lease))

    # Running

    def _run_ready(self) -> None:
        """Begin as many as may run."""
        now = self._clock.monotonic()
        while self._open and self._ready and self._pacing.room(now):
            held = self._ready.popleft()
            self._pacing.begin(held.event.request_id, now)
            self._spawn(self._run(held), f"event {held.event.request_id}")
        if self._open and self._ready and (later := self._pacing.more_room_at()) is not None:
            self._room_alarm.set(later)
        self._pick_up()

    async def _run(self, held: HeldEvent) -> None:
        """Run one event and settle it. If it cannot be settled its lease ends, and it runs again."""
        event = held.event
        try:
            attempted = await self._attempts.run(held)
        finally:
            self._pacing.end(event.request_id)
            self._run_ready()
        try:
            await self._settling.add(attempted)
        finally:
            self._held.discard(event.request_id)

    # Settling

    async def _write_settled(self, settled: Sequence[Attempted]) -> None:
        again = [(each.event.request_id, each.settlement) for each in settled if isinstance(each.settlement, Again)]
        over = {each.event.request_id: each.delivery for each in settled if not isinstance(each.settlement, Again)}

        def work(conn: Connection) -> list[float]:
            event_rows.put_off(conn, again)
            removed = event_rows.remove(conn, over.keys())
            deliveries = [event for key, event in over.items() if event is not None and key in removed]
            if deliveries:
                event_rows.insert(conn, deliveries)
            return [event.due_at for event in deliveries]

        due = await self._store.write(work)
        for due_at in [*due, *(each.due_at for _, each in again)]:
            self._note_due(due_at)

    # Tasks

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Nobody waits for it, and a store that does not write is an operator's business.
            context = {"message": f"failed to {task.get_name()}", "exception": task.exception(), "task": task}
            asyncio.get_running_loop().call_exception_handler(context)
