"""Gets ready for functions that were just deployed: whoever deploys one is about to invoke it."""

import asyncio
from collections.abc import Awaitable, Callable

from stoker.environments.variables import program_start
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.errors import ServiceError
from stoker.model.function import FunctionVersion
from stoker.sandbox.driver import SandboxDriver


class Anticipation:
    """Has a changed function's sandbox driver prepare for its runtime. For the event loop's thread."""

    def __init__(
        self,
        *,
        registry: Registry,
        runtimes: RuntimeCatalogue,
        driver_for: Callable[[FunctionVersion], Awaitable[SandboxDriver]],
    ) -> None:
        self._registry = registry
        self._runtimes = runtimes
        self._driver_for = driver_for
        self._preparing: set[asyncio.Task[None]] = set()
        registry.on_change(self._on_change)

    def __repr__(self) -> str:
        return f"<Anticipation of {len(self._preparing)} functions>"

    async def close(self) -> None:
        """Wait for what is being prepared, so that drivers may close."""
        await asyncio.gather(*self._preparing, return_exceptions=True)

    def _on_change(self, region: str, name: str) -> None:
        task = asyncio.get_running_loop().create_task(self._prepare(region, name), name=f"anticipate {name}")
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    async def _prepare(self, region: str, name: str) -> None:
        try:
            function = (await self._registry.resolve(region, name, None)).function
        except ServiceError:
            # The change was its deletion, or there is nothing to run yet; then another change will follow.
            return
        driver, runtime = await self._driver_for(function), self._runtimes.require(function.runtime)
        # Layers may bring external extensions, and then it is started otherwise.
        program = None if function.layers else program_start(function, runtime)
        await driver.prepare(runtime, program)
