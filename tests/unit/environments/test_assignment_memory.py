"""What callers notice of a machine whose memory is full, and of provisioned environments."""

import asyncio
from typing import Any

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop, until
from fakes.registry import a_function
from fakes.sandbox import FakeProcess, echo
from stoker.environments.environment import MAX_AGE_S, PROVISIONED_INIT_LIMIT_S, Environment, EnvironmentEndedError
from stoker.environments.waiting import LOOK_EVERY_S, WAIT_LIMIT_S
from stoker.model.errors import InvalidParameterValueException, TooManyRequestsException

OTHER = a_function(name="other")


class Owner:
    """Remembers what became of its environments."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def ready(self, environment: Environment) -> None:
        self.heard.append("ready")

    def gone(self, environment: Environment) -> None:
        self.heard.append("init failed" if environment.init_failed else "gone")


class SmallMachine(FleetBench):
    """Has memory for so many environments."""

    def __init__(self, places: int, *scripts: Any, ahead: int = 0) -> None:
        self.places = places
        # What was made ahead of need, each in a place of its own.
        self.ahead = ahead
        super().__init__(*scripts, shed=self._shed, spare_mb=lambda: 100.0 * self._spare)

    @property
    def _spare(self) -> int:
        return self.places - self.ahead - len(self.driver.live)

    def _shed(self) -> bool:
        self.ahead -= (had := self.ahead > 0)
        return had


async def answers_when_told(process: FakeProcess) -> None:
    await process.next()
    while True:
        meta, body = await process.event()
        await process.__dict__.setdefault("go", asyncio.Event()).wait()
        await process.respond(meta["id"], body)


def let_answer(bench: FleetBench, number: int = 0) -> None:
    bench.driver.sandboxes[number].process.__dict__.setdefault("go", asyncio.Event()).set()


@on_loop
async def test_what_was_made_ahead_goes_before_anything_that_is_idle() -> None:
    bench = SmallMachine(2, ahead=1)
    await bench.invoke(function=OTHER)
    answer = bench.invoke(b"1")
    await bench.pass_time(until=answer.done)
    assert (bench.ahead, len(bench.fleet.environments)) == (0, 2)


@on_loop
async def test_an_idle_neighbour_goes_and_the_caller_gets_its_room() -> None:
    bench = SmallMachine(1)
    await bench.invoke(function=OTHER)
    assert (await bench.invoke(b"1")).payload == b"1"
    assert [environment.function.name for environment in bench.fleet.environments] == ["hello"]


@on_loop
async def test_no_more_neighbours_go_than_needed() -> None:
    bench = SmallMachine(3)
    await asyncio.gather(*(bench.invoke(function=OTHER) for _ in range(3)))
    await bench.invoke()
    assert len(bench.fleet.environments) == 3


@on_loop
async def test_a_caller_waits_until_what_runs_has_finished() -> None:
    bench = SmallMachine(1, answers_when_told, echo)
    running, waits = bench.invoke(function=OTHER), bench.invoke(b"2")
    await bench.started()
    await asyncio.sleep(0.01)
    assert not waits.done()
    let_answer(bench)
    assert (await waits).payload == b"2"
    assert (await running).function_error is None


@on_loop
async def test_a_caller_that_waits_gets_a_warm_environment_of_its_function_as_soon_as_one_is_free() -> None:
    bench = SmallMachine(1, answers_when_told)
    first, second = bench.invoke(b"1"), bench.invoke(b"2")
    await bench.started()
    let_answer(bench)
    assert [(await first).payload, (await second).payload] == [b"1", b"2"]
    assert len(bench.driver.sandboxes) == 1


@on_loop
async def test_whoever_waits_in_vain_is_throttled_after_a_while() -> None:
    bench = SmallMachine(1, answers_when_told)
    bench.invoke(function=OTHER)
    waits = bench.invoke()
    await bench.started()
    await bench.pass_time(waits.done, step_s=WAIT_LIMIT_S / 4)
    with pytest.raises(TooManyRequestsException) as throttled:
        await waits
    assert throttled.value.members["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert "waiting" not in repr(bench.fleet)


@on_loop
async def test_memory_that_comes_free_by_itself_is_noticed() -> None:
    bench = SmallMachine(1, answers_when_told, echo)
    bench.invoke(function=OTHER)
    waits = bench.invoke()
    await bench.started()
    bench.places = 2
    await bench.pass_time(waits.done)
    assert (await waits).function_error is None


@on_loop
async def test_a_caller_that_goes_away_while_it_waits_starts_nothing() -> None:
    bench = SmallMachine(1, answers_when_told, echo)
    running, waits = bench.invoke(function=OTHER), bench.invoke()
    waits.cancel()
    let_answer(bench, number=0) if bench.driver.sandboxes else await bench.started()
    let_answer(bench)
    await running
    bench.clock.advance(1.0)
    await asyncio.sleep(0.01)
    assert len(bench.driver.sandboxes) == 1


@on_loop
async def test_shutdown_does_not_forget_those_who_wait() -> None:
    bench = SmallMachine(1, answers_when_told)
    bench.invoke(function=OTHER)
    waits = bench.invoke()
    await until(lambda: "running" in repr(bench.fleet.environments))
    await bench.shut_down()
    assert isinstance(waits.exception(), TooManyRequestsException)


@on_loop
async def test_a_function_whose_runtime_is_missing_takes_no_slot() -> None:
    bench = FleetBench(concurrency=1)
    with pytest.raises(InvalidParameterValueException):
        bench.invoke(function=a_function(runtime="python2.7"))
    assert (await bench.invoke(b"1")).payload == b"1"


@on_loop
async def test_a_provisioned_environment_is_initialised_before_anybody_calls() -> None:
    bench, owner = FleetBench(), Owner()
    bench.fleet.provision(a_function(), owner)
    await until(lambda: owner.heard)
    assert bench.sandbox.spec.environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    await bench.invoke(b"1")
    assert len(bench.driver.sandboxes) == 1
    assert "Init Duration" not in bench.telemetry.lines[-1]
    await bench.invoke(function=OTHER)
    assert bench.sandbox.spec.environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"


@on_loop
async def test_keep_warm_does_not_end_a_provisioned_environment_but_its_age_does() -> None:
    bench, owner = FleetBench(keep_warm_s=1.0), Owner()
    bench.fleet.provision(a_function(), owner)
    await until(lambda: owner.heard)
    bench.clock.advance(MAX_AGE_S / 2)
    assert owner.heard == ["ready"]
    bench.clock.advance(MAX_AGE_S / 2)
    assert owner.heard == ["ready", "gone"]


@on_loop
async def test_a_provisioned_init_may_take_130_seconds_and_is_not_tried_again() -> None:
    async def hangs(process: FakeProcess) -> None:
        process.print("still importing\n")

    bench, owner = FleetBench(hangs), Owner()
    bench.fleet.provision(a_function(timeout_s=3), owner)
    await until(lambda: "still importing\n" in bench.telemetry.lines)
    bench.clock.advance(PROVISIONED_INIT_LIMIT_S - 1)
    assert owner.heard == []
    bench.clock.advance(1)
    await until(lambda: owner.heard)
    assert owner.heard == ["init failed"]
    await until(lambda: not bench.driver.live)
    assert len(bench.driver.sandboxes) == 1


@on_loop
async def test_dismissing_lets_what_runs_finish() -> None:
    bench, owner = FleetBench(answers_when_told), Owner()
    environment = bench.fleet.provision(a_function(), owner)
    await until(lambda: owner.heard)
    answer = bench.invoke(b"1")
    assert environment is not None
    bench.fleet.dismiss(environment)
    await asyncio.sleep(0.01)
    let_answer(bench)
    assert (await answer).payload == b"1"
    assert owner.heard == ["ready", "gone"]
    bench.fleet.dismiss(environment)


@on_loop
async def test_shutdown_during_a_provisioned_init_leaves_nothing_and_waits_for_nobody() -> None:
    async def hangs(process: FakeProcess) -> None:
        await asyncio.Event().wait()

    bench, owner = FleetBench(hangs), Owner()
    bench.fleet.provision(a_function(), owner)
    await until(lambda: "init" in repr(bench.fleet.environments))
    await bench.fleet.close()
    assert (bench.driver.live, owner.heard) == ([], ["gone"])


@on_loop
async def test_a_sandbox_that_cannot_be_built_for_a_provisioned_environment_is_told_to_the_operator() -> None:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    bench, owner = FleetBench(), Owner()
    bench.driver.error = OSError("no more loop devices")
    bench.fleet.provision(a_function(), owner)
    await until(lambda: complaints)
    assert owner.heard == ["gone"]
    assert not isinstance(bench.driver.error, EnvironmentEndedError)


@on_loop
async def test_a_measurement_that_fails_once_leaves_nobody_waiting_for_ever() -> None:
    bench = SmallMachine(0)
    answer = bench.invoke(b"1")
    await asyncio.sleep(0)
    bench.places = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        bench.clock.advance(LOOK_EVERY_S)
    bench.places = 1
    await bench.pass_time(until=answer.done)
    assert (await answer).payload == b"1"
