"""Processes that have a template's memory already and wait for whose they are to be.

A cold start then waits only for the part of it that differs from one environment to the next.

Such a process is a blank that was specialised but for its environment variables. It stands within the table that put
the memory back (`bootstrap.memory_image.become`), in instructions of the host's: none of what was in the function's
process has run. So it uses no CPU, hooks run when it is used, and it belongs to no environment until then: nothing
counts, logs or bills it.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from stoker.model.runtime import Runtime
from stoker.sandbox.blank import Blank
from stoker.sandbox.driver import SandboxError, SnapshotStaleError
from stoker.sandbox.made_ahead import MadeAhead
from stoker.sandbox.restore_rehearsal import rehearse
from stoker.sandbox.snapshot import Snapshot
from stoker.sandbox.spec import SandboxSpec

# So many templates have some waiting at a time; a process takes 10 MB where its function uses numpy and pandas.
MOST_TEMPLATES = 16
# Of the memory that was available at the start: half of what templates have.
BUDGET_PART = 0.05

log = logging.getLogger(__name__)


class RestoresAhead:
    """`most` of one template are there after a burst; 0: none is made ahead. For the event loop's thread.

    `take_blank` gives what they are made from, `specialise` orders one to be what a spec says.
    """

    def __init__(
        self,
        take_blank: Callable[[Runtime], Awaitable[Blank]],
        specialise: Callable[[Blank, SandboxSpec], Awaitable[None]],
        discard: Callable[[Blank], Awaitable[None]],
        *,
        most: int,
    ) -> None:
        self._take_blank = take_blank
        self._specialise = specialise
        self._discard = discard
        self._ahead: MadeAhead[Snapshot] = MadeAhead(
            discard, most_kinds=MOST_TEMPLATES, most_of_each=most, budget_part=BUDGET_PART
        )

    def __repr__(self) -> str:
        return f"<RestoresAhead {self._ahead!r}>"

    def __iter__(self) -> Iterator[Blank]:
        """Those that wait."""
        return iter(self._ahead)

    async def take(self, spec: SandboxSpec, snapshot: Snapshot) -> Blank:
        """One for this spec: ready, or restored now. Raises SandboxError and SnapshotStaleError.

        A snapshot is of one revision, so that all who bring the same have the same code, layers and sizes.
        """
        if snapshot.closed:
            raise SnapshotStaleError(f"{snapshot!r} serves no more")
        plain = replace(spec, environment={})
        if snapshot.on_close is None:
            snapshot.on_close = lambda: self._ahead.drop(snapshot)
        reserve = self._ahead.of(
            snapshot,
            f"processes restored from {snapshot!r}",
            make=lambda: self._restore(plain, snapshot),
            make_ahead=lambda: self._make_ahead(plain, snapshot),
        )
        return await reserve.take()

    async def _make_ahead(self, spec: SandboxSpec, snapshot: Snapshot) -> Blank:
        if not snapshot.rehearsed:
            snapshot.rehearsed = True
            await self._rehearse(spec, snapshot)
        return await self._restore(spec, snapshot)

    async def _restore(self, spec: SandboxSpec, snapshot: Snapshot) -> Blank:
        blank = await self._take_blank(spec.runtime)
        try:
            await self._specialise(blank, spec)
        except OSError as error:
            await self._discard(blank)
            raise SandboxError(f"a sandbox for {spec.handler} could not be built: {error}") from error
        except BaseException:
            await self._discard(blank)
            raise
        return blank

    async def _rehearse(self, spec: SandboxSpec, snapshot: Snapshot) -> None:
        blank = await self._restore(spec, snapshot)
        try:
            await rehearse(blank, snapshot)
        except (SandboxError, OSError) as error:
            # Without it serves as well, if later.
            log.warning("%r: %s", snapshot, error)
        finally:
            await self._discard(blank)

    def shed(self) -> bool:
        """See `SandboxDriver.shed`."""
        return self._ahead.shed()

    async def close(self) -> None:
        await self._ahead.close()
