"""Calls for what is due: rows with a time, looked at when the earliest of them comes, and not before."""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection

from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.store.store import Store

# The wall clock may be set, and the machine may sleep: the time is looked at, without the database, so often at least.
LONGEST_WAIT_S = 60.0
RETRY_S = 5.0

log = logging.getLogger(__name__)


class Timetable:
    """Runs `work(conn, now)` whenever something is due, in one transaction with what it leads to.

    `work` does some of what is due, sets the times at which it is due again, and gives the earliest time of all that is
    left (None if there is none); `done` is called after the commit. Times are in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        name: str,
        store: Store,
        clock: Clock,
        work: Callable[[Connection, float], float | None],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._store = store
        self._clock = clock
        self._work = work
        self._done = done
        self._next: float | None = None
        self._turn: asyncio.Task[None] | None = None
        self._open = False
        self._alarm = Alarm(clock, self._look)

    def __repr__(self) -> str:
        return f"<Timetable {self._name}, next at {self._next}>"

    async def start(self) -> None:
        """Begin, with what was due while nothing ran."""
        self._open = True
        self.note(self._clock.time())

    async def close(self) -> None:
        """Begin nothing more; what was begun is finished."""
        self._open = False
        self._alarm.stop()
        if self._turn is not None:
            await asyncio.wait({self._turn})

    def note(self, due_at: float | None) -> None:
        """Something is due then."""
        if due_at is not None and (self._next is None or due_at < self._next):
            self._next = due_at
        self._look()

    def _look(self) -> None:
        if not self._open or self._turn is not None:
            return
        if self._next is not None and self._next <= self._clock.time():
            self._turn = asyncio.get_running_loop().create_task(self._do(), name=f"timetable of {self._name}")
            return
        if self._next is None and not self._store.is_shared:
            self._alarm.stop()
            return
        if self._next is None:
            # In a shared database there may be what another machine's Stoker added.
            self._next = self._clock.time() + LONGEST_WAIT_S
        wait_s = min(self._next - self._clock.time(), LONGEST_WAIT_S)
        self._alarm.set(self._clock.monotonic() + wait_s)

    async def _do(self) -> None:
        self._next, now = None, self._clock.time()
        try:
            following = await self._store.write(lambda conn: self._work(conn, now))
        except Exception:
            # The boundary of a turn: what was due stays so, and is looked at again.
            log.exception("the timetable of %s could not be kept", self._name)
            following = now + RETRY_S
        self._turn = None
        self._done()
        self.note(following)
