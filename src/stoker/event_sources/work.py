"""Mappings at work: one loop for each that is enabled, begun, changed and ended one step after another."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from stoker.event_sources.mapping import Mapping
from stoker.model.clock import Clock


class Loop(Protocol):
    """One mapping's loop: `run` until cancelled, then `drain` to let end what runs."""

    async def run(self) -> None: ...

    async def drain(self) -> None: ...


class Unopened:
    """The loop of a mapping whose source cannot be opened: it rests until the mapping is changed."""

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def drain(self) -> None: ...


OpenLoop = Callable[[Mapping, Callable[[str], None]], Awaitable[Loop]]
"""Makes a mapping's loop; takes what is to be told of each batch."""


# The store or a source may be away for a while.
RETRY_S = 5.0


class _Worker:
    """One mapping: its loop, if it has one, and the changes that it has yet to come to."""

    def __init__(self) -> None:
        self.loop: Loop | None = None
        self.running: asyncio.Task[None] | None = None
        self.wanted: Mapping | None = None
        self.changing: asyncio.Task[None] | None = None


class Work:
    """For the event loop's thread."""

    def __init__(self, open_loop: OpenLoop, clock: Clock) -> None:
        self._open_loop = open_loop
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._on_settled: Callable[[Mapping], Awaitable[None]]
        self._on_result: Callable[[str, str], None] = lambda _uuid, _result: None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Work of {sum(worker.running is not None for worker in self._workers.values())} mappings>"

    def on_settled(self, tell: Callable[[Mapping], Awaitable[None]]) -> None:
        """Who hears that a mapping has come to what was applied."""
        self._on_settled = tell

    def on_result(self, tell: Callable[[str, str], None]) -> None:
        """Who hears what the last batch of a mapping, by UUID, did."""
        self._on_result = tell

    def apply(self, mapping: Mapping) -> None:
        """Bring a mapping to what it says: at work, at rest, or gone. The last word counts."""
        if self._closed:
            return
        worker = self._workers.setdefault(mapping.uuid, _Worker())
        worker.wanted = mapping
        self._change_soon(worker)

    def _change_soon(self, worker: _Worker) -> None:
        if self._closed or worker.changing is not None or worker.wanted is None:
            return
        name = f"change mapping {worker.wanted.uuid}"
        worker.changing = asyncio.get_running_loop().create_task(self._change(worker), name=name)
        worker.changing.add_done_callback(_tell_failure)

    async def close(self) -> None:
        """End all loops, and let what they run end."""
        self._closed = True
        await asyncio.gather(*(self._close_one(worker) for worker in self._workers.values()))

    async def _close_one(self, worker: _Worker) -> None:
        if worker.changing is not None:
            await asyncio.wait([worker.changing])
        await self._stop(worker)

    async def _change(self, worker: _Worker) -> None:
        try:
            while (mapping := worker.wanted) is not None:
                worker.wanted = None
                try:
                    await self._come_to(worker, mapping)
                except BaseException:
                    self._again(worker, mapping)
                    raise
        finally:
            worker.changing = None

    async def _come_to(self, worker: _Worker, mapping: Mapping) -> None:
        await self._stop(worker)
        if mapping.state != "Deleting" and mapping.options.enabled and not self._closed:
            await self._begin(worker, mapping)
        await self._on_settled(mapping)
        if mapping.state == "Deleting":
            self._workers.pop(mapping.uuid, None)

    def _again(self, worker: _Worker, mapping: Mapping) -> None:
        """What is wanted has not come to be: it is tried once more, unless something else is wanted by then."""
        worker.wanted = worker.wanted or mapping
        self._clock.call_later(RETRY_S, partial(self._change_soon, worker))

    async def _begin(self, worker: _Worker, mapping: Mapping) -> None:
        worker.loop = await self._open_loop(mapping, lambda result: self._on_result(mapping.uuid, result))
        name = f"mapping {mapping.uuid}"
        worker.running = asyncio.get_running_loop().create_task(worker.loop.run(), name=name)
        worker.running.add_done_callback(partial(self._ended, worker, mapping))

    def _ended(self, worker: _Worker, mapping: Mapping, task: "asyncio.Task[None]") -> None:
        _tell_failure(task)
        if not task.cancelled() and task is worker.running:
            self._again(worker, mapping)

    async def _stop(self, worker: _Worker) -> None:
        running, loop = worker.running, worker.loop
        if running is None or loop is None:
            return
        worker.running = worker.loop = None
        running.cancel()
        await asyncio.wait([running])
        await loop.drain()


def _tell_failure(task: "asyncio.Task[None]") -> None:
    """Nobody waits for it: a loop handles what is wrong with its source, so this is a fault of ours."""
    if not task.cancelled() and task.exception() is not None:
        context = {"message": f"failed: {task.get_name()}", "exception": task.exception(), "task": task}
        asyncio.get_running_loop().call_exception_handler(context)
