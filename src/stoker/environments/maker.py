"""Makes environments: everything that one of a function's needs, from its log stream to its sandbox."""

import json
import math
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from stoker.bootstrap.template_words import REFUSED
from stoker.environments import outcome
from stoker.environments.environment import PROVISIONED_INIT_LIMIT_S, Environment, EnvironmentOwner
from stoker.environments.extension_files import extension_files
from stoker.environments.failures import InitFailure, Overrun
from stoker.environments.feed import Feed
from stoker.environments.initialisation import Initialisation
from stoker.environments.log import EnvironmentLog
from stoker.environments.origin import Origin
from stoker.environments.templates import Templates
from stoker.environments.variables import ON_DEMAND, SNAP_START, Credentials, function_variables
from stoker.functions.preparation import SnapshotInitError
from stoker.functions.registry import Registry
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.model.invocation import LogStream
from stoker.model.runtime import Runtime
from stoker.observability.telemetry import Telemetry
from stoker.runtime_api.session import Answer
from stoker.sandbox.driver import Sandbox, SandboxDriver, SnapshotStaleError
from stoker.sandbox.snapshot import Snapshot, SnapshotRefusedError
from stoker.sandbox.spec import SandboxSpec

# LAMBDA.md, Limits: so much memory comes with one vCPU.
MB_PER_CPU = 1769
MAX_REFUSAL_BYTES = 200
# Known from the start, so that the first environment's INIT_START says it too.
WRAPPED = "its runtime is started by a wrapper"

Mint = Callable[[FunctionVersion], Awaitable[Credentials]]
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
        template_budget_mb: float,
        feed: Feed,
    ) -> None:
        self.templates = Templates(
            self._take_snapshot, exists=registry.exists, clock=clock, budget_mb=template_budget_mb
        )
        self._registry = registry
        self._runtimes = runtimes
        self._driver_for = driver_for
        self._telemetry = telemetry
        self._clock = clock
        self._mint = mint
        self._endpoint_url = endpoint_url
        self._keep_warm_s = keep_warm_s
        self._feed = feed

    def make(self, function: FunctionVersion, owner: EnvironmentOwner, initialization_type: str) -> Environment:
        """An environment that is yet to be started. Raises InvalidParameterValueException for a missing runtime."""
        runtime = self._runtimes.require(function.runtime)
        snapshot = self.templates.of(function)
        restores = snapshot is not None and function.snap_starts
        begins_as = SNAP_START if restores else initialization_type
        origin = Origin(
            snapshot=snapshot, restores=restores, kind=begins_as, failed=lambda: self.templates.failed(function)
        )
        kept_warm = initialization_type == ON_DEMAND
        stream, log = self._log(function, runtime, begins_as, origin)

        async def start_sandbox() -> Sandbox:
            kind = SNAP_START if origin.restores and origin.snapshot is not None else initialization_type
            origin.single_use = await self._registry.starts_fresh(function)
            spec = await self._spec(function, runtime, stream, kind)
            driver = await self._driver_for(function)
            if origin.snapshot is not None and not driver.takes_snapshots:
                origin.snapshot = None
            if origin.snapshot is not None:
                try:
                    return await driver.start(replace(spec, snapshot=origin.snapshot))
                except SnapshotStaleError:
                    self.templates.stale(function)
                    origin.snapshot = None
            return await driver.start(spec)

        return Environment(
            function=function,
            log=log,
            start_sandbox=start_sandbox,
            clock=self._clock,
            owner=owner,
            keep_warm_s=self._keep_warm_s if kept_warm else math.inf,
            origin=origin,
            feed=self._feed,
        )

    async def _take_snapshot(self, function: FunctionVersion) -> Snapshot:
        """Run the init of a version to its end, for its memory. See `Templates`."""
        runtime = self._runtimes.require(function.runtime)
        if runtime.kind != "python":
            raise SnapshotRefusedError("only Python's memory is taken")
        if function.exec_wrapper:
            raise SnapshotRefusedError(WRAPPED)
        kind = SNAP_START if function.snap_starts else ON_DEMAND
        stream, log = self._log(function, runtime, kind, Origin(), template="being made")
        spec = replace(await self._spec(function, runtime, stream, kind), to_snapshot=True)
        if spec.extensions:
            raise SnapshotRefusedError("it has external extensions")
        driver = await self._driver_for(function)
        if not driver.takes_snapshots:
            raise SnapshotRefusedError(f"memory is not taken out of a {driver.name} sandbox")
        log.init_started()
        attempt = Initialisation(await driver.start(spec), self._clock, log, function)
        try:
            failure = await attempt.run(max(PROVISIONED_INIT_LIMIT_S, function.timeout_s))
            end = outcome.of_init(failure, "", function.timeout_s, self._clock.time())
            refusal = _refusal(failure)
            if refusal is None:
                log.init_ended(attempt.duration_s * 1000.0, again=False, outcome=end)
                _check(failure, end.payload)
                if attempt.process.extensions:
                    raise SnapshotRefusedError("it has an internal extension")
                return await attempt.process.sandbox.snapshot()
            raise SnapshotRefusedError(refusal)
        finally:
            log.flush()
            await attempt.process.close()

    def _log(
        self,
        function: FunctionVersion,
        runtime: Runtime,
        initialization_type: str,
        origin: Origin,
        template: str | None = None,
    ) -> tuple[LogStream, EnvironmentLog]:
        stream = LogStream(region=function.region, group=function.log_group, stream=self._stream_name(function))
        wrapped = runtime.kind == "python" and function.exec_wrapper
        refusal = WRAPPED if wrapped else self.templates.refusal(function)
        if origin.snapshot is not None:
            template = "used"
        elif refusal is not None:
            template = f"refused, {refusal}"
        return stream, EnvironmentLog(
            telemetry=self._telemetry,
            stream=stream,
            function=function,
            runtime=runtime,
            clock=self._clock,
            initialization_type=initialization_type,
            restores=origin.restores,
            template=template,
        )

    def _stream_name(self, function: FunctionVersion) -> str:
        day = datetime.fromtimestamp(self._clock.time(), UTC)
        return f"{day:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"

    async def _spec(
        self, function: FunctionVersion, runtime: Runtime, stream: LogStream, initialization_type: str
    ) -> SandboxSpec:
        prepared = await self._registry.prepared(function)
        credentials = await self._mint(function)
        return SandboxSpec(
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
            extensions=extension_files(prepared.layers_root),
        )


def _refusal(failure: InitFailure | None) -> str | None:
    """Why the process itself said that its memory cannot be taken; its own words, so shortened and on one line."""
    if isinstance(failure, Answer) and failure.error_type == REFUSED:
        return " ".join(failure.payload[:MAX_REFUSAL_BYTES].decode(errors="replace").split())
    return None


def _check(failure: InitFailure | None, payload: bytes) -> None:
    if failure is None:
        return
    code = "FunctionError.InitTimeout" if isinstance(failure, Overrun) else "FunctionError.RuntimeInitError"
    try:
        reason = str(json.loads(payload)["errorMessage"])
    except (ValueError, LookupError, TypeError):
        reason = "The function's init failed."
    raise SnapshotInitError(code, reason)
