"""Those that wait: who comes together shares a claim, and who goes away takes nothing along."""

import asyncio
from collections.abc import Sequence

import pytest
from test_queues_engine import ACCOUNT, make, message, run

from fakes.clock import FakeClock
from stoker.model.principal import Principal
from stoker.queues.claims import Want
from stoker.queues.message import Received
from stoker.queues.queues import Queues
from stoker.queues.receivers import Receivers
from stoker.services.sqs.addresses import Addresses
from stoker.services.sqs.messages import MessageOperations
from stoker.wire.message import Call

ONE = Want(most=1, visibility_s=30)


def test_those_whose_requests_are_read_one_after_another_share_a_claim() -> None:
    claims: list[int] = []

    async def claim(wants: Sequence[Want]) -> tuple[Sequence[Sequence[Received]], float | None]:
        claims.append(len(wants))
        return [[] for _ in wants], None

    async def come(receivers: Receivers, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await receivers.receive(ONE, 0)

    async def scenario() -> None:
        receivers = Receivers(FakeClock(), claim, lambda messages: None)
        await asyncio.gather(*(come(receivers, turns) for turns in range(5)))

    asyncio.run(scenario())
    assert claims == [5]


@pytest.mark.parametrize("name", ["q", "q.fifo"])
def test_who_goes_away_in_the_moment_of_being_handed_a_message_leaves_it_to_the_next(store_url: str, name: str) -> None:
    async def scene(queues: Queues, clock: FakeClock) -> None:
        queue = await make(queues, name)
        operations = MessageOperations(queues, Addresses(queues.catalogue, "http://here"))
        waiting = asyncio.create_task(operations.receive_message(_long_poll(name, queues)))
        await queues.send(queue, message("kept", group="g" if queue.settings.fifo else None))
        assert await waiting == {"Messages": None}
        (received,) = await queues.receive(queue, wait_s=None)
        assert (received.content.body, received.receive_count) == ("kept", 1)

    run(store_url, scene)


def _long_poll(name: str, queues: Queues) -> Call:
    """Of a client that has gone once something was claimed for it."""

    async def until_gone() -> None:
        while not queues.tally(queues.catalogue.find("us-east-1", name)).in_flight(FakeClock().time()):  # noqa: ASYNC110
            await asyncio.sleep(0)

    return Call(
        service="sqs",
        operation="ReceiveMessage",
        params={"QueueUrl": f"http://here/{ACCOUNT}/{name}", "WaitTimeSeconds": 20},
        region="us-east-1",
        account=ACCOUNT,
        principal=Principal(account=ACCOUNT, arn="arn:aws:iam::000000000000:root", user_id=ACCOUNT, access_key="AKIA"),
        request_id="r",
        source_ip="127.0.0.1",
        until_gone=until_gone,
    )
