"""Every invocation's way in."""

import asyncio
import uuid

import pytest

from fakes.fleet import FleetBench
from fakes.loop import on_loop
from fakes.registry import a_function
from fakes.sandbox import FakeProcess
from stoker.invocations import trace
from stoker.invocations.invoker import Invoker
from stoker.invocations.request_id import RequestIds
from stoker.model.errors import RequestTooLargeException, ResourceNotFoundException
from stoker.model.invocation import InvocationResult, InvokeRequest


def an_invoker(bench: FleetBench) -> Invoker:
    return Invoker(registry=bench.registry, fleet=bench.fleet, clock=bench.clock)  # type: ignore[arg-type]


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


def a_reply() -> "asyncio.Future[InvocationResult]":
    return asyncio.get_running_loop().create_future()


@on_loop
async def test_the_short_way_takes_what_is_idle_and_answers_alike() -> None:
    bench = FleetBench()
    invoker, reply = an_invoker(bench), a_reply()
    await invoker.invoke(a_request())
    assert invoker.begin(a_request(payload=b'"short"', trace_id="Root=1"), reply)
    assert (await reply).payload == b'"short"'
    assert [entry.report.trace_id for entry in bench.telemetry.ledger][1].startswith("Root=1;Lineage=")  # type: ignore[union-attr]
    assert len(bench.fleet.environments) == 1


@on_loop
async def test_the_short_way_begins_nothing_where_there_is_more_to_it() -> None:
    bench = FleetBench(concurrency=1)
    invoker = an_invoker(bench)
    assert not invoker.begin(a_request(function="absent"), a_reply())
    assert not invoker.begin(a_request(), a_reply())
    assert bench.fleet.environments == []
    await invoker.invoke(a_request())
    digest = trace.step("", a_function().unqualified_arn).header.partition("Lineage=")[2].partition(":")[0]
    assert not invoker.begin(a_request(trace_id=f"Root=1;Lineage={digest}:{trace.MAX_LOOPS - 1}"), a_reply())
    assert not invoker.begin(a_request(payload=b"x" * 6_291_457), a_reply())
    bench.reservations.put(("us-east-1", "hello"), 0)
    assert not invoker.begin(a_request(), a_reply())
    bench.reservations.put(("us-east-1", "hello"), None)
    # None of these has taken the one slot that there is.
    assert (await invoker.invoke(a_request())).payload == b"1"


def test_request_ids_are_random_uuids_and_do_not_repeat() -> None:
    ids = RequestIds()
    made = [ids.new() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(str(uuid.UUID(each)) == each for each in made)
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in made} == {(4, uuid.RFC_4122)}
