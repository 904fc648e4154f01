"""Durable work that is picked up when it is due, done, and settled: at least once, and by one process at a time.

Rows of a table are the truth. Whoever does some work has a lease on its row: until that ends nobody else picks it up,
and whoever opens the data of an owner that died takes its leases back at once. Nothing polls: whoever adds work says
so, and an alarm is set for the next moment at which something is due. Of what waits only a little is in memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from stoker.deliveries.pacing import Pacing
from stoker.deliveries.write_batches import WriteBatches
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.store.store import Store

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")
SettledT = TypeVar("SettledT", contravariant=True)

# Renewed well before it ends, so that only an owner that died or hangs loses it.
LEASE_S = 60.0
RENEW_S = 20.0
# What could not be settled (the disk is full) is so once there is room, soon and without being done once more.
SETTLE_AGAIN_S = 1.0
# So many are picked up ahead, and settled at once.
AHEAD = 256
# Of small items that this process added itself so many are held: to pick them up would cost as much as to add them.
SMALL_AHEAD, SMALL_BYTES = 4096, 4096
# In a database that others share there may be what one of them left when it died.
LOOK_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Who does what it picks up, and until when nobody else may."""

    owner: str
    until: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim(Generic[ItemT]):
    """What was picked up, and when the next is due that this owner does not hold; None if there is none."""

    held: Sequence[ItemT]
    next_due: float | None


class WorkTable(Protocol[ItemT, SettledT]):
    """The database's side of one kind of work: plain, re-runnable functions of a connection. Times are of the epoch."""

    def key(self, item: ItemT) -> Hashable:
        """What tells items apart."""

    def recover(self, conn: Connection, owner: str, now: float) -> None:
        """What an owner had picked up when it died is due again."""

    def claim(self, conn: Connection, now: float, limit: int, lease: Lease) -> Claim[ItemT]:
        """Pick up what is due, the longest due first. A lease that has ended counts as due."""

    def renew(self, conn: Connection, keys: Collection[Any], lease: Lease) -> None:
        """Put off the end of the owner's leases on those of these that it still has."""

    def settle(self, conn: Connection, done: Sequence[SettledT], now: float) -> Sequence[float]:
        """Remove or put off what was done; when there is something due that nobody holds, if there is."""


class LeasedWork(Generic[ItemT, DoneT]):
    """Does the work of a table. `start` first, `close` at the end; all on the event loop's thread.

    `do` is given one item after the other, as many at once as `pacing` lets, and answers what is to be settled; what it
    raises leaves the item to be picked up again when its lease ends. `begin` is asked first: it may do an item without
    a task of its own and tell what is to be settled, once, or answer False, when nothing has happened. `owner` names
    whose leases these are, the same after a restart. `on_settled` hears what was settled, once it is committed. Where
    `may_be_undone` allows it that does not wait for the disk, while more is under way: a power cut may have such items
    done again.
    """

    def __init__(
        self,
        *,
        name: str,
        table: WorkTable[ItemT, DoneT],
        do: Callable[[ItemT], Awaitable[DoneT]],
        store: Store,
        clock: Clock,
        owner: str,
        pacing: Pacing,
        begin: Callable[[ItemT, Callable[[DoneT], None]], bool] = lambda _item, _tell: False,
        on_settled: Callable[[Sequence[DoneT]], None] = lambda _done: None,
        may_be_undone: Callable[[Sequence[DoneT]], bool] = lambda _done: False,
    ) -> None:
        self._name = name
        self._table = table
        self._do = do
        self._begin = begin
        self._store = store
        self._clock = clock
        self._owner = owner
        self._pacing = pacing
        self._on_settled = on_settled
        self._may_be_undone = may_be_undone
        self._settling = WriteBatches(self._write_settled, AHEAD)
        # What was begun and is not settled: so many, and who waits for their end.
        self._begun = 0
        self._ended: asyncio.Future[None] | None = None
        # What this has a lease on: the items that wait for room, and the keys of all of them.
        self._ready: deque[ItemT] = deque()
        self._held: set[Hashable] = set()
        # When the earliest item is due that nobody holds, seconds since the epoch.
        self._next_due: float | None = None
        self._claiming = False
        self._open = self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._due_alarm = Alarm(clock, self._pick_up)
        self._room_alarm = Alarm(clock, self._begin_ready)
        self._lease_alarm = Alarm(clock, self._renew)
        self._look_alarm = Alarm(clock, self._look)

    def __repr__(self) -> str:
        return f"<LeasedWork {self._name}: {len(self._ready)} ready, {self._pacing!r}>"

    async def start(self) -> None:
        """Take back what was being done when this owner died, and begin."""
        now = self._clock.time()
        await self._store.write(lambda conn: self._table.recover(conn, self._owner, now))
        self._open = True
        self._lease_alarm.set(self._clock.monotonic() + RENEW_S)
        self._look()

    async def close(self, *, limit_s: float) -> None:
        """Begin nothing more, and let what was begun finish, for so long at most. The rest is done after a start."""
        self._open = False
        for alarm in (self._due_alarm, self._room_alarm, self._look_alarm):
            alarm.stop()
        if self._begun:
            self._ended = asyncio.get_running_loop().create_future()
        unfinished = {*self._tasks, *([] if self._ended is None else [self._ended])}
        if unfinished:
            _, unfinished = await asyncio.wait(unfinished, timeout=limit_s)
            for each in unfinished:
                each.cancel()
        self._closed = True
        self._lease_alarm.stop()

    def note_due(self, due_at: float) -> None:
        """Something is due then that nobody holds."""
        if self._next_due is None or due_at < self._next_due:
            self._next_due = due_at
        self._pick_up()

    def lease_for(self, count: int, *, largest_bytes: int) -> Lease | None:
        """A lease to add so many items with, which are then to be given to `hold`: none where others come first."""
        waiting = self._claiming or (self._next_due is not None and self._next_due <= self._clock.time())
        # Others who share the database could do what this one holds and has no room for.
        most = AHEAD if self._store.is_shared or largest_bytes > SMALL_BYTES else SMALL_AHEAD
        return self._lease() if self._open and not waiting and len(self._ready) + count <= most else None

    def hold(self, items: Sequence[ItemT]) -> None:
        """Do these, on which this has a lease."""
        self._held.update(self._table.key(item) for item in items)
        self._ready.extend(items)
        self._begin_ready()

    def take_back(self, is_stale: Callable[[ItemT], bool]) -> Sequence[ItemT]:
        """Those of the items not yet begun that are so; they are the caller's now."""
        stale = [item for item in self._ready if is_stale(item)]
        if stale:
            self._ready = deque(item for item in self._ready if not is_stale(item))
            self._held.difference_update(self._table.key(item) for item in stale)
        return stale

    # Picking up

    def _look(self) -> None:
        """See what is due, now and, where others share the database, from time to time."""
        if self._store.is_shared:
            self._look_alarm.set(self._clock.monotonic() + LOOK_S)
        self.note_due(self._clock.time())

    def _pick_up(self) -> None:
        """Pick up what is due while few are ready, or set the alarm for when something will be."""
        if not self._open or self._claiming or self._next_due is None or len(self._ready) > AHEAD // 2:
            return
        delay_s = self._next_due - self._clock.time()
        if delay_s > 0:
            self._due_alarm.set(self._clock.monotonic() + delay_s)
            return
        self._claiming = True
        self.spawn(self._claim(), "pick up")

    async def _claim(self) -> None:
        # What is noted meanwhile is due besides what the claim finds.
        self._next_due = None
        now, lease = self._clock.time(), self._lease()
        try:
            found = await self._store.write(lambda conn: self._table.claim(conn, now, AHEAD, lease))
        except BaseException:
            self._claiming = False
            self.note_due(now + RENEW_S)
            raise
        self._claiming = False
        # A lease that ended while we were at it (the store hung) is taken again, the work not done again.
        self.hold([item for item in found.held if self._table.key(item) not in self._held])
        if found.next_due is not None:
            self.note_due(found.next_due)
        elif self._next_due is not None:
            self._pick_up()

    # Leases

    def _lease(self) -> Lease:
        return Lease(owner=self._owner, until=self._clock.time() + LEASE_S)

    def _renew(self) -> None:
        self._lease_alarm.set(self._clock.monotonic() + RENEW_S)
        if self._held:
            self.spawn(self._write_renewal(frozenset(self._held), self._lease()), "renew leases")

    async def _write_renewal(self, keys: frozenset[Hashable], lease: Lease) -> None:
        await self._store.write(lambda conn: self._table.renew(conn, keys, lease))

    # Doing and settling

    def _begin_ready(self) -> None:
        """Begin as many as may be done at once."""
        now = self._clock.monotonic()
        while self._open and self._ready and self._pacing.room(now):
            item = self._ready.popleft()
            key = self._table.key(item)
            self._pacing.begin(key, now)
            self._begun += 1
            if not self._begin(item, partial(self._done, key)):
                self.spawn(self._do_one(item, key), f"do {key}")
        if self._open and self._ready and (later := self._pacing.more_room_at()) is not None:
            self._room_alarm.set(later)
        self._pick_up()

    async def _do_one(self, item: ItemT, key: Hashable) -> None:
        """Do one item. If that fails its lease ends, and it is done again."""
        try:
            done = await self._do(item)
        except BaseException:
            self._pacing.end(key)
            self._let_go([key])
            self.note_due(self._clock.time() + LEASE_S)
            self._begin_ready()
            raise
        self._done(key, done)

    def _done(self, key: Hashable, done: DoneT) -> None:
        """Settle an item that is done: after the end nobody does, and it is done again after the next start."""
        self._pacing.end(key)
        if not self._closed:
            self._settling.put((key, done), self._told)
            self._begin_ready()

    async def _write_settled(self, batch: Sequence[tuple[Hashable, DoneT]]) -> None:
        """Settle items; if it fails, a little later. Who stops then leaves them to be done again after its start."""
        now, done = self._clock.time(), [each for _, each in batch]
        # The last of those under way waits for the disk, and then all before it is there.
        relaxed = len(self._held) > len(batch) and self._may_be_undone(done)
        try:
            due = await self._store.write(lambda conn: self._table.settle(conn, done, now), relaxed=relaxed)
        except BaseException:
            if self._open:
                self._clock.call_later(SETTLE_AGAIN_S, partial(self._settle_again, batch))
            else:
                self._let_go([key for key, _ in batch])
            raise
        self._let_go([key for key, _ in batch])
        for due_at in due:
            self.note_due(due_at)
        self._on_settled(done)

    def _settle_again(self, batch: Sequence[tuple[Hashable, DoneT]]) -> None:
        for each in batch if not self._closed else ():
            # It was reported when it failed first.
            self._settling.put(each, lambda _error: None)

    def _told(self, error: BaseException | None) -> None:
        if error is not None:
            self._report(error, f"{self._name}: settle")

    def _let_go(self, keys: Sequence[Hashable]) -> None:
        """Items that were begun are settled, or left to whoever picks them up next."""
        self._held.difference_update(keys)
        self._begun -= len(keys)
        if self._ended is not None and not self._begun and not self._ended.done():
            self._ended.set_result(None)

    # Tasks

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let `work` run besides; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(error, task.get_name())

    def _report(self, error: BaseException, name: str) -> None:
        """Nobody waits for it, and a store that does not write is an operator's business."""
        asyncio.get_running_loop().call_exception_handler({"message": f"failed to {name}", "exception": error})
