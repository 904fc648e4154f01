"""Short reads in groups: those that come while one is under way share the next snapshot.

A read of one row costs less than a thread and a transaction to do it in. Nothing waits for a group to fill.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from stoker.model.errors import ServiceError
from stoker.store.store import Store

T = TypeVar("T")

# So that nobody waits for long behind others, and both cores are used.
MOST_IN_A_GROUP = 16
MOST_GROUPS = 2


class GroupedReads:
    """For reads that take well under a millisecond. On the event loop's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]] = []
        self._groups: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<GroupedReads {len(self._waiting)} waiting>"

    async def read(self, work: Callable[[Connection], T]) -> T:
        """As `Store.read`: what was written before the call is seen. `work` may raise a ServiceError."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if len(self._groups) < MOST_GROUPS:
            group = asyncio.get_running_loop().create_task(self._run())
            self._groups.add(group)
            group.add_done_callback(self._groups.discard)
        return await future

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_IN_A_GROUP], self._waiting[MOST_IN_A_GROUP:]
            works = [work for work, _ in group]
            outcomes: list[Any]
            try:
                outcomes = await self._store.read(lambda conn: [_outcome(work, conn) for work in works])  # noqa: B023
            except Exception as error:
                # The database's fault is that of all who shared the snapshot: each is told.
                outcomes = [error] * len(group)
            for (_, future), outcome in zip(group, outcomes, strict=True):
                _settle(future, outcome)


def _outcome(work: Callable[[Connection], T], conn: Connection) -> T | ServiceError:
    try:
        return work(conn)
    except ServiceError as error:
        return error


def _settle(future: "asyncio.Future[Any]", outcome: Any) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
