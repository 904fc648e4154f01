"""A fleet on fakes: everything of environments is real but the sandbox, the registry, telemetry and time."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

from fakes.clock import FakeClock
from fakes.loop import until
from fakes.registry import RUNTIMES, FakeRegistry, a_function, mint
from fakes.sandbox import FakeDriver, FakeSandbox, Script
from fakes.telemetry import FakeTelemetry
from stoker.environments.fleet import Fleet
from stoker.functions.reservations import Reservations
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation, InvocationResult


class FleetBench:
    def __init__(self, *scripts: Script, **settings: Any) -> None:
        self.clock = FakeClock()
        self.driver = FakeDriver(*scripts)
        self.telemetry = FakeTelemetry()
        self.registry = FakeRegistry()
        self.reservations = Reservations(settings.pop("concurrency", 1000))
        self.fleet = Fleet(
            registry=self.registry,  # type: ignore[arg-type]
            runtimes=RUNTIMES,
            driver_for=self._driver_for,
            telemetry=self.telemetry,  # type: ignore[arg-type]
            clock=self.clock,
            mint=mint,
            endpoint_url="http://169.254.0.1:4566",
            reservations=self.reservations,
            **{"keep_warm_s": 600.0, "spare_mb": lambda: math.inf, **settings},
        )
        self._requests = 0

    async def _driver_for(self, function: FunctionVersion) -> FakeDriver:
        return self.driver

    def invoke(
        self, payload: bytes = b'"hi"', function: FunctionVersion | None = None, *, log_tail: bool = False
    ) -> "asyncio.Future[InvocationResult]":
        self._requests += 1
        invocation = Invocation(request_id=f"r-{self._requests}", payload=payload, invoked_arn="arn:f")
        return self.fleet.run(function or a_function(), invocation, log_tail=log_tail)

    @property
    def sandbox(self) -> FakeSandbox:
        """The one that was started last."""
        return self.driver.sandboxes[-1]

    async def started(self, count: int = 1) -> FakeSandbox:
        """Wait for so many sandboxes; the last."""
        await until(lambda: len(self.driver.sandboxes) >= count)
        return self.sandbox

    async def pass_time(self, until: Callable[[], object], *, step_s: float = 0.1) -> None:
        """Let time go by in small steps, and everybody act in between, until something is the case."""
        while not until():
            self.clock.advance(step_s)
            await asyncio.sleep(0.001)

    async def shut_down(self) -> None:
        """Close the fleet without waiting for what runs."""
        closing = asyncio.create_task(self.fleet.close(limit_s=0.0))
        await asyncio.sleep(0)
        self.clock.advance(0.0)
        await closing

    def without_reports(self) -> list[str]:
        """The log's lines but those that say how long things took."""
        return [line for line in self.telemetry.lines if not line.startswith(("INIT_START", "REPORT"))]
