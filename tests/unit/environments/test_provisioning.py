"""Environments that are there before anybody calls: as many as asked for, replaced when they end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, echo
from stoker.environments.allocation import FAILURE_RETRY_S, STARTING_AT_ONCE
from stoker.environments.environment import MAX_AGE_S
from stoker.environments.held_meter import STEP_S
from stoker.environments.provisioning import LOOK_AGAIN_S, Provisioning
from stoker.functions.concurrency import ProvisionedConfig
from stoker.functions.records import Alias, VersionRecord
from stoker.model.arn import FunctionId
from stoker.model.errors import ResourceNotFoundException
from stoker.model.function import FunctionVersion
from stoker.model.invocation import ProvisionedStep

HELLO = FunctionId(account="000000000000", region="us-east-1", name="hello")
VERSION_1 = a_function(version="1", revision_id="r1")
VERSION_2 = a_function(version="2", revision_id="r2")


class Aliases:
    """One alias, whose weights can be changed."""

    def __init__(self) -> None:
        self.weights: dict[str, float] = {}

    async def get(self, function: FunctionId, name: str) -> Alias:
        return Alias(name=name, version="1", weights=self.weights, revision_id="r")


class Provisioned:
    """A fleet that follows a registry with one function, whose alias `live` can be moved."""

    def __init__(self, bench: FleetBench) -> None:
        self.bench = bench
        self.count = 0
        self.modified = 0.0
        self.live: FunctionVersion | None = VERSION_1
        self.sandbox: str | None = None
        self.concurrency = self
        self.aliases = Aliases()
        self.listeners: list[Callable[[str, str], None]] = []
        self.charges: list[ProvisionedStep] = []
        self.provisioning = Provisioning(
            fleet=bench.fleet,
            registry=self,  # type: ignore[arg-type]
            account=HELLO.account,
            clock=bench.clock,
            charge=self.charges.append,
        )

    async def provisioned_functions(self) -> list[tuple[str, str]]:
        return [("us-east-1", "hello")] if self.count else []

    async def configs_of(self, function: FunctionId) -> list[ProvisionedConfig]:
        return [ProvisionedConfig(qualifier="live", count=self.count, modified=self.modified)] if self.count else []

    async def get(self, function: FunctionId, qualifier: str) -> VersionRecord:
        if self.live is None:
            raise ResourceNotFoundException
        return VersionRecord(function=VERSION_2 if qualifier == "2" else self.live, revision_id="r")

    async def sandbox_of(self, function: FunctionVersion) -> str | None:
        return self.sandbox

    def on_binding_change(self, listener: Callable[[str, str], None]) -> None:
        self.listeners.append(listener)

    def put(self, count: int) -> None:
        self.count = count
        self.announce()

    def move(self, version: FunctionVersion | None) -> None:
        self.live = version
        self.announce()

    def weigh(self, **weights: float) -> None:
        self.aliases.weights = {version.removeprefix("v"): weight for version, weight in weights.items()}
        self.announce()

    def announce(self) -> None:
        for listener in self.listeners:
            listener("us-east-1", "hello")

    @property
    def state(self) -> str:
        state = self.provisioning.state(
            HELLO, ProvisionedConfig(qualifier="live", count=self.count, modified=self.modified)
        )
        return f"{state.status} {state.available}" + (f" {state.reason}" if state.reason else "")


async def provisioned(bench: FleetBench, count: int) -> Provisioned:
    provisioned = Provisioned(bench)
    await provisioned.provisioning.start()
    provisioned.put(count)
    return provisioned


async def dies(process: FakeProcess) -> None:
    await process.next()
    await process.event()
    process.exit()


async def fails(process: FakeProcess) -> None:
    await process.fail_init("Runtime.ImportModuleError", b"{}")


@on_loop
async def test_it_is_in_progress_until_every_environment_is_initialised() -> None:
    bench = FleetBench()
    bench.driver.gate = asyncio.Event()
    hello = await provisioned(bench, 2)
    await asyncio.sleep(0.01)
    assert hello.state == "IN_PROGRESS 0"
    bench.driver.gate.set()
    await until(lambda: hello.state == "READY 2")
    await asyncio.gather(bench.invoke(function=VERSION_1), bench.invoke(function=VERSION_1))
    assert len(bench.driver.sandboxes) == 2


@on_loop
async def test_many_are_started_a_few_at_a_time() -> None:
    bench = FleetBench()
    bench.driver.gate = asyncio.Event()
    hello = await provisioned(bench, 3 * STARTING_AT_ONCE)
    await until(lambda: bench.fleet.environments)
    assert len(bench.fleet.environments) == STARTING_AT_ONCE
    bench.driver.gate.set()
    await until(lambda: hello.state == f"READY {3 * STARTING_AT_ONCE}")


@on_loop
async def test_more_or_fewer_are_had_by_asking_again() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 3)
    await until(lambda: hello.state == "READY 3")
    hello.put(1)
    await until(lambda: len(bench.driver.live) == 1)
    hello.put(2)
    await until(lambda: hello.state == "READY 2")
    hello.put(0)
    await until(lambda: not bench.driver.live)


@on_loop
async def test_one_that_dies_is_replaced() -> None:
    bench = FleetBench(dies, echo)
    hello = await provisioned(bench, 1)
    await until(lambda: hello.state == "READY 1")
    assert (await bench.invoke(function=VERSION_1)).function_error == "Unhandled"
    bench.clock.advance(0.0)
    await until(lambda: hello.state == "READY 1")
    assert len(bench.driver.sandboxes) == 2


@on_loop
async def test_one_that_is_too_old_is_replaced() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 1)
    await until(lambda: hello.state == "READY 1")
    bench.clock.advance(MAX_AGE_S + 1)
    bench.clock.advance(0.0)
    await until(lambda: hello.state == "READY 1")
    await until(lambda: len(bench.driver.live) == 1 and len(bench.driver.sandboxes) == 2)


@on_loop
async def test_an_init_that_fails_is_told_with_its_reason_and_tried_again_after_a_minute() -> None:
    bench = FleetBench(fails, echo)
    hello = await provisioned(bench, 1)
    await until(lambda: "FAILED" in hello.state)
    assert hello.state == "FAILED 0 FUNCTION_ERROR_INIT_FAILURE"
    bench.clock.advance(FAILURE_RETRY_S - 1)
    await asyncio.sleep(0.01)
    assert len(bench.driver.sandboxes) == 1
    bench.clock.advance(1)
    await until(lambda: hello.state == "READY 1")


@on_loop
async def test_environments_that_end_by_themselves_are_not_started_over_and_over() -> None:
    async def exits_when_idle(process: FakeProcess) -> None:
        await process.next()
        process.exit()

    bench = FleetBench(exits_when_idle)
    hello = await provisioned(bench, 1)
    await until(lambda: "FAILED" in hello.state)
    bench.clock.advance(1.0)
    await asyncio.sleep(0.01)
    assert len(bench.driver.sandboxes) == 1


@on_loop
async def test_environments_move_with_the_alias() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 2)
    await until(lambda: hello.state == "READY 2")
    hello.move(VERSION_2)
    await until(lambda: len(bench.driver.sandboxes) == 4 and hello.state == "READY 2")
    await until(lambda: len(bench.driver.live) == 2)
    assert {environment.function.version for environment in bench.fleet.environments} == {"2"}


@on_loop
async def test_an_alias_with_weights_has_them_of_both_versions() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 4)
    await until(lambda: hello.state == "READY 4")

    def versions() -> list[str]:
        return sorted(environment.function.version for environment in bench.fleet.environments)

    hello.weigh(v2=0.25)
    await until(lambda: versions() == ["1", "1", "1", "2"])
    await until(lambda: hello.state == "READY 4")
    hello.weigh(v2=1.0)
    await until(lambda: versions() == ["2", "2", "2", "2"])
    hello.weigh()
    await until(lambda: versions() == ["1", "1", "1", "1"])
    assert {charge.count for charge in hello.charges} == {4}


@on_loop
async def test_another_choice_of_sandbox_replaces_them() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 1)
    await until(lambda: hello.state == "READY 1")
    hello.sandbox = "gvisor"
    hello.announce()
    await until(lambda: len(bench.driver.sandboxes) == 2 and bench.driver.sandboxes[0].closed)


@on_loop
async def test_a_change_of_the_function_leaves_its_versions_environments_where_they_are() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 1)
    await until(lambda: hello.state == "READY 1")
    bench.registry.change("hello", revision_id="another")
    hello.announce()
    await asyncio.sleep(0.01)
    assert (len(bench.driver.sandboxes), len(bench.driver.live)) == (1, 1)


@on_loop
async def test_a_version_that_is_not_prepared_yet_is_waited_for() -> None:
    bench = FleetBench()
    hello = Provisioned(bench)
    hello.live = replace(VERSION_1, state="Pending")
    await hello.provisioning.start()
    hello.put(1)
    await asyncio.sleep(0.01)
    assert (hello.state, bench.driver.sandboxes) == ("IN_PROGRESS 0", [])
    hello.move(VERSION_1)
    await until(lambda: hello.state == "READY 1")


@on_loop
async def test_nothing_is_left_when_the_function_is_gone() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 1)
    await until(lambda: hello.state == "READY 1")
    hello.count = 0
    hello.move(None)
    await until(lambda: not bench.driver.live)


@on_loop
async def test_a_restart_starts_them_again() -> None:
    bench = FleetBench()
    hello = Provisioned(bench)
    hello.count = 2
    await hello.provisioning.start()
    await until(lambda: hello.state == "READY 2")


@on_loop
async def test_they_wait_for_memory_too_and_idle_ones_go_for_them() -> None:
    bench = FleetBench(spare_mb=lambda: 100.0 * (1 - len(bench.driver.live)))
    await bench.invoke(function=a_function(name="other"))
    hello = await provisioned(bench, 1)
    await bench.pass_time(lambda: hello.state == "READY 1")
    assert [environment.function.name for environment in bench.fleet.environments] == ["hello"]


@on_loop
async def test_shutdown_starts_no_replacements() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 1)
    await until(lambda: hello.state == "READY 1")
    await hello.provisioning.close()
    await bench.fleet.close()
    bench.clock.advance(FAILURE_RETRY_S)
    assert (bench.driver.live, len(bench.driver.sandboxes)) == ([], 1)


@on_loop
async def test_what_is_held_ready_is_charged_in_steps_of_five_minutes_from_when_it_was_asked_for() -> None:
    bench = FleetBench()
    hello = await provisioned(bench, 0)
    asked_at = hello.modified = bench.clock.time() - 400
    hello.put(3)
    await until(lambda: hello.charges)
    assert {(step.seconds, step.count) for step in hello.charges} == {(STEP_S, 3)}
    # Each look at the configuration charges the step that runs: it is one, however often.
    assert {step.at for step in hello.charges} == {asked_at + STEP_S}
    bench.clock.advance(199)
    assert {step.at for step in hello.charges} == {asked_at + STEP_S}
    bench.clock.advance(STEP_S)
    assert {step.at for step in hello.charges} == {asked_at + STEP_S, asked_at + 2 * STEP_S}
    hello.put(0)
    await until(lambda: not bench.driver.live)
    hello.charges.clear()
    bench.clock.advance(1000)
    assert not hello.charges


@on_loop
async def test_a_look_that_fails_is_told_and_repeated() -> None:
    bench, told = FleetBench(), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["message"]))
    hello, configs_of = Provisioned(bench), Provisioned.configs_of

    async def away(_self: Provisioned, _function: FunctionId) -> list[ProvisionedConfig]:
        raise OSError("the store is away")

    Provisioned.configs_of = away  # type: ignore[method-assign]
    try:
        await hello.provisioning.start()
        hello.put(1)
        await until(lambda: told == ["failed to provision hello"])
    finally:
        Provisioned.configs_of = configs_of  # type: ignore[method-assign]
    bench.clock.advance(LOOK_AGAIN_S)
    await until(lambda: hello.state == "READY 1")
