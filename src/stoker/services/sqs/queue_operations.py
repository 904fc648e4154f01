"""Queues: making, listing, attributes, tags, permissions and purging."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.queues import attributes as rules
from stoker.queues import permissions
from stoker.queues.errors import InvalidAttributeName, InvalidParameterValue, QueueDoesNotExist
from stoker.queues.queue import Queue
from stoker.queues.queues import Queues
from stoker.services.sqs.addresses import Addresses
from stoker.wire.message import Call

Members = Mapping[str, Any]
PAGE_ITEMS = 1_000
_NOTHING: Members = {}


class QueueOperations:
    """The operations on queues."""

    def __init__(self, queues: Queues, addresses: Addresses) -> None:
        self._queues = queues
        self._addresses = addresses

    async def create_queue(self, call: Call) -> Members:
        params = call.params
        queue = await self._queues.catalogue.create(
            call.region, params["QueueName"], params.get("Attributes", {}), params.get("tags", {})
        )
        if queue.settings.sealed:
            await self._queues.contents.prepare()
        return {"QueueUrl": self._addresses.url(queue)}

    async def delete_queue(self, call: Call) -> Members:
        await self._queues.delete_queue(self._addresses.queue(call))
        return _NOTHING

    async def get_queue_url(self, call: Call) -> Members:
        if call.params.get("QueueOwnerAWSAccountId", call.account) != call.account:
            raise QueueDoesNotExist
        return {"QueueUrl": self._addresses.url(self._queues.catalogue.find(call.region, call.params["QueueName"]))}

    async def list_queues(self, call: Call) -> Members:
        prefix, limit = call.params.get("QueueNamePrefix", ""), _limit(call)
        found = self._queues.catalogue.listed(call.region, prefix, _after(call), limit + 1)
        # Without MaxResults there is no second page, which older clients would not ask for.
        urls, token = self._page(found, limit, paged="MaxResults" in call.params)
        return {"QueueUrls": urls or None, "NextToken": token}

    async def list_dead_letter_source_queues(self, call: Call) -> Members:
        limit, after = _limit(call), _after(call)
        sources = self._queues.catalogue.sources_of(self._addresses.queue(call))
        found = [source for source in sources if source.name > after]
        urls, token = self._page(found, limit, paged="MaxResults" in call.params)
        return {"queueUrls": urls, "NextToken": token}

    def _page(self, found: Sequence[Queue], limit: int, *, paged: bool) -> tuple[list[str], str | None]:
        urls = [self._addresses.url(queue) for queue in found[:limit]]
        more = paged and len(found) > limit
        return urls, base64.b64encode(found[limit - 1].name.encode()).decode("ascii") if more else None

    async def get_queue_attributes(self, call: Call) -> Members:
        names = call.params.get("AttributeNames", [])
        for name in names:
            if name != "All" and name not in rules.ALL:
                raise InvalidAttributeName(f"Unknown Attribute {name}.")
        queue = self._addresses.queue(call)
        shown = self._described(queue) if names else {}
        chosen = shown if "All" in names else {name: shown[name] for name in names if name in shown}
        return {"Attributes": chosen or None}

    def _described(self, queue: Queue) -> dict[str, str]:
        tally, now = self._queues.tally(queue), self._queues.now()
        counts = zip(rules.COUNTS, (tally.visible(now), tally.in_flight(now), tally.delayed(now)), strict=True)
        return {
            "QueueArn": queue.arn,
            **{name: str(count) for name, count in counts},
            "CreatedTimestamp": str(int(queue.created)),
            "LastModifiedTimestamp": str(int(queue.modified)),
            **rules.described(queue.attributes),
        }

    async def set_queue_attributes(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        await self._queues.set_attributes(queue, call.params["Attributes"])
        return _NOTHING

    async def purge_queue(self, call: Call) -> Members:
        await self._queues.purge(self._addresses.queue(call))
        return _NOTHING

    async def tag_queue(self, call: Call) -> Members:
        queue = self._addresses.queue(call)
        await self._queues.catalogue.set_tags(queue, {**queue.tags, **call.params["Tags"]})
        return _NOTHING

    async def untag_queue(self, call: Call) -> Members:
        queue, gone = self._addresses.queue(call), set(call.params["TagKeys"])
        await self._queues.catalogue.set_tags(queue, {k: v for k, v in queue.tags.items() if k not in gone})
        return _NOTHING

    async def list_queue_tags(self, call: Call) -> Members:
        return {"Tags": dict(self._addresses.queue(call).tags) or None}

    async def add_permission(self, call: Call) -> Members:
        queue, params = self._addresses.queue(call), call.params
        await self._queues.catalogue.change_policy(
            queue,
            lambda policy: permissions.add(
                policy, queue.arn, params["Label"], params["AWSAccountIds"], params["Actions"]
            ),
        )
        return _NOTHING

    async def remove_permission(self, call: Call) -> Members:
        queue, label = self._addresses.queue(call), call.params["Label"]
        await self._queues.catalogue.change_policy(queue, lambda policy: permissions.remove(policy, label))
        return _NOTHING


def _limit(call: Call) -> int:
    limit: int = call.params.get("MaxResults", PAGE_ITEMS)
    if not 1 <= limit <= PAGE_ITEMS:
        raise InvalidParameterValue.of("MaxResults", limit, f"MaxResults must be an integer between 1 and {PAGE_ITEMS}")
    return limit


def _after(call: Call) -> str:
    token = call.params.get("NextToken")
    if not token:
        return ""
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidParameterValue("Invalid or expired next token.") from None
