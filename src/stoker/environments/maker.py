"""Makes environments: everything that one of a function's needs, from its log stream to its sandbox."""

import math
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from stoker.environments.environment import Environment, EnvironmentOwner
from stoker.environments.log import EnvironmentLog
from stoker.environments.variables import ON_DEMAND, Credentials, function_variables
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.model.invocation import LogStream
from stoker.model.runtime import Runtime
from stoker.observability.telemetry import Telemetry
from stoker.sandbox.driver import Sandbox, SandboxDriver
from stoker.sandbox.spec import SandboxSpec

# LAMBDA.md, Limits: so much memory comes with one vCPU.
MB_PER_CPU = 1769

Mint = Callable[[str, str], Awaitable[Credentials]]
DriverFor = Callable[[FunctionVersion], Awaitable[SandboxDriver]]


class EnvironmentMaker:
    """Knows all that environments are made from. See `Fleet` for the parameters."""

    def __init__(
        self,
        *,
        registry: Registry,
        runtimes: RuntimeCatalogue,
        driver_for: DriverFor,
        telemetry: Telemetry,
        clock: Clock,
        mint: Mint,
        endpoint_url: str,
        keep_warm_s: float,
    ) -> None:
        self._registry = registry
        self._runtimes = runtimes
        self._driver_for = driver_for
        self._telemetry = telemetry
        self._clock = clock
        self._mint = mint
        self._endpoint_url = endpoint_url
        self._keep_warm_s = keep_warm_s

    def make(self, function: FunctionVersion, owner: EnvironmentOwner, initialization_type: str) -> Environment:
        """An environment that is yet to be started. Raises InvalidParameterValueException for a missing runtime."""
        runtime = self._runtimes.require(function.runtime)
        stream = LogStream(region=function.region, group=function.log_group, stream=self._stream_name(function))

        async def start_sandbox() -> Sandbox:
            return await self._start_sandbox(function, runtime, stream, initialization_type)

        return Environment(
            function=function,
            log=EnvironmentLog(
                telemetry=self._telemetry,
                stream=stream,
                function=function,
                runtime=runtime,
                clock=self._clock,
                initialization_type=initialization_type,
            ),
            start_sandbox=start_sandbox,
            clock=self._clock,
            owner=owner,
            keep_warm_s=self._keep_warm_s if initialization_type == ON_DEMAND else math.inf,
        )

    def _stream_name(self, function: FunctionVersion) -> str:
        day = datetime.fromtimestamp(self._clock.time(), UTC)
        return f"{day:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"

    async def _start_sandbox(
        self, function: FunctionVersion, runtime: Runtime, stream: LogStream, initialization_type: str
    ) -> Sandbox:
        prepared = await self._registry.prepared(function)
        credentials = await self._mint(function.role, function.name)
        spec = SandboxSpec(
            runtime=runtime,
            handler=function.handler,
            task_root=prepared.task_root,
            layers_root=prepared.layers_root,
            environment=function_variables(
                function,
                runtime,
                stream=stream,
                credentials=credentials,
                endpoint_url=self._endpoint_url,
                initialization_type=initialization_type,
            ),
            memory_mb=function.memory_mb,
            ephemeral_mb=function.ephemeral_mb,
            cpus=function.memory_mb / MB_PER_CPU,
        )
        driver = await self._driver_for(function)
        return await driver.start(spec)
