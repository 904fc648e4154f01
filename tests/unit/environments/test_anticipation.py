"""What was just deployed is about to be invoked."""

import asyncio
from dataclasses import replace

from fakes.registry import RUNTIMES, FakeRegistry, a_function
from fakes.sandbox import FakeDriver
from stoker.environments.anticipation import Anticipation
from stoker.model.function import FunctionVersion, LayerReference

LAYER = LayerReference(arn="arn:aws:lambda:x:0:layer:l:1", code_sha256="0" * 64, code_size=1)


def driver_after(change: str, function: FunctionVersion | None = None) -> FakeDriver:
    """A driver that was asked to prepare after a function of this name changed."""
    driver = FakeDriver()

    async def driver_for(function: FunctionVersion) -> FakeDriver:
        return driver

    async def scenario() -> None:
        registry = FakeRegistry(function or a_function())
        anticipation = Anticipation(registry=registry, runtimes=RUNTIMES, driver_for=driver_for)  # type: ignore[arg-type]
        registry.tell("us-east-1", change)
        await anticipation.close()

    asyncio.run(scenario())
    return driver


def test_a_deployed_function_s_runtime_is_started_before_it_is_invoked() -> None:
    assert driver_after("hello").prepared == ["python3.11"]


def test_a_deleted_function_needs_nothing() -> None:
    assert driver_after("gone").prepared == []


def test_how_its_program_will_be_started_is_known_but_for_what_layers_may_bring() -> None:
    node = a_function(runtime="nodejs20.x", memory_mb=256, environment={"MINE": "1"})
    program = driver_after("hello", node).program
    assert program is not None
    assert (program.memory_mb, program.environment["MINE"], program.environment["TZ"]) == (256, "1", ":UTC")
    assert driver_after("hello", replace(node, layers=(LAYER,))).program is None
