"""A mapping reads as its function's role: as long as that may, and not a record longer.

The role is asked before records are taken and again when they have come, since days may lie between the two. Those that
it may not have any more go to nobody: a queue gives them out again, a stream keeps them where they are.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from stoker.event_sources.poller import Poller, Record
from stoker.event_sources.shards import Page, Retains, Shard, Shards
from stoker.model.errors import AccessDeniedException

RoleMay = Callable[[str, str, str], Awaitable[bool]]
"""Takes a role's ARN, an IAM action and a resource's ARN."""
FindRole = Callable[[], Awaitable[str]]

# By the service of the source's ARN. Other sources are none of AWS's, and no role reads them.
_ACTIONS: Mapping[str, Sequence[str]] = {
    "dynamodb": ("dynamodb:GetRecords",),
    "kinesis": ("kinesis:GetRecords",),
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage"),
}
# A consumer of a Kinesis stream has its records pushed to it.
_OF_CONSUMERS = ("kinesis:SubscribeToShard",)


class ReadingRights:
    """What one mapping's role has to be allowed to read its source. `find_role` tells which role that is now."""

    def __init__(self, source_arn: str, *, find_role: FindRole, role_may: RoleMay) -> None:
        self._source_arn = source_arn
        self._find_role = find_role
        self._role_may = role_may
        self._actions = _ACTIONS.get(source_arn.split(":")[2], ()) if source_arn.startswith("arn:") else ()
        if ":stream/" in source_arn and "/consumer/" in source_arn:
            self._actions = _OF_CONSUMERS

    def __repr__(self) -> str:
        return f"<ReadingRights {self._source_arn}>"

    async def check(self) -> None:
        """Raises AccessDeniedException."""
        if not self._actions:
            return
        role = await self._find_role()
        for action in self._actions:
            if not await self._role_may(role, action, self._source_arn):
                raise AccessDeniedException(
                    f"The provided execution role does not have permissions to call {action} on {self._source_arn}"
                )


class GuardedPoller:
    """A poller that reads as long as its mapping's role may."""

    def __init__(self, poller: Poller, rights: ReadingRights) -> None:
        self._poller = poller
        self._rights = rights
        self.settle = poller.settle
        self.close = poller.close

    def __repr__(self) -> str:
        return f"<GuardedPoller {self._poller!r}>"

    async def receive(self, most: int, wait_s: float | None) -> Sequence[Record]:
        await self._rights.check()
        records = await self._poller.receive(most, wait_s)
        if records:
            await self._rights.check()
        return records


class GuardedShards:
    """A stream that is read as long as its mapping's role may."""

    def __init__(self, stream: Shards, rights: ReadingRights) -> None:
        self._stream = stream
        self._rights = rights
        self.batch_info = stream.batch_info
        self.shards = stream.shards
        self.start = stream.start
        self.changed = stream.changed
        self.close = stream.close
        if isinstance(stream, Retains):
            self.done = stream.done

    def __repr__(self) -> str:
        return f"<GuardedShards {self._stream!r}>"

    async def read(self, shard: Shard, position: str, most: int, wait_s: float | None) -> Page:
        await self._rights.check()
        page = await self._stream.read(shard, position, most, wait_s)
        if page.records:
            await self._rights.check()
        return page
