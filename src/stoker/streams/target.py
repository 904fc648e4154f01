"""Deliveries from other services: a stream as their target."""

from stoker.deliveries.delivery import Delivery
from stoker.streams.records import Records, new_record


class StreamTarget:
    """Takes deliveries to streams, by their ARN. The group of a delivery, or else its source, is its partition key."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def deliver(self, delivery: Delivery) -> None:
        """Durable when this returns. Raises what PutRecord answers."""
        region, name = delivery.target.split(":")[3], delivery.target.rpartition("/")[2]
        key = delivery.group_id or delivery.deduplication_id or delivery.source_arn
        await self._records.put(region, name, [new_record(delivery.body, key[:256], None)])
