"""Which environment an invocation gets: decided at once and purely, acted upon by `fleet.py`.

Four answers: an environment that is idle, a new one, wait for room in the machine's memory, or a throttle. Waiting may
come with an idle environment of another function that is let go to make the room.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from stoker.environments.admission import ACCOUNT_LIMIT, Admission
from stoker.functions.reservations import FunctionKey
from stoker.model.function import FunctionVersion

E = TypeVar("E")

# What is expected of an environment until its init is over and the kernel counts it. Python took 5 MB, with boto3 and a
# client 34 MB when this was measured.
EXPECTED_MB = 64


class EnvironmentKey(NamedTuple):
    """Environments with the same key can stand in for each other. A changed function has another revision."""

    region: str
    name: str
    version: str
    revision_id: str

    @classmethod
    def of(cls, function: FunctionVersion) -> "EnvironmentKey":
        # Past the constructor that NamedTuple makes, which would take as long again.
        return tuple.__new__(cls, (function.region, function.name, function.version, function.revision_id))

    @property
    def function(self) -> FunctionKey:
        return self.region, self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Idle(Generic[E]):
    """Run in this one; it counts as running from now on."""

    environment: E


@dataclass(frozen=True, kw_only=True, slots=True)
class New:
    """Start one and tell `started`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait(Generic[E]):
    """There is no memory: let this one go if there is one, and ask again by `reassign`, or `abandon`."""

    let_go: E | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttle:
    """It may not run now; `reason` is the `Reason` of AWS's TooManyRequestsException."""

    reason: str


@dataclass(slots=True)
class _Pool(Generic[E]):
    """The idle environments of one key, with the most recently used last."""

    key: EnvironmentKey
    function: FunctionKey
    idle: list[E] = field(default_factory=list)
    provisioned: list[E] = field(default_factory=list)
    live: int = 0


@dataclass(slots=True)
class _Live(Generic[E]):
    """What is known of a live environment. `charged_mb` is expected of it and not yet measured."""

    pool: _Pool[E]
    provisioned: bool
    running: bool
    charged_mb: float


class Assignment(Generic[E]):
    """Knows every live environment and whether it runs. Belongs to the event loop's thread; nothing here waits.

    `spare_mb` measures what memory new environments may take; it is asked only when one is to be started.
    """

    def __init__(self, *, admission: Admission, spare_mb: Callable[[], float]) -> None:
        self._admission = admission
        self._spare_mb = spare_mb
        self._live: dict[E, _Live[E]] = {}
        self._pools: dict[EnvironmentKey, _Pool[E]] = {}
        # The idle environments that may be let go, the one that has been idle longest first.
        self._idle: dict[E, None] = {}
        self._charged_mb = 0.0
        self.running = 0
        self.waiting = 0

    def __repr__(self) -> str:
        waiting = f", {self.waiting} waiting" if self.waiting else ""
        return f"<Assignment {self.running} running, {len(self._live) - self.running} idle{waiting}>"

    def __iter__(self) -> Iterator[E]:
        """Every live environment."""
        return iter(tuple(self._live))

    def __contains__(self, environment: E) -> bool:
        return environment in self._live

    def is_running(self, environment: E) -> bool:
        """Whether it has an invocation, or is being started for one."""
        return self._live[environment].running

    def running_by_function(self) -> Mapping[FunctionKey, int]:
        """How many invocations each function has; some 50 ns an environment."""
        return Counter(live.pool.function for live in self._live.values() if live.running) if self.running else {}

    def on_demand_of(self, region: str, name: str) -> list[E]:
        """A function's live environments of whatever version and revision, but for the provisioned ones."""
        function = (region, name)
        return [
            environment
            for environment, live in self._live.items()
            if live.pool.function == function and not live.provisioned
        ]

    def assign(self, key: EnvironmentKey, memory_mb: int, now: float) -> Idle[E] | New | Wait[E] | Throttle:
        """Decide for one invocation; `now` in monotonic seconds."""
        pool = self._pools.get(key)
        if pool is not None and pool.provisioned:
            reason = self._admission.enter((key.region, key.name), now, provisioned=True)
            return Idle(environment=self._take(pool)) if reason is None else Throttle(reason=reason)
        reason = self._admission.enter((key.region, key.name), now)
        if reason is not None:
            return Throttle(reason=reason)
        if pool is not None and pool.idle:
            return Idle(environment=self._take(pool))
        # Nobody overtakes those who wait for memory.
        decision: New | Wait[E] | Throttle = Wait() if self.waiting else self._make_room(key, memory_mb, now)
        if isinstance(decision, Wait):
            self.waiting += 1
        return decision

    def take_idle(self, key: EnvironmentKey, now: float) -> E | None:
        """An idle environment for one invocation, as `assign` would decide; None: nothing was decided."""
        pool = self._pools.get(key)
        if pool is None or not (pool.idle or pool.provisioned):
            return None
        throttled = self._admission.enter(pool.function, now, provisioned=bool(pool.provisioned))
        return self._take(pool) if throttled is None else None

    def next_idle(self, key: EnvironmentKey) -> E | None:
        """The environment that `take_idle` would take."""
        pool = self._pools.get(key)
        idle = pool and (pool.provisioned or pool.idle)
        return idle[-1] if idle else None

    def reassign(
        self, key: EnvironmentKey, memory_mb: int, now: float, *, first: bool
    ) -> Idle[E] | New | Wait[E] | Throttle:
        """Decide again for one that waits. Only the `first` of them may have new room."""
        pool = self._pools.get(key)
        decision: Idle[E] | New | Wait[E] | Throttle
        if pool is not None and pool.provisioned:
            self._admission.leave(key.function)
            decision = Idle(environment=self._take(pool))
        elif pool is not None and pool.idle:
            decision = Idle(environment=self._take(pool))
        else:
            decision = self._make_room(key, memory_mb, now) if first else Wait()
        if not isinstance(decision, Wait):
            self.waiting -= 1
        return decision

    def abandon(self, key: EnvironmentKey) -> None:
        """One that waited does so no longer."""
        self.waiting -= 1
        self._admission.leave(key.function)

    def not_started(self, key: EnvironmentKey) -> None:
        """The new environment that was decided on could not even be begun."""
        self._admission.leave(key.function)

    def room(self, memory_mb: int) -> New | Wait[E]:
        """Whether there is memory for an environment that has no invocation yet."""
        return New() if self._has_room(memory_mb) else Wait(let_go=next(iter(self._idle), None))

    def started(self, key: EnvironmentKey, environment: E, memory_mb: int, *, provisioned: bool = False) -> None:
        """A new environment is there, and has the invocation that it was made for, unless it is provisioned."""
        charged_mb = min(memory_mb, EXPECTED_MB)
        pool = self._pools.setdefault(key, _Pool(key=key, function=key.function))
        pool.live += 1
        self._live[environment] = _Live(
            pool=pool, provisioned=provisioned, running=not provisioned, charged_mb=charged_mb
        )
        self._charged_mb += charged_mb
        if provisioned:
            self._admission.provision(key.function)
        else:
            self.running += 1

    def initialised(self, environment: E) -> None:
        """Its init is over: what it takes can be measured from now on."""
        live = self._live[environment]
        self._charged_mb -= live.charged_mb
        live.charged_mb = 0.0

    def released(self, environment: E) -> None:
        """It has no invocation any more, or none yet; it may have the next."""
        live = self._live[environment]
        self._finish(live)
        if live.provisioned:
            live.pool.provisioned.append(environment)
        else:
            live.pool.idle.append(environment)
            self._idle[environment] = None

    def gone(self, environment: E) -> None:
        """It takes no more invocations."""
        live = self._live.pop(environment)
        pool = live.pool
        for idle in (pool.idle, pool.provisioned):
            if environment in idle:
                idle.remove(environment)
        self._idle.pop(environment, None)
        self._finish(live)
        if live.provisioned:
            self._admission.leave(pool.function)
        self._charged_mb -= live.charged_mb
        pool.live -= 1
        if not pool.live:
            del self._pools[pool.key]

    def _finish(self, live: _Live[E]) -> None:
        if live.running:
            live.running = False
            self.running -= 1
            if not live.provisioned:
                self._admission.leave(live.pool.function)

    def _take(self, pool: _Pool[E]) -> E:
        environment = (pool.provisioned or pool.idle).pop()
        self._idle.pop(environment, None)
        self._live[environment].running = True
        self.running += 1
        return environment

    def _has_room(self, memory_mb: int) -> bool:
        return self._spare_mb() - self._charged_mb >= min(memory_mb, EXPECTED_MB)

    def _make_room(self, key: EnvironmentKey, memory_mb: int, now: float) -> New | Wait[E] | Throttle:
        """A new environment; or, as long as memory is short, the idle ones go, and it is measured again each time.

        None of them goes for an invocation that its function's rate would not let run.
        """
        if not self._admission.may_scale(key.function, now):
            self._admission.leave(key.function)
            return Throttle(reason=ACCOUNT_LIMIT)
        room = self.room(memory_mb)
        if isinstance(room, New):
            self._admission.scale(key.function, now)
        return room
