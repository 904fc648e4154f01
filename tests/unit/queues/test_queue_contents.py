"""What messages carry, sealed in the database where their queue says so, on both engines."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from fakes.clock import FakeClock
from fakes.loop import on_loop, until
from stoker.queues.contents import Contents, ContentSealBrokenError
from stoker.queues.errors import InvalidAttributeValue
from stoker.queues.message import Content, Outgoing
from stoker.queues.move_tasks import RETRY_S, MoveTasks
from stoker.queues.queue import Queue
from stoker.queues.queues import Queues
from stoker.store.store import Store, open_store
from stoker.store.tables_queues import queue_contents

KEY, OTHER_KEY = b"c" * 32, b"d" * 32
SEALED = "SqsManagedSseEnabled"
SECRET = "a word that nobody else shall read"


@contextlib.asynccontextmanager
async def opened(url: str, key: bytes = KEY) -> AsyncIterator[tuple[Queues, Store]]:
    store = await asyncio.to_thread(open_store, url)
    queues = Queues(account="000000000000", store=store, clock=FakeClock(), key=b"k" * 32, contents=Contents(key))
    await queues.start()
    try:
        yield queues, store
    finally:
        await queues.close()
        await store.close()


async def make(queues: Queues, name: str, **attributes: str) -> Queue:
    return await queues.catalogue.create("us-east-1", name, attributes, {})


async def send(queues: Queues, queue: Queue) -> None:
    await queues.send(queue, Outgoing(body=SECRET, sender_id="me"))


async def readable(store: Store) -> list[bool]:
    """Of each message whether its body can be read in the database."""
    rows = await store.read(lambda conn: conn.execute(sa.select(queue_contents.c.content)).scalars().all())
    return [SECRET.encode() in row for row in rows]


@on_loop
async def test_what_a_sealed_queue_has_cannot_be_read_in_the_database(store_url: str) -> None:
    async with opened(store_url) as (queues, store):
        sealed = await make(queues, "sealed", **{SEALED: "true"})
        await send(queues, sealed)
        assert await readable(store) == [False]
        await send(queues, await make(queues, "open"))
        assert sorted(await readable(store)) == [False, True]
    async with opened(store_url) as (queues, _store):
        (message,) = await queues.receive(queues.catalogue.find("us-east-1", "sealed"))
        assert message.content.body == SECRET


@on_loop
async def test_what_was_there_stays_as_it_was_when_the_attribute_changes(store_url: str) -> None:
    async with opened(store_url) as (queues, store):
        queue = await make(queues, "q")
        for value in ("true", "false"):
            await send(queues, queue)
            await queues.set_attributes(queue, {SEALED: value})
            queue = queues.catalogue.find("us-east-1", "q")
            await send(queues, queue)
        assert sorted(await readable(store)) == [False, False, True, True]
        bodies = [each.content.body for each in await queues.receive(queue, most=10)]
        assert bodies == [SECRET] * 4
        with pytest.raises(InvalidAttributeValue):
            await queues.set_attributes(queue, {SEALED: "yes"})


@on_loop
async def test_a_message_that_is_moved_stays_sealed(store_url: str) -> None:
    async with opened(store_url) as (queues, store):
        grave = await make(queues, "grave")
        redrive = json.dumps({"deadLetterTargetArn": grave.arn, "maxReceiveCount": 1})
        source = await make(queues, "source", RedrivePolicy=redrive, VisibilityTimeout="0", **{SEALED: "true"})
        await send(queues, source)
        assert await queues.receive(source)
        assert not await queues.receive(source)
        tasks = MoveTasks(queues=queues, store=store, clock=FakeClock())
        await tasks.begin(grave.arn, None, None)
        await until(lambda: queues.tally(source).total == 1)
        assert await readable(store) == [False]
        (message,) = await queues.receive(source)
        assert message.content.body == SECRET
        await tasks.close()


def test_another_key_or_a_changed_byte_opens_nothing() -> None:
    content = Content("1", SECRET, "", "me", {}, None, None, None, None)
    packed = Contents(KEY).pack(content, sealed=True)
    assert Contents(KEY).unpack(packed) == content
    with pytest.raises(ContentSealBrokenError, match="another platform key"):
        Contents(OTHER_KEY).unpack(packed)
    with pytest.raises(ContentSealBrokenError):
        Contents(KEY).unpack(packed[:-1] + bytes([packed[-1] ^ 1]))
    assert Contents(KEY).pack(content, sealed=True) != packed


@on_loop
async def test_a_move_goes_on_when_the_disk_has_room_again(
    store_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(store_url) as (queues, store):
        grave = await make(queues, "grave")
        redrive = json.dumps({"deadLetterTargetArn": grave.arn, "maxReceiveCount": 1})
        source = await make(queues, "source", RedrivePolicy=redrive)
        await send(queues, grave)
        clock = FakeClock()
        tasks = MoveTasks(queues=queues, store=store, clock=clock)

        def full(*_: object) -> None:
            raise OSError("no space left on the disk")

        with monkeypatch.context() as disk:
            disk.setattr(tasks, "_move", full)
            await tasks.begin(grave.arn, source.arn, None)
            await until(lambda: "trying again" in caplog.text)
        clock.advance(RETRY_S)
        await until(lambda: queues.tally(source).total == 1)
        await tasks.close()
