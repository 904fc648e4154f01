"""The outbox, on both engines."""

import asyncio

import pytest
import sqlalchemy as sa

from fakes.loop import on_loop, until
from fakes.outbox import DEAD_LETTERS, QUEUE, a_delivery, outbox_bench
from stoker.deliveries.delivery import DeadLetter, Retry
from stoker.deliveries.leased_work import AHEAD, LEASE_S
from stoker.deliveries.outbox import OUTSIDE_AT_ONCE
from stoker.deliveries.outbox_rows import MAX_CLAIM_BYTES
from stoker.model.errors import AccessDeniedException, ResourceNotFoundException, TooManyRequestsException


@on_loop
async def test_what_was_put_arrives_as_it_was(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        given = a_delivery(b"\x00\xff", attributes={"a": "b"}, role_arn="r", trace_id="Root=1", deduplication_id="d")
        await bench.put(given)
        await bench.emptied()
        assert bench.inbox.taken == [given]


@on_loop
async def test_a_transaction_that_is_undone_delivers_nothing(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:

        def work(conn: sa.Connection) -> None:
            bench.outbox.put(conn, a_delivery(), now=bench.clock.time())
            raise ResourceNotFoundException

        with pytest.raises(ResourceNotFoundException):
            await bench.store.write(work)
        bench.outbox.wake()
        await bench.put(a_delivery(b"2"))
        await bench.emptied()
        assert bench.inbox.bodies == [b"2"]


@on_loop
async def test_a_burst_beyond_what_is_held_ahead_arrives_whole_once_and_a_bounded_number_at_a_time(
    store_url: str,
) -> None:
    async with outbox_bench(store_url) as bench:
        bodies = [b"%d" % number for number in range(3 * AHEAD)]
        await bench.put(*(a_delivery(body) for body in bodies))
        await bench.emptied()
        assert sorted(bench.inbox.bodies) == sorted(bodies)
        assert bench.inbox.most_running <= 128


@on_loop
async def test_a_group_keeps_its_order_though_its_first_fails_and_others_go_on(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        failing = {b"a0"}
        bench.inbox.script = lambda it: TooManyRequestsException() if it.body in failing else None
        for number in range(4):
            await bench.put(a_delivery(b"a%d" % number, group_id="a"), a_delivery(b"b%d" % number, group_id="b"))
        await until(lambda: len(bench.inbox.taken) == 4)
        assert bench.inbox.bodies == [b"b0", b"b1", b"b2", b"b3"]
        failing.clear()
        bench.clock.advance(1)
        await bench.emptied()
        assert bench.inbox.bodies[4:] == [b"a0", b"a1", b"a2", b"a3"]


@on_loop
async def test_a_group_goes_on_when_its_first_was_given_up(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: AccessDeniedException() if it.body == b"1" else None
        await bench.put(*(a_delivery(b"%d" % number, group_id="g") for number in range(3)))
        await bench.emptied()
        assert bench.inbox.bodies == [b"0", b"2"]


@on_loop
async def test_a_group_to_one_target_does_not_wait_for_its_messages_to_another(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: TooManyRequestsException() if it.target == QUEUE else None
        await bench.put(a_delivery(b"1", group_id="g"), a_delivery(b"2", group_id="g", target=DEAD_LETTERS))
        await until(lambda: bench.inbox.bodies == [b"2"])


@on_loop
async def test_endpoints_that_do_not_answer_keep_nothing_else_waiting(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.go.clear()
        outside = "http://example.com/"
        await bench.put(*(a_delivery(target=outside) for _ in range(2 * AHEAD)))
        await until(lambda: bench.inbox.running == OUTSIDE_AT_ONCE)
        await bench.put(a_delivery(b"inside"))
        await until(lambda: bench.inbox.running == OUTSIDE_AT_ONCE + 1)
        bench.inbox.script = lambda it: AccessDeniedException() if it.target == outside else None
        bench.inbox.go.set()
        await bench.emptied()
        assert bench.inbox.bodies == [b"inside"]


@on_loop
async def test_what_outside_refuses_reaches_its_dead_letter_queue(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: None if it.target == DEAD_LETTERS else AccessDeniedException()
        await bench.put(a_delivery(target="http://example.com/"), dead_letter=DEAD_LETTERS)
        await bench.emptied()
        assert [it.target for it in bench.inbox.taken] == [DEAD_LETTERS]


@on_loop
async def test_what_fails_for_a_while_is_tried_again_at_its_time_and_not_before(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: TooManyRequestsException()
        await bench.put(a_delivery(), retry=Retry(delays_s=(20.0, 40.0)))
        await bench.waiting(failures=1, due_at=bench.clock.time() + 20)
        bench.clock.advance(19)
        await asyncio.sleep(0.02)
        assert len(bench.inbox.tried) == 1
        bench.clock.advance(1)
        await bench.waiting(failures=2, due_at=bench.clock.time() + 40)
        bench.inbox.script = lambda it: None
        bench.clock.advance(40)
        await bench.emptied()
        assert len(bench.inbox.taken) == 1


@on_loop
async def test_what_keeps_failing_becomes_a_dead_letter_that_says_why(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: TooManyRequestsException("Slow down.") if it.target == QUEUE else None
        letter = DeadLetter(queue=DEAD_LETTERS, attributes={"RULE_ARN": "rule"}, body=b"the event")
        await bench.put(a_delivery(b"1"), retry=Retry(max_retries=1, delays_s=(5.0,)), dead_letter=letter)
        await bench.waiting(failures=1)
        bench.clock.advance(5)
        await bench.emptied()
        (dead,) = bench.inbox.taken
        assert (dead.target, dead.body) == (DEAD_LETTERS, b"the event")
        assert dead.attributes == {
            "RULE_ARN": "rule",
            "TARGET_ARN": QUEUE,
            "ERROR_CODE": "THROTTLING",
            "ERROR_MESSAGE": "Slow down.",
            "RETRY_ATTEMPTS": "1",
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        }


@on_loop
async def test_what_nobody_may_or_can_take_is_a_dead_letter_at_once(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        await bench.put(a_delivery(target="arn:aws:kms:us-east-1:000000000000:key/k"), dead_letter=DEAD_LETTERS)
        await bench.emptied()
        (dead,) = bench.inbox.taken
        assert dead.attributes["ERROR_CODE"] == "NOT_IMPLEMENTED"
        assert "EXHAUSTED_RETRY_CONDITION" not in dead.attributes


@on_loop
async def test_what_grows_too_old_is_given_up(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: TooManyRequestsException() if it.target == QUEUE else None
        retry = Retry(max_age_s=60.0, delays_s=(50.0,))
        await bench.put(a_delivery(), retry=retry, dead_letter=DEAD_LETTERS)
        await bench.waiting(failures=1)
        bench.clock.advance(50)
        await bench.emptied()
        (dead,) = bench.inbox.taken
        assert dead.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"


@on_loop
async def test_what_is_dropped_is_told_to_the_operator(store_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: AccessDeniedException("Not you.")
        await bench.put(a_delivery())
        await bench.emptied()
        assert "Not you." in caplog.text


@on_loop
async def test_a_fault_of_ours_is_tried_again(store_url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: RuntimeError("broken")
        await bench.put(a_delivery())
        await bench.waiting(failures=1)
        assert "broken" in caplog.text


@on_loop
async def test_after_a_crash_what_was_on_its_way_is_delivered_in_order_and_what_arrived_is_not(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        await bench.put(a_delivery(b"done"))
        await bench.emptied()
        bench.inbox.go.clear()
        await bench.put(*(a_delivery(b"%d" % number, group_id="g") for number in range(3)))
        await until(lambda: bench.inbox.tried[-1].body == b"0")
        await bench.crash()
        bench.new()
        await bench.outbox.start()
        await bench.emptied()
        assert bench.inbox.bodies == [b"0", b"1", b"2"]


@on_loop
async def test_another_stoker_on_the_same_store_leaves_what_is_leased_and_takes_it_over_when_that_ends(
    store_url: str,
) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.go.clear()
        await bench.put(a_delivery())
        await until(lambda: bench.inbox.tried)
        await bench.crash()
        bench.new(owner="there")
        await bench.outbox.start()
        await asyncio.sleep(0.05)
        assert bench.inbox.tried == []
        bench.clock.advance(LEASE_S)
        await bench.emptied()
        assert bench.inbox.bodies == [b"1"]


@on_loop
async def test_large_bodies_are_picked_up_a_few_at_a_time(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.go.clear()
        body = bytes(MAX_CLAIM_BYTES // 4)
        await bench.put(*(a_delivery(body) for _ in range(6)))
        await until(lambda: len(bench.inbox.tried) == 4)
        held = [row.owner for row in await bench.rows()]
        assert held.count("here") <= 2 * 4
        bench.inbox.go.set()
        await bench.emptied()
        assert len(bench.inbox.taken) == 6


@on_loop
async def test_nothing_is_written_while_nothing_is_due(store_url: str) -> None:
    async with outbox_bench(store_url) as bench:
        bench.inbox.script = lambda it: TooManyRequestsException()
        await bench.put(a_delivery(), retry=Retry(delays_s=(3600.0,)))
        await bench.waiting(failures=1)
        writes = []
        write = bench.store.write
        bench.store.write = lambda work: writes.append(work) or write(work)  # type: ignore[assignment, method-assign, func-returns-value]
        bench.clock.advance(3599)
        await asyncio.sleep(0.02)
        # What another machine's Stoker left in a shared database is looked for once in a while.
        assert len(writes) == 2 * bench.store.is_shared


def test_waits_double_to_ten_minutes_and_are_spread() -> None:
    retry = Retry()
    assert [retry.delay_s(failures, 1.0) for failures in (1, 2, 3, 10, 11, 500)] == [1, 2, 4, 512, 600, 600]
    assert retry.delay_s(3, 0.0) == 2
