"""Which environment an invocation gets: decided at once and purely, acted upon by `fleet.py`.

Three answers: an environment that is idle, a new one, or none now. A new one may come at the price of idle ones of
other functions, which the decision names.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from stoker.model.function import FunctionVersion

E = TypeVar("E")

ACCOUNT_LIMIT = "ConcurrentInvocationLimitExceeded"
RESERVED_LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"


class EnvironmentKey(NamedTuple):
    """Environments with the same key can stand in for each other. A changed function has another revision."""

    region: str
    name: str
    version: str
    revision_id: str

    @classmethod
    def of(cls, function: FunctionVersion) -> "EnvironmentKey":
        return cls(function.region, function.name, function.version, function.revision_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Idle(Generic[E]):
    """Run in this one; it counts as running from now on."""

    environment: E


@dataclass(frozen=True, kw_only=True, slots=True)
class New(Generic[E]):
    """Let these go, then start one and tell `started`."""

    let_go: tuple[E, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttle:
    """There is no room; `reason` is the `Reason` of AWS's TooManyRequestsException."""

    reason: str


@dataclass(slots=True)
class _Live:
    """What is known of a live environment."""

    key: EnvironmentKey
    memory_mb: int


@dataclass(slots=True)
class _Pool(Generic[E]):
    """The environments of one key; `idle` with the most recently used last."""

    idle: list[E] = field(default_factory=list)
    live: int = 0


class Assignment(Generic[E]):
    """Knows every live environment and whether it runs. Belongs to the event loop's thread; nothing here waits.

    `concurrency` is how many may run at once in the account. `memory_budget_mb` says what the memory sizes of all live
    environments may add up to.
    """

    def __init__(self, *, concurrency: int, memory_budget_mb: Callable[[], float]) -> None:
        self._concurrency = concurrency
        self._memory_budget_mb = memory_budget_mb
        self._live: dict[E, _Live] = {}
        self._pools: dict[EnvironmentKey, _Pool[E]] = {}
        # All idle environments, the one that has been idle longest first.
        self._idle: dict[E, None] = {}
        self._memory_mb = 0

    def __repr__(self) -> str:
        return f"<Assignment {self.running} running, {len(self._idle)} idle, {self._memory_mb} MB>"

    def __iter__(self) -> Iterator[E]:
        """Every live environment."""
        return iter(tuple(self._live))

    @property
    def running(self) -> int:
        """How many environments have an invocation, starting ones included."""
        return len(self._live) - len(self._idle)

    def is_idle(self, environment: E) -> bool:
        return environment in self._idle

    def of_function(self, region: str, name: str) -> list[E]:
        """A function's live environments, of whatever version and revision."""
        return [
            environment
            for environment, live in self._live.items()
            if live.key.name == name and live.key.region == region
        ]

    def assign(
        self, key: EnvironmentKey, *, memory_mb: int, reserved: int | None = None
    ) -> Idle[E] | New[E] | Throttle:
        """Decide for one invocation. `reserved` is the function's reserved concurrency, if it has one."""
        if self.running >= self._concurrency:
            return Throttle(reason=ACCOUNT_LIMIT)
        if reserved is not None and self._running_of(key) >= reserved:
            return Throttle(reason=RESERVED_LIMIT)
        pool = self._pools.get(key)
        if pool is not None and pool.idle:
            environment = pool.idle.pop()
            del self._idle[environment]
            return Idle(environment=environment)
        return self._make_room(memory_mb)

    def started(self, key: EnvironmentKey, environment: E, *, memory_mb: int) -> None:
        """A new environment is there, and has the invocation that it was made for."""
        self._live[environment] = _Live(key=key, memory_mb=memory_mb)
        self._pools.setdefault(key, _Pool()).live += 1
        self._memory_mb += memory_mb

    def released(self, environment: E) -> None:
        """Its invocation is over; it may have the next."""
        self._pools[self._live[environment].key].idle.append(environment)
        self._idle[environment] = None

    def gone(self, environment: E) -> None:
        """It takes no more invocations."""
        live = self._live.pop(environment)
        pool = self._pools[live.key]
        if environment in self._idle:
            del self._idle[environment]
            pool.idle.remove(environment)
        pool.live -= 1
        if not pool.live:
            del self._pools[live.key]
        self._memory_mb -= live.memory_mb

    def _running_of(self, key: EnvironmentKey) -> int:
        function = self.of_function(key.region, key.name)
        return len(function) - sum(environment in self._idle for environment in function)

    def _make_room(self, memory_mb: int) -> New[E] | Throttle:
        """A new environment, for which the longest idle ones go as far as memory is short.

        This is where waiting for memory would come in: what runs will be idle in a while. AWS never lets a caller
        wait for room, so this does not either.
        """
        short_mb = self._memory_mb + memory_mb - self._memory_budget_mb()
        let_go: list[E] = []
        for environment in self._idle:
            if short_mb <= 0:
                break
            let_go.append(environment)
            short_mb -= self._live[environment].memory_mb
        return New(let_go=tuple(let_go)) if short_mb <= 0 else Throttle(reason=ACCOUNT_LIMIT)
