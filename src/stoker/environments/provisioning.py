"""Provisioned concurrency: as many environments as a version or an alias asks for, initialised before anybody calls."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from stoker.environments.allocation import Allocation, ProvisionedState
from stoker.environments.fleet import Fleet
from stoker.environments.held_meter import Charge, HeldMeter
from stoker.functions.concurrency import ProvisionedConfig
from stoker.functions.registry import Registry
from stoker.model.arn import FunctionId, is_version_number
from stoker.model.clock import Clock
from stoker.model.errors import ResourceNotFoundException
from stoker.model.function import FunctionVersion

LOOK_AGAIN_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Share:
    """A version that a configuration's qualifier leads to: how many environments of it, and in which sandbox."""

    function: FunctionVersion
    count: int
    sandbox: str | None


class Provision:
    """One configuration: while its alias has weights, it is spread over two versions by them."""

    def __init__(self, fleet: Fleet, clock: Clock, charge: Charge) -> None:
        self._fleet = fleet
        self._clock = clock
        self._meter = HeldMeter(charge, clock)
        self._allocations: dict[str, Allocation] = {}

    def __repr__(self) -> str:
        return f"<Provision {self._allocations}>"

    @property
    def running(self) -> int:
        """How many of its environments have an invocation."""
        return sum(allocation.running for allocation in self._allocations.values())

    @property
    def state(self) -> ProvisionedState:
        """All of them together: as the worst of them."""
        states = [allocation.state for allocation in self._allocations.values()]
        available = sum(state.available for state in states)
        for status in ("FAILED", "IN_PROGRESS"):
            for state in states:
                if state.status == status:
                    return ProvisionedState(available=available, status=status, reason=state.reason)
        return ProvisionedState(available=available, status="READY" if states else "IN_PROGRESS")

    def ask(self, config: ProvisionedConfig | None, shares: Mapping[str, Share]) -> None:
        """Have what a configuration says, in these versions, the alias's own first; nothing lets all go."""
        if config is None or not shares:
            self._meter.stop()
        else:
            main = next(iter(shares.values())).function
            self._meter.hold(main, qualifier=config.qualifier, count=config.count, since=config.modified)
        for version in set(self._allocations) - set(shares):
            self._allocations.pop(version).ask(None)
        for version, share in shares.items():
            allocation = self._allocations.setdefault(version, Allocation(self._fleet, self._clock))
            allocation.ask(share.function, share.count, share.sandbox)

    def stop(self) -> None:
        """Start no more."""
        self._meter.stop()
        for allocation in self._allocations.values():
            allocation.stop()


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
        self._provisions: dict[tuple[str, str], dict[str, Provision]] = {}
        self._looks: set[asyncio.Task[None]] = set()
        # Two looks at one function must not overtake each other.
        self._looking = asyncio.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Provisioning of {len(self._provisions)} functions>"

    async def start(self) -> None:
        """Start what was provisioned when Stoker stopped, and follow changes from now on."""
        for region, name in await self._registry.concurrency.provisioned_functions():
            self._look_soon(region, name)
        self._registry.on_binding_change(self._look_soon)

    async def close(self) -> None:
        """Start no more; the environments are the fleet's to close."""
        self._closed = True
        for task in self._looks:
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)
        for provisions in self._provisions.values():
            for provision in provisions.values():
                provision.stop()

    def state(self, function: FunctionId, config: ProvisionedConfig) -> ProvisionedState:
        """What there is now."""
        provision = self._provisions.get((function.region, function.name), {}).get(config.qualifier)
        if provision is None:
            return ProvisionedState(available=0, status="IN_PROGRESS")
        return provision.state

    def uses(self) -> Iterator[tuple[str, str, str, int, int]]:
        """Of each configuration: region, function, qualifier, how many are initialised and how many of them run."""
        for (region, name), provisions in self._provisions.items():
            for qualifier, provision in provisions.items():
                yield region, name, qualifier, provision.state.available, provision.running

    def _look_soon(self, region: str, name: str) -> None:
        function = FunctionId(account=self._account, region=region, name=name)
        task = asyncio.get_running_loop().create_task(self._look(function), name=f"provision {name}")
        self._looks.add(task)
        task.add_done_callback(partial(self._looked, function))

    def _looked(self, function: FunctionId, task: "asyncio.Task[None]") -> None:
        self._looks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Nobody waits for it, and the store may be there again in a moment.
            context = {"message": f"failed to {task.get_name()}", "exception": task.exception(), "task": task}
            asyncio.get_running_loop().call_exception_handler(context)
            self._clock.call_later(LOOK_AGAIN_S, partial(self._look_again, function))

    def _look_again(self, function: FunctionId) -> None:
        if not self._closed:
            self._look_soon(function.region, function.name)

    async def _look(self, function: FunctionId) -> None:
        async with self._looking:
            configs = await self._registry.concurrency.configs_of(function)
            key = (function.region, function.name)
            if not configs and key not in self._provisions:
                return
            provisions = self._provisions.setdefault(key, {})
            for qualifier in set(provisions) - {config.qualifier for config in configs}:
                provisions.pop(qualifier).ask(None, {})
            for config in configs:
                shares = await self._shares(function, config)
                provision = provisions.setdefault(config.qualifier, Provision(self._fleet, self._clock, self._charge))
                provision.ask(config, shares)
            if not provisions:
                del self._provisions[key]

    async def _shares(self, function: FunctionId, config: ProvisionedConfig) -> dict[str, Share]:
        """How many of which version a configuration means now; nothing while its version is gone or not prepared."""
        main = await self._version(function, config.qualifier)
        if main is None:
            return {}
        others = []
        for name, weight in (await self._weights(function, config.qualifier)).items():
            if (other := await self._version(function, name)) is not None:
                others.append((other, round(config.count * weight)))
        counts = [(main, config.count - sum(count for _, count in others)), *others]
        return {
            version.version: Share(function=version, count=count, sandbox=await self._registry.sandbox_of(version))
            for version, count in counts
        }

    async def _weights(self, function: FunctionId, qualifier: str) -> Mapping[str, float]:
        """What an alias sends to another version than its own."""
        if is_version_number(qualifier):
            return {}
        try:
            return (await self._registry.aliases.get(function, qualifier)).weights
        except ResourceNotFoundException:
            return {}

    async def _version(self, function: FunctionId, qualifier: str) -> FunctionVersion | None:
        """What a qualifier means now; None if it is gone, or not prepared yet: then another change follows."""
        try:
            version = (await self._registry.get(function, qualifier)).served
        except ResourceNotFoundException:
            return None
        return version if version.state == "Active" else None
