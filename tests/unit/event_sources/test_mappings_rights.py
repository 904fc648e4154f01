"""A mapping reads as long as its function's role may, and hands on nothing after that."""

import asyncio
from collections.abc import Sequence

import pytest

from stoker.event_sources.poller import Record
from stoker.event_sources.reading_rights import GuardedPoller, GuardedShards, ReadingRights
from stoker.event_sources.shards import Page, Shard, StreamRecord
from stoker.model.errors import AccessDeniedException

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s"
RECORD = Record(id="1", event=b"{}", view={})


class Source:
    """A queue and a stream of one record; while it is waited for, the role loses its rights if it is to."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self) -> None:
        self.allowed = True
        self.revoke = False
        self.given = 0

    def rights(self, arn: str) -> ReadingRights:
        async def role() -> str:
            return "arn:aws:iam::000000000000:role/r"

        async def role_may(role_arn: str, action: str, resource: str) -> bool:
            assert resource == arn
            return self.allowed

        return ReadingRights(arn, find_role=role, role_may=role_may)

    async def receive(self, most: int, wait_s: float | None) -> Sequence[Record]:
        self.given += 1
        self.allowed = self.allowed and not self.revoke
        return [RECORD]

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        (record,) = await self.receive(most, wait_s)
        return Page(records=[StreamRecord(record=record, key="k", arrived_at=0.0, position="1")], position="1")

    async def nothing(self, *_given: object) -> None: ...

    settle = close = shards = changed = start = nothing


@pytest.fixture(params=["queue", "stream"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def take(source: Source, kind: str) -> object:
    if kind == "queue":
        return asyncio.run(GuardedPoller(source, source.rights(QUEUE)).receive(1, None))
    stream = GuardedShards(source, source.rights(STREAM))  # type: ignore[arg-type]
    return asyncio.run(stream.read(Shard(id="s"), "0", 1, None)).records


def test_what_the_role_may_read_comes(kind: str) -> None:
    assert take(Source(), kind)


def test_a_role_that_may_not_takes_nothing(kind: str) -> None:
    source = Source()
    source.allowed = False
    with pytest.raises(AccessDeniedException, match="does not have permissions to call"):
        take(source, kind)
    assert source.given == 0


def test_what_came_after_the_role_had_lost_its_rights_goes_to_nobody(kind: str) -> None:
    source = Source()
    source.revoke = True
    with pytest.raises(AccessDeniedException):
        take(source, kind)
    assert source.given == 1


def test_a_source_that_is_none_of_aws_s_is_nobody_s_role_s() -> None:
    source = Source()
    source.allowed = False
    assert asyncio.run(GuardedPoller(source, source.rights("arn:stoker:folder:::inbox")).receive(1, None)) == [RECORD]
