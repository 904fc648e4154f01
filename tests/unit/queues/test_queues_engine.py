"""The engine on both databases, with a clock that stands still."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fakes.clock import FakeClock
from stoker.queues.contents import Contents
from stoker.queues.errors import QueueError
from stoker.queues.message import Outgoing
from stoker.queues.queue import Queue
from stoker.queues.queues import Queues
from stoker.store.store import open_store

ACCOUNT = "000000000000"


@contextlib.asynccontextmanager
async def opened(url: str, clock: FakeClock) -> AsyncIterator[Queues]:
    store = await asyncio.to_thread(open_store, url)
    queues = Queues(account=ACCOUNT, store=store, clock=clock, key=b"k" * 32, contents=Contents(b"c" * 32))
    await queues.start()
    try:
        yield queues
    finally:
        await queues.close()
        await store.close()


def run(url: str, scene: Callable[[Queues, FakeClock], Awaitable[None]]) -> None:
    async def play() -> None:
        clock = FakeClock()
        async with opened(url, clock) as queues:
            await scene(queues, clock)

    asyncio.run(play())


async def make(queues: Queues, name: str = "q", **attributes: str) -> Queue:
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    return await queues.catalogue.create("us-east-1", name, {**fifo, **attributes}, {})


def message(body: str, group: str | None = None) -> Outgoing:
    return Outgoing(body=body, sender_id="me", group_id=group, deduplication_id=None if group is None else body)


async def take(queues: Queues, queue: Queue, most: int = 10) -> list[str]:
    return [each.content.body for each in await queues.receive(queue, most=most)]


def test_numbers_follow_messages_and_survive_a_restart(store_url: str) -> None:
    async def play() -> None:
        clock = FakeClock()
        async with opened(store_url, clock) as queues:
            queue = await make(queues)
            for n in range(5):
                await queues.send(queue, message(str(n)))
            await queues.send(queue, Outgoing(body="late", sender_id="me", delay_s=100))
            await take(queues, queue, 2)
        for seconds, expected in ((0.0, (3, 2, 1)), (31.0, (5, 0, 1)), (100.0, (6, 0, 0))):
            clock.advance(seconds)
            async with opened(store_url, clock) as queues:
                tally = queues.tally(queues.catalogue.find("us-east-1", "q"))
                now = clock.time()
                assert (tally.visible(now), tally.in_flight(now), tally.delayed(now)) == expected

    asyncio.run(play())


def test_a_waiting_receiver_is_woken_when_a_visibility_timeout_ends(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, VisibilityTimeout="30")
        await queues.send(queue, message("again"))
        assert await take(queues, queue) == ["again"]
        waiting = asyncio.create_task(queues.receive(queue, wait_s=None))
        clock.advance(29.0)
        await asyncio.sleep(0.02)
        assert not waiting.done()
        clock.advance(1.0)
        assert [each.receive_count for each in await waiting] == [2]

    run(store_url, scene)


def test_messages_of_a_receiver_that_has_gone_are_the_next_ones(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues)
        gone = asyncio.create_task(queues.receive(queue, wait_s=None))
        await asyncio.sleep(0)
        gone.cancel()
        sending = asyncio.create_task(queues.send(queue, message("kept")))
        (received,) = await queues.receive(queue, wait_s=None)
        await sending
        assert received.content.body == "kept"

    run(store_url, scene)


def test_a_message_that_is_too_old_is_gone(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, MessageRetentionPeriod="60")
        await queues.send(queue, message("old"))
        clock.advance(30)
        await queues.send(queue, message("young"))
        clock.advance(31)
        assert await take(queues, queue) == ["young"]
        assert queues.tally(queue).total == 1

    run(store_url, scene)


def test_a_group_waits_for_what_is_in_flight_of_it_whatever_is_shown_again(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, "q.fifo")
        for n in range(4):
            await queues.send(queue, message(str(n), "g"))
        first, second = await queues.receive(queue, most=2)
        await queues.change_visibility(queue, first.receipt_handle, 0)
        assert await take(queues, queue) == []
        await queues.delete(queue, second.receipt_handle)
        assert await take(queues, queue) == ["0", "2", "3"]
        clock.advance(31)
        assert await take(queues, queue) == ["0", "2", "3"]

    run(store_url, scene)


def test_an_expired_receipt_does_not_delete_from_a_fifo_queue(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, "q.fifo")
        await queues.send(queue, message("x", "g"))
        (received,) = await queues.receive(queue)
        clock.advance(31)
        with pytest.raises(QueueError, match="receipt handle has expired"):
            await queues.delete(queue, received.receipt_handle)
        assert await take(queues, queue) == ["x"]

    run(store_url, scene)


def test_a_message_may_be_sent_again_after_the_deduplication_interval(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, "q.fifo")
        for seconds in (0, 299, 2):
            clock.advance(seconds)
            await queues.send(queue, message("same", "g"))
        assert await take(queues, queue) == ["same", "same"]

    run(store_url, scene)


def test_a_purged_and_a_deleted_queue_leave_no_rows_behind(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, "q.fifo")
        await queues.send(queue, message("x", "g"))
        await queues.purge(queue)
        assert await take(queues, queues.catalogue.find("us-east-1", "q.fifo")) == []
        with pytest.raises(QueueError):
            await queues.purge(queues.catalogue.find("us-east-1", "q.fifo"))
        await queues.send(queue, message("y", "g"))
        await queues.delete_queue(queues.catalogue.find("us-east-1", "q.fifo"))
        with pytest.raises(QueueError):
            await queues.send(queue, message("z", "g"))

    run(store_url, scene)


def test_a_visibility_timeout_ends_twelve_hours_after_the_receive(store_url: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, VisibilityTimeout="43200")
        await queues.send(queue, message("x"))
        (received,) = await queues.receive(queue)
        clock.advance(3600)
        with pytest.raises(QueueError, match="beyond the limit"):
            await queues.change_visibility(queue, received.receipt_handle, 43_200)
        await queues.change_visibility(queue, received.receipt_handle, 36_000)

    run(store_url, scene)


@pytest.mark.parametrize("name", ["q", "q.fifo"])
def test_a_queue_that_is_its_own_dead_letter_queue_neither_spins_nor_loses_anything(store_url: str, name: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        target = {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}", "maxReceiveCount": 1}
        queue = await make(queues, name, RedrivePolicy=json.dumps(target), VisibilityTimeout="30")
        group = "g" if name.endswith(".fifo") else None
        for body in ("first", "second"):
            await queues.send(queue, message(body, group))
        for _ in range(4):
            # Given up and put to its own end, each comes again as one that was never received here.
            taken = await queues.receive(queue, most=10, wait_s=20)
            assert sorted(each.content.body for each in taken) == ["first", "second"]
            assert await take(queues, queue) == []
            clock.advance(31)
        assert queues.tally(queue).total == 2

    run(store_url, scene)
