"""Provisioned concurrency: as many environments as a version or an alias asks for, initialised before anybody calls."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from stoker.environments.assignment import EnvironmentKey
from stoker.environments.environment import Environment
from stoker.environments.fleet import Fleet
from stoker.environments.held_meter import Charge, HeldMeter
from stoker.functions.concurrency import ProvisionedConfig
from stoker.functions.registry import Registry
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock, Timer
from stoker.model.errors import ResourceNotFoundException
from stoker.model.function import FunctionVersion

# So many are started at the same time: more would only be in each other's way, and in that of callers.
STARTING_AT_ONCE = 4
# Until memory is looked at again that an environment could not have.
ROOM_RETRY_S = 0.5
# Until a function is tried again whose init failed, or whose environments end without an invocation.
FAILURE_RETRY_S = 60.0
# AWS's reason, as CloudFormation shows it.
INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"
ENVIRONMENT_FAILURE = "An environment could not be started. The server's log says why; it is tried again in a minute."


@dataclass(frozen=True, kw_only=True)
class ProvisionedState:
    """What there is of what was asked for: initialised environments, running ones included."""

    available: int
    status: str
    reason: str | None = None


class Allocation:
    """The environments of one configuration; a fleet's ProvisionedOwner. Belongs to the event loop's thread."""

    def __init__(self, fleet: Fleet, clock: Clock, charge: Charge) -> None:
        self._fleet = fleet
        self._clock = clock
        self._meter = HeldMeter(charge, clock)
        self._function: FunctionVersion | None = None
        # What environments must agree in.
        self._kind: tuple[EnvironmentKey, str | None] | None = None
        self._wanted = 0
        # Whether each is initialised.
        self._environments: dict[Environment, bool] = {}
        self._failure: str | None = None
        self._retry: Timer | None = None

    def __repr__(self) -> str:
        return f"<Allocation {self._available} of {self._wanted}>"

    @property
    def _available(self) -> int:
        return sum(self._environments.values())

    @property
    def state(self) -> ProvisionedState:
        available = min(self._available, self._wanted)
        if available >= self._wanted:
            return ProvisionedState(available=available, status="READY")
        if self._failure is not None:
            return ProvisionedState(available=available, status="FAILED", reason=self._failure)
        return ProvisionedState(available=available, status="IN_PROGRESS")

    def ask(
        self, function: FunctionVersion | None, config: ProvisionedConfig | None = None, sandbox: str | None = None
    ) -> None:
        """Have what the configuration says, of this version and in the sandbox that it chose; None lets all go."""
        count = 0 if config is None else config.count
        if function is None or config is None:
            self._meter.stop()
        else:
            self._meter.hold(function, qualifier=config.qualifier, count=count, since=config.modified)
        kind = None if function is None else (EnvironmentKey.of(function), sandbox)
        if kind != self._kind:
            self._dismiss(len(self._environments))
        self._function, self._kind, self._wanted = function, kind, count
        self._failure = None
        self._dismiss(len(self._environments) - self._wanted)
        self._fill()

    @property
    def running(self) -> int:
        """How many of its environments have an invocation."""
        return sum(map(self._fleet.is_running, self._environments))

    def ready(self, environment: Environment) -> None:
        if environment in self._environments:
            self._environments[environment] = True
            self._failure = None
            self._fill()

    def gone(self, environment: Environment) -> None:
        initialised = self._environments.pop(environment, None)
        if initialised is None:
            return
        if environment.init_failed:
            self._fail(INIT_FAILURE)
        elif not environment.invocations and not environment.aged:
            self._fail(ENVIRONMENT_FAILURE)
        else:
            self._later(0.0)

    def stop(self) -> None:
        """Start no more."""
        self._meter.stop()
        self._function = None
        self._environments.clear()
        if self._retry is not None:
            self._retry.cancel()

    def _fill(self) -> None:
        """Start what is missing, a few at a time: each that is ready makes place for the next."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._function is None:
            return
        missing = self._wanted - len(self._environments)
        starting = len(self._environments) - self._available
        for _ in range(min(missing, STARTING_AT_ONCE - starting)):
            environment = self._fleet.provision(self._function, self)
            if environment is None:
                self._later(ROOM_RETRY_S)
                return
            self._environments[environment] = False

    def _fail(self, reason: str) -> None:
        self._failure = reason
        self._later(FAILURE_RETRY_S)

    def _later(self, delay_s: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self._clock.call_later(delay_s, self._fill)

    def _dismiss(self, count: int) -> None:
        """Let so many go, those that are not initialised first."""
        for environment in sorted(self._environments, key=lambda each: self._environments[each])[: max(0, count)]:
            del self._environments[environment]
            self._fleet.dismiss(environment)


class Provisioning:
    """Follows the registry: an allocation for each configuration, moved when its alias is. `start` begins.

    `charge` is told of each step of five minutes in which something was provisioned.
    """

    def __init__(self, *, fleet: Fleet, registry: Registry, account: str, clock: Clock, charge: Charge) -> None:
        self._fleet = fleet
        self._registry = registry
        self._account = account
        self._clock = clock
        self._charge = charge
        self._allocations: dict[tuple[str, str], dict[str, Allocation]] = {}
        self._looks: set[asyncio.Task[None]] = set()
        # Two looks at one function must not overtake each other.
        self._looking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Provisioning of {len(self._allocations)} functions>"

    async def start(self) -> None:
        """Start what was provisioned when Stoker stopped, and follow changes from now on."""
        for region, name in await self._registry.concurrency.provisioned_functions():
            self._look_soon(region, name)
        self._registry.on_binding_change(self._look_soon)

    async def close(self) -> None:
        """Start no more; the environments are the fleet's to close."""
        for task in self._looks:
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)
        for allocations in self._allocations.values():
            for allocation in allocations.values():
                allocation.stop()

    def state(self, function: FunctionId, config: ProvisionedConfig) -> ProvisionedState:
        """What there is now."""
        allocation = self._allocations.get((function.region, function.name), {}).get(config.qualifier)
        if allocation is None:
            return ProvisionedState(available=0, status="IN_PROGRESS")
        return allocation.state

    def uses(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Of each configuration: region, function, qualifier, how many are initialised and how many of them run."""
        for (region, name), allocations in self._allocations.items():
            for qualifier, allocation in allocations.items():
                yield region, name, qualifier, allocation.state.available, allocation.running

    def _look_soon(self, region: str, name: str) -> None:
        function = FunctionId(account=self._account, region=region, name=name)
        task = asyncio.get_running_loop().create_task(self._look(function), name=f"provision {name}")
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _look(self, function: FunctionId) -> None:
        async with self._looking:
            configs = await self._registry.concurrency.configs_of(function)
            key = (function.region, function.name)
            if not configs and key not in self._allocations:
                return
            allocations = self._allocations.setdefault(key, {})
            for qualifier in set(allocations) - {config.qualifier for config in configs}:
                allocations.pop(qualifier).ask(None)
            for config in configs:
                version = await self._version(function, config.qualifier)
                allocation = allocations.setdefault(
                    config.qualifier, Allocation(self._fleet, self._clock, self._charge)
                )
                sandbox = None if version is None else await self._registry.sandbox_of(version)
                allocation.ask(version, config, sandbox)
            if not allocations:
                del self._allocations[key]

    async def _version(self, function: FunctionId, qualifier: str) -> FunctionVersion | None:
        """What a qualifier means now; None if it is gone, or not prepared yet: then another change follows."""
        try:
            version = (await self._registry.get(function, qualifier)).served
        except ResourceNotFoundException:
            return None
        return version if version.state == "Active" else None
