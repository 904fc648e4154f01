"""Deliveries from other services: a stream as their target."""

import hashlib

from stoker.deliveries.delivery import Delivery
from stoker.streams.records import Records, new_record


class StreamTarget:
    """Takes deliveries to streams, by their ARN. Those without a group are spread over the shards by what they say."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def deliver(self, delivery: Delivery) -> None:
        """Durable when this returns. Raises what PutRecord answers."""
        region, name = delivery.target.split(":")[3], delivery.target.rpartition("/")[2]
        key = delivery.group_id or hashlib.blake2b(delivery.body, digest_size=16).hexdigest()
        await self._records.put(region, name, [new_record(delivery.body, key, None)])
