"""Templates: a function's memory at the end of its init, from which its new environments begin.

Made for a version whose init is worth it, by running that once more where nobody waits; never from an environment that
has had an invocation. Kept while they are used and there is memory for them: the least recently used go first.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass

from stoker.environments.assignment import EnvironmentKey
from stoker.environments.feed import TemplateView
from stoker.functions.preparation import SnapshotInitError
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.model.errors import ServiceError
from stoker.model.function import LATEST, FunctionVersion
from stoker.sandbox.driver import SandboxError
from stoker.sandbox.snapshot import Snapshot, SnapshotRefusedError

# Putting memory back takes as long as a short init does.
WORTH_INIT_MS = 40.0
# One that nobody used for so long is let go, but for SnapStart's, which were asked for.
IDLE_S = 1800.0
# What an init keeps of its credentials (a client made there does) must outlast the environments: they live for 6 hours
# more, and the credentials for 12.
MAX_AGE_S = 5 * 3600.0
MB = 1 << 20


Take = Callable[[FunctionVersion], Awaitable[Snapshot]]


@dataclass(slots=True)
class _Template:
    snapshot: Snapshot
    function: FunctionVersion
    made: float
    used: float


class Templates:
    """All of them. For the event loop's thread.

    `take` runs a function's init and gives the snapshot; raises SnapshotRefusedError, SnapshotInitError or
    SandboxError. `exists` tells whether a version is still there. Together they have `budget_mb`; where that is 0 none
    are made.
    """

    def __init__(
        self, take: Take, *, exists: Callable[[FunctionVersion], Awaitable[bool]], clock: Clock, budget_mb: float
    ) -> None:
        self._take = take
        self._exists = exists
        self._clock = clock
        self._budget_bytes = budget_mb * MB
        # The least recently used first.
        self._templates: dict[EnvironmentKey, _Template] = {}
        self._refused: dict[EnvironmentKey, str] = {}
        self._making: set[EnvironmentKey] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # One after another: they are in the way of callers.
        self._turn = asyncio.Lock()
        self._look = Alarm(clock, self._drop_old)

    def __repr__(self) -> str:
        size = sum(each.snapshot.size_bytes for each in self._templates.values()) / MB
        return f"<Templates: {len(self._templates)} of {size:.0f} MB, {len(self._making)} being made>"

    @property
    def views(self) -> list[TemplateView]:
        """All of them, those that are being made without a size."""
        epoch = self._clock.time() - self._clock.monotonic()
        there = [
            TemplateView(
                region=key.region,
                function=key.name,
                version=key.version,
                size_bytes=each.snapshot.size_bytes,
                until=None if each.function.snap_starts else epoch + each.used + IDLE_S,
            )
            for key, each in self._templates.items()
        ]
        making = self._making - self._templates.keys()
        return there + [
            TemplateView(region=key.region, function=key.name, version=key.version, size_bytes=None, until=None)
            for key in sorted(making)
        ]

    def of(self, function: FunctionVersion) -> Snapshot | None:
        """The template of a version, if there is one; it counts as used."""
        key = EnvironmentKey.of(function)
        template = self._templates.pop(key, None)
        if template is None:
            return None
        now = self._clock.monotonic()
        if now - template.made > MAX_AGE_S:
            template.snapshot.close()
            self._begin(function)
            return None
        template.used = now
        self._templates[key] = template
        return template.snapshot

    def refusal(self, function: FunctionVersion) -> str | None:
        """Why a version has no template and will have none."""
        return self._refused.get(EnvironmentKey.of(function))

    def consider(self, function: FunctionVersion, init_ms: float, cpu_s: Callable[[], float | None]) -> None:
        """A version's init took so long in an ordinary start: make a template, if that is worth it.

        Only what it worked counts (`cpu_s`, where that can be told), so that a busy machine makes no templates of
        short inits; and what an init was told by others had better be asked anew.
        """
        worth = function.snap_starts
        if not worth and init_ms >= WORTH_INIT_MS:
            worked_s = cpu_s()
            worth = worked_s is None or worked_s * 1000.0 >= WORTH_INIT_MS
        if worth:
            self._begin(function)

    def resume(self, functions: Iterable[FunctionVersion]) -> None:
        """Make those anew that were there before a restart, one after another, until the next might not fit."""
        self._spawn(self._make_again(functions), "make templates again")

    async def make(self, function: FunctionVersion) -> bool:
        """Make one and wait; False where the version's memory cannot be taken. Raises SnapshotInitError."""
        key = EnvironmentKey.of(function)
        if key not in self._templates and self._budget_bytes:
            try:
                await self._make(function)
            except SnapshotRefusedError as refusal:
                self._refuse(key, str(refusal))
            except (SandboxError, ServiceError) as error:
                # The version must not stay Pending for ever; whoever published it may publish again.
                raise SnapshotInitError("InternalError", f"The snapshot could not be made: {error}") from error
        return key in self._templates

    def failed(self, function: FunctionVersion) -> None:
        """A process could not be brought up from it: environments of this version start without."""
        self._drop(EnvironmentKey.of(function))
        self._refuse(EnvironmentKey.of(function), "a process could not be restored from it")

    def stale(self, function: FunctionVersion) -> None:
        """It was made in another fork server's time; the next ordinary start makes a new one."""
        self._drop(EnvironmentKey.of(function))

    def retire(self, region: str, name: str) -> None:
        """A function changed or is gone: templates of published versions serve on, unless those went too."""
        for key in [key for key in (*self._templates, *self._refused) if key.function == (region, name)]:
            if key.version == LATEST:
                self._drop(key)
                self._refused.pop(key, None)
            elif key in self._templates:
                self._spawn(self._drop_if_gone(key, self._templates[key].function), f"look for {name}:{key.version}")

    def make_room(self) -> bool:
        """Memory is short: let the least recently used go; whether there was one."""
        first = next(iter(self._templates), None)
        if first is not None:
            self._drop(first)
        return first is not None

    async def close(self) -> None:
        """Let all go; what is being made is given up."""
        self._look.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self.make_room():
            pass

    def _begin(self, function: FunctionVersion) -> None:
        key = EnvironmentKey.of(function)
        if self._may_begin(key):
            self._making.add(key)
            self._spawn(self._try(key, function), f"make a template of {function.name}")

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drop_if_gone(self, key: EnvironmentKey, function: FunctionVersion) -> None:
        if not await self._exists(function):
            self._drop(key)

    async def _make_again(self, functions: Iterable[FunctionVersion]) -> None:
        for function in functions:
            sizes = [each.snapshot.size_bytes for each in self._templates.values()]
            if sum(sizes) + max(sizes, default=0) > self._budget_bytes:
                return
            key = EnvironmentKey.of(function)
            if self._may_begin(key):
                self._making.add(key)
                await self._try(key, function)

    def _may_begin(self, key: EnvironmentKey) -> bool:
        known = key in self._templates or key in self._refused or key in self._making
        return not known and self._budget_bytes > 0

    async def _try(self, key: EnvironmentKey, function: FunctionVersion) -> None:
        try:
            await self._make(function)
        except SnapshotRefusedError as refusal:
            self._refuse(key, str(refusal))
        except SnapshotInitError:
            self._refuse(key, "its init failed when it was run for a template")
        except (SandboxError, ServiceError) as error:
            self._refuse(key, f"it could not be made: {error}")
        finally:
            self._making.discard(key)

    async def _make(self, function: FunctionVersion) -> None:
        async with self._turn:
            snapshot = await self._take(function)
        if snapshot.size_bytes > self._budget_bytes:
            snapshot.close()
            raise SnapshotRefusedError("it is larger than all templates together may be")
        now = self._clock.monotonic()
        self._drop(EnvironmentKey.of(function))
        self._templates[EnvironmentKey.of(function)] = _Template(snapshot, function, now, now)
        while sum(each.snapshot.size_bytes for each in self._templates.values()) > self._budget_bytes:
            self.make_room()
        self._look.set(now + IDLE_S)

    def _refuse(self, key: EnvironmentKey, reason: str) -> None:
        if len(self._refused) >= 10_000:
            self._refused.clear()
        self._refused[key] = reason

    def _drop(self, key: EnvironmentKey) -> None:
        template = self._templates.pop(key, None)
        if template is not None:
            template.snapshot.close()

    def _drop_old(self) -> None:
        now = self._clock.monotonic()
        for key, template in list(self._templates.items()):
            if now - template.used >= IDLE_S and not template.function.snap_starts:
                self._drop(key)
        if self._templates:
            self._look.set(min(max(each.used + IDLE_S, now + 60.0) for each in self._templates.values()))
