"""What was just deployed is about to be invoked."""

import asyncio

from fakes.registry import RUNTIMES, FakeRegistry
from fakes.sandbox import FakeDriver
from stoker.environments.anticipation import Anticipation
from stoker.model.function import FunctionVersion


def prepared_after(change: str) -> list[str]:
    """What a driver was asked to prepare for after a function of this name changed."""
    driver = FakeDriver()

    async def driver_for(function: FunctionVersion) -> FakeDriver:
        return driver

    async def scenario() -> None:
        registry = FakeRegistry()
        anticipation = Anticipation(registry=registry, runtimes=RUNTIMES, driver_for=driver_for)  # type: ignore[arg-type]
        registry.tell("us-east-1", change)
        await anticipation.close()

    asyncio.run(scenario())
    return driver.prepared


def test_a_deployed_function_s_runtime_is_started_before_it_is_invoked() -> None:
    assert prepared_after("hello") == ["python3.11"]


def test_a_deleted_function_needs_nothing() -> None:
    assert prepared_after("gone") == []
