"""The trace header and the loops that it shows."""

import re

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop
from stoker.invocations import trace
from stoker.invocations.invoker import Invoker
from stoker.model.errors import RecursiveInvocationException
from stoker.model.invocation import InvokeRequest

A, B = "arn:aws:lambda:us-east-1:000000000000:function:a", "arn:aws:lambda:us-east-1:000000000000:function:b"


def test_a_chain_without_a_header_gets_one_of_its_own() -> None:
    header = trace.begin(None, 1_700_000_000.9)
    assert re.fullmatch(r"Root=1-6553f100-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", header)
    assert trace.begin(None, 0.0) != trace.begin("nonsense", 0.0)


def test_a_callers_header_is_kept() -> None:
    assert trace.begin("Root=1-2-3;Sampled=1", 0.0) == "Root=1-2-3;Sampled=1"
    step = trace.step("Root=1-2-3;Lineage=00000000:5;Sampled=1", A)
    assert re.fullmatch(r"Root=1-2-3;Sampled=1;Lineage=00000000:5\|[0-9a-f]{8}:0", step.header)


def test_a_function_that_comes_again_is_counted_and_others_are_not() -> None:
    header, loops = "Root=1", []
    for arn in (A, B, A, B, B, A):
        step = trace.step(header, arn)
        header = step.header
        loops.append(step.loops)
    assert loops == [0, 0, 1, 1, 2, 2]


def test_the_same_step_twice_counts_once() -> None:
    assert trace.step("Root=1", A) == trace.step("Root=1", A)


def test_a_lineage_that_somebody_made_up_neither_breaks_nor_grows_the_header() -> None:
    assert trace.step("Root=1;Lineage=|x:y:z;;", A).loops == 0
    made_up = "|".join(f"{number:08x}:1" for number in range(1000))
    assert trace.step(f"Root=1;Lineage={made_up}", A).header.count(":") == trace.MAX_LINEAGE


class Recursion:
    def __init__(self, allows: bool) -> None:
        self.allows = allows

    async def allowed(self, function: object) -> bool:
        return self.allows


async def run_in_a_loop(times: int, *, allowed: bool) -> None:
    bench = FleetBench()
    bench.registry.recursion = Recursion(allowed)  # type: ignore[attr-defined]
    invoker = Invoker(
        registry=bench.registry,  # type: ignore[arg-type]
        fleet=bench.fleet,
        clock=bench.clock,
    )
    header = "Root=1"
    for _ in range(times):
        request = InvokeRequest(region="us-east-1", function="hello", qualifier=None, payload=b"1", trace_id=header)
        await invoker.invoke(request)
        header = trace.step(header, bench.registry.functions["hello"].unqualified_arn).header


@on_loop
async def test_a_loop_is_stopped_after_16_runs() -> None:
    await run_in_a_loop(16, allowed=False)
    with pytest.raises(RecursiveInvocationException):
        await run_in_a_loop(17, allowed=False)


@on_loop
async def test_a_loop_that_is_allowed_goes_on() -> None:
    await run_in_a_loop(20, allowed=True)
