"""Removes packages that no version of a function or layer needs any more."""

import asyncio
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import version_rows
from stoker.functions.code_storage import CodeStorage
from stoker.model.clock import Clock, Timer
from stoker.model.limits import MAX_TIMEOUT_S
from stoker.store.store import Store
from stoker.store.tables_functions import package_references, packages

# An invocation that was running when its function was deleted still needs its files, for as long as one may take.
GRACE_S = float(MAX_TIMEOUT_S)


class UnusedCode:
    """Looks at packages some time after they may have lost their last reference, and at all of them at start."""

    def __init__(self, store: Store, code: CodeStorage, clock: Clock) -> None:
        self._store = store
        self._code = code
        self._clock = clock
        self._timers: set[Timer] = set()
        self._removals: set[asyncio.Task[None]] = set()

    def consider(self, digests: Iterable[str]) -> None:
        """Remove those of `digests` that are still unused after GRACE_S, or at the next start if that comes first."""
        considered = list(digests)
        if considered:
            timer = self._clock.call_later(GRACE_S, lambda: self._begin(considered, timer))
            self._timers.add(timer)

    async def sweep(self) -> None:
        """Remove everything unused, at start, before anything is uploaded or unpacked."""
        await self.remove(await self._store.read(_unreferenced))
        referenced = await self._store.read(_referenced)
        await asyncio.to_thread(self._code.sweep, referenced)

    async def remove(self, digests: Iterable[str]) -> None:
        """Remove those of `digests` that nothing refers to."""
        for digest in digests:
            async with self._code.locked(digest):
                if await self._store.read(lambda conn, d=digest: version_rows.referenced(conn, [d])):  # type: ignore[misc]
                    continue
                await self._code.remove(digest)
                await self._store.write(lambda conn, d=digest: _forget(conn, d))  # type: ignore[misc]

    async def close(self) -> None:
        """Begin no more removals, and let those that have begun finish."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        await asyncio.gather(*self._removals)

    def _begin(self, digests: list[str], timer: Timer) -> None:
        self._timers.discard(timer)
        removal = asyncio.get_running_loop().create_task(self.remove(digests))
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)


def _unreferenced(conn: Connection) -> list[str]:
    used = sa.select(package_references.c.digest)
    return list(conn.execute(sa.select(packages.c.digest).where(packages.c.digest.not_in(used))).scalars())


def _referenced(conn: Connection) -> set[str]:
    return set(conn.execute(sa.select(package_references.c.digest).distinct()).scalars())


def _forget(conn: Connection, digest: str) -> None:
    conn.execute(sa.delete(packages).where(packages.c.digest == digest))
