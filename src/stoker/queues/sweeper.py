"""When to sweep: once a minute while there are messages, and whenever a queue was purged or deleted."""

import asyncio

from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.queues import sweep
from stoker.queues.catalogue import Catalogue
from stoker.queues.memory import Memory
from stoker.queues.queue import Queue
from stoker.store.store import Store

SWEEP_EVERY_S = 60.0


class Sweeper:
    """Deletes what nobody can receive any more. For the event loop's thread."""

    def __init__(self, *, store: Store, clock: Clock, catalogue: Catalogue, memory: Memory) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._memory = memory
        self._alarm = Alarm(clock, self.sweep_soon)
        self._sweeping: asyncio.Task[None] | None = None
        self._again = False
        self._closed = False

    def __repr__(self) -> str:
        return f"<Sweeper {'idle' if self._sweeping is None else 'sweeping'}>"

    async def close(self) -> None:
        self._closed = True
        self._alarm.stop()
        if self._sweeping is not None:
            await asyncio.wait([self._sweeping])

    def sweep_soon(self) -> None:
        if self._closed:
            return
        self._alarm.set(self._clock.monotonic() + SWEEP_EVERY_S)
        self._again = True
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep(), name="sweep queues")
            self._sweeping.add_done_callback(self._swept)

    def _swept(self, task: "asyncio.Task[None]") -> None:
        self._sweeping = None
        if not task.cancelled() and task.exception() is not None:
            # Nobody waits for it, and a store that does not write is an operator's business.
            context = {"message": "failed to sweep queues", "exception": task.exception(), "task": task}
            asyncio.get_running_loop().call_exception_handler(context)

    async def _sweep(self) -> None:
        while self._again and not self._closed:
            self._again = False
            for generation in await self._store.read(sweep.removals):
                await self._remove(generation)
            queues = self._catalogue.all()
            for queue in queues:
                memory = self._memory.find(queue.id)
                if memory is not None and memory.tally.total:
                    await self._drop_old(queue, self._clock.time())
            if any(queue.settings.fifo for queue in queues):
                await self._forget_duplicates(self._clock.time())

    async def _remove(self, generation: int) -> None:
        while not self._closed and not await self._store.write(lambda conn: sweep.remove_some(conn, generation)):
            pass

    async def _forget_duplicates(self, now: float) -> None:
        await self._store.write(lambda conn: sweep.forget_duplicates(conn, now))

    async def _drop_old(self, queue: Queue, now: float) -> None:
        generation, before = queue.generation, now - queue.settings.retention_s
        while not self._closed and await self._store.read(lambda conn: sweep.has_old(conn, generation, before)):
            dropped = await self._store.write(lambda conn: sweep.drop_old(conn, generation, before))
            if (memory := self._memory.find(queue.id)) is not None:
                for row in dropped:
                    memory.tally.gone(row.visible_at, received=row.received)
