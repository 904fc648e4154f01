"""All environments of this process: acts on what `assignment.py` decides, lets go what is stale or not needed."""

import asyncio
import math
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime

from stoker.environments.alarm import Alarm
from stoker.environments.assignment import Assignment, EnvironmentKey, Idle, Throttle
from stoker.environments.environment import Environment
from stoker.environments.log import EnvironmentLog
from stoker.environments.variables import Credentials, function_variables
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.clock import Clock
from stoker.model.errors import TooManyRequestsException
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation, InvocationResult, LogStream
from stoker.model.runtime import Runtime
from stoker.observability.telemetry import Telemetry
from stoker.sandbox.driver import Sandbox, SandboxDriver
from stoker.sandbox.spec import SandboxSpec

# LAMBDA.md, Limits: so much memory comes with one vCPU.
MB_PER_CPU = 1769
# The longest timeout that a function can have: what runs may finish.
DRAIN_LIMIT_S = 900.0

Mint = Callable[[str, str], Awaitable[Credentials]]
DriverFor = Callable[[FunctionVersion], Awaitable[SandboxDriver]]


class FleetClosedError(Exception):
    """Stoker stops: no new invocation begins."""


class Fleet:
    """Starts, reuses and closes environments. Belongs to the event loop's thread.

    `mint(role_arn, session_name)` gives a function's credentials, `driver_for` its sandbox driver.
    `memory_budget_mb` is what the memory sizes of live environments may add up to.
    """

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
        concurrency: int,
        keep_warm_s: float,
        memory_budget_mb: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._registry = registry
        self._runtimes = runtimes
        self._driver_for = driver_for
        self._telemetry = telemetry
        self._clock = clock
        self._mint = mint
        self._endpoint_url = endpoint_url
        self._keep_warm_s = keep_warm_s
        self._assignment: Assignment[Environment] = Assignment(
            concurrency=concurrency, memory_budget_mb=memory_budget_mb
        )
        self._stale: set[Environment] = set()
        self._closings: set[asyncio.Task[None]] = set()
        self._drained: asyncio.Future[None] | None = None
        registry.on_change(self.retire)

    def __repr__(self) -> str:
        return f"<Fleet {self._assignment!r}>"

    @property
    def environments(self) -> list[Environment]:
        """Those that are alive; each says in its `repr` how it is."""
        return list(self._assignment)

    def run(
        self, function: FunctionVersion, invocation: Invocation, *, log_tail: bool = False
    ) -> "asyncio.Future[InvocationResult]":
        """Run an invocation in an environment of this function: an idle one, or else a new one.

        Raises TooManyRequestsException if there is no room. Cancelling the result does not end the invocation.
        """
        if self._drained is not None:
            raise FleetClosedError
        key = EnvironmentKey.of(function)
        decision = self._assignment.assign(key, memory_mb=function.memory_mb)
        if isinstance(decision, Idle):
            return decision.environment.run(invocation, log_tail=log_tail)
        if isinstance(decision, Throttle):
            raise TooManyRequestsException(Reason=decision.reason, Type="User")
        runtime = self._runtimes.require(function.runtime)
        for environment in decision.let_go:
            self._let_go(environment)
        environment = self._create(function, runtime)
        self._assignment.started(key, environment, memory_mb=function.memory_mb)
        return environment.start(invocation, log_tail=log_tail)

    def retire(self, region: str, name: str) -> None:
        """A function changed or is gone: its idle environments go now, those that run when they have finished."""
        for environment in self._assignment.of_function(region, name):
            if self._assignment.is_idle(environment):
                self._let_go(environment)
            else:
                self._stale.add(environment)

    async def close(self, *, limit_s: float = DRAIN_LIMIT_S) -> None:
        """Let what runs finish, for so long at most, then take everything down."""
        self._drained = asyncio.get_running_loop().create_future()
        alarm = Alarm(self._clock, self._finish_draining)
        alarm.set(self._clock.monotonic() + limit_s)
        self._look_whether_drained()
        await self._drained
        alarm.stop()
        for environment in self._assignment:
            self._let_go(environment)
        while self._closings:
            await asyncio.wait(self._closings)

    # What environments tell their owner

    def idle(self, environment: Environment) -> None:
        if environment in self._stale or environment.aged:
            self._let_go(environment)
        else:
            self._assignment.released(environment)
        self._look_whether_drained()

    def ended(self, environment: Environment) -> None:
        self._let_go(environment)
        self._look_whether_drained()

    def _let_go(self, environment: Environment) -> None:
        self._stale.discard(environment)
        self._assignment.gone(environment)
        environment.stop()
        self._spawn(environment.close(), f"close {environment!r}")

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._closings.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        self._closings.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Nobody waits for it, and an environment that could not be taken down is an operator's business.
            context = {"message": f"failed to {task.get_name()}", "exception": task.exception(), "task": task}
            asyncio.get_running_loop().call_exception_handler(context)

    def _look_whether_drained(self) -> None:
        if self._drained is not None and self._assignment.running == 0:
            self._finish_draining()

    def _finish_draining(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # New environments

    def _create(self, function: FunctionVersion, runtime: Runtime) -> Environment:
        stream = LogStream(region=function.region, group=function.log_group, stream=self._stream_name(function))

        async def start_sandbox() -> Sandbox:
            return await self._start_sandbox(function, runtime, stream)

        return Environment(
            function=function,
            log=EnvironmentLog(
                telemetry=self._telemetry, stream=stream, function=function, runtime=runtime, clock=self._clock
            ),
            start_sandbox=start_sandbox,
            clock=self._clock,
            owner=self,
            keep_warm_s=self._keep_warm_s,
        )

    def _stream_name(self, function: FunctionVersion) -> str:
        day = datetime.fromtimestamp(self._clock.time(), UTC)
        return f"{day:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"

    async def _start_sandbox(self, function: FunctionVersion, runtime: Runtime, stream: LogStream) -> Sandbox:
        prepared = await self._registry.prepared(function)
        credentials = await self._mint(function.role, function.name)
        spec = SandboxSpec(
            runtime=runtime,
            handler=function.handler,
            task_root=prepared.task_root,
            layers_root=prepared.layers_root,
            environment=function_variables(
                function, runtime, stream=stream, credentials=credentials, endpoint_url=self._endpoint_url
            ),
            memory_mb=function.memory_mb,
            ephemeral_mb=function.ephemeral_mb,
            cpus=function.memory_mb / MB_PER_CPU,
        )
        driver = await self._driver_for(function)
        return await driver.start(spec)
