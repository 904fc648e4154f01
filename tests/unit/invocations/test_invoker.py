"""Every invocation's way in."""

import uuid

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop
from fakes.sandbox import FakeProcess
from stoker.invocations.invoker import Invoker
from stoker.invocations.request_id import RequestIds
from stoker.model.errors import AccessDeniedException, RequestTooLargeException, ResourceNotFoundException
from stoker.model.invocation import InvokeRequest, Target


def an_invoker(bench: FleetBench, *, forbid: str = "") -> Invoker:
    def authorise(request: InvokeRequest, target: Target) -> None:
        if target.function.name == forbid:
            raise AccessDeniedException("not yours")

    return Invoker(registry=bench.registry, fleet=bench.fleet, authorise=authorise, clock=bench.clock)  # type: ignore[arg-type]


def a_request(**members: object) -> InvokeRequest:
    return InvokeRequest(**{"region": "us-east-1", "function": "hello", "qualifier": None, "payload": b"1", **members})  # type: ignore[arg-type]


@on_loop
async def test_a_request_runs_and_its_id_is_a_uuid_that_the_bill_knows() -> None:
    bench = FleetBench()
    result = await an_invoker(bench).invoke(a_request(payload=b'{"a": 1}'))
    assert result.payload == b'{"a": 1}'
    assert uuid.UUID(result.request_id).version == 4
    assert bench.telemetry.ledger[0].request_id == result.request_id


@on_loop
async def test_what_the_caller_sends_along_reaches_the_function() -> None:
    async def shows(process: FakeProcess) -> None:
        await process.next()
        meta, _ = await process.event()
        seen.append(meta)
        await process.respond(meta["id"], b"1")

    seen: list[dict[str, object]] = []
    result = await an_invoker(FleetBench(shows)).invoke(
        a_request(client_context='{"a": 1}', trace_id="Root=1;Sampled=1", log_tail=True)
    )
    assert seen[0]["client_context"] == '{"a": 1}'
    assert str(seen[0]["trace_id"]).startswith("Root=1;Sampled=1;Lineage=")
    assert seen[0]["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:hello"
    assert result.log_tail is not None


@on_loop
async def test_a_function_that_is_not_there_is_not_found() -> None:
    with pytest.raises(ResourceNotFoundException):
        await an_invoker(FleetBench()).invoke(a_request(function="absent"))


@on_loop
async def test_who_may_not_invoke_starts_nothing() -> None:
    bench = FleetBench()
    with pytest.raises(AccessDeniedException):
        await an_invoker(bench, forbid="hello").invoke(a_request())
    assert bench.fleet.environments == []


@on_loop
async def test_a_payload_over_the_limit_is_refused_before_it_runs() -> None:
    bench = FleetBench()
    await an_invoker(bench).check(a_request(payload=b"x" * 6_291_456))
    with pytest.raises(RequestTooLargeException, match="Request must be smaller than 6291456 bytes"):
        await an_invoker(bench).invoke(a_request(payload=b"x" * 6_291_457))


@on_loop
async def test_a_dry_run_checks_and_runs_nothing() -> None:
    bench = FleetBench()
    target = await an_invoker(bench).check(a_request())
    assert target.function.name == "hello"
    assert bench.fleet.environments == []


def test_request_ids_are_random_uuids_and_do_not_repeat() -> None:
    ids = RequestIds()
    made = [ids.new() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(str(uuid.UUID(each)) == each for each in made)
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in made} == {(4, uuid.RFC_4122)}
