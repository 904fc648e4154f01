"""A bucket as a target: records of Lambda's become objects.

Source: "Capturing records of Lambda asynchronous invocations" and "Retain discarded records" of each stream source, in
the AWS Lambda Developer Guide.
"""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from stoker.deliveries.delivery import Delivery
from stoker.objects import checksums
from stoker.objects.buckets import Buckets
from stoker.objects.intake import Expectations
from stoker.objects.objects import NewObject, Objects
from stoker.objects.version import Actor, Attributes
from stoker.wire.payload import IncomingBody, UnsignedPayload

_BATCHES = ("KinesisBatchInfo", "DDBStreamBatchInfo")


class RecordTarget:
    """Takes deliveries to buckets, by their ARN."""

    def __init__(self, buckets: Buckets, objects: Objects) -> None:
        self._buckets = buckets
        self._objects = objects

    async def deliver(self, delivery: Delivery) -> None:
        """An object when this returns, the same one if it was delivered before. Raises NoSuchBucket."""
        bucket = self._buckets.require(delivery.target.rpartition(":")[2])
        new = NewObject(
            bucket=bucket,
            key=record_key(delivery),
            attributes=Attributes(headers={"ContentType": "application/json"}),
            actor=Actor(
                principal_id=delivery.caller,
                source_ip=delivery.caller,
                request_id=str(uuid.uuid4()),
                trace_id=delivery.trace_id,
            ),
        )
        body = IncomingBody(_once(delivery.body), UnsignedPayload(), len(delivery.body))
        await self._objects.put(new, body, Expectations(wanted=frozenset({checksums.DEFAULT})))


def record_key(delivery: Delivery) -> str:
    """`aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>`, or with a mapping and its shard in front.

    The uuid is made of the record, so that a delivery that is made again after a crash is no second object.
    """
    record = json.loads(delivery.body)
    moment = datetime.fromisoformat(record["timestamp"]).astimezone(UTC)
    name = uuid.uuid5(uuid.NAMESPACE_URL, delivery.source_arn + delivery.body.decode(errors="replace"))
    return f"aws/lambda/{_place(delivery, record)}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{name}"


def _place(delivery: Delivery, record: dict[str, Any]) -> str:
    kind, _, named = delivery.source_arn.split(":", 5)[5].partition(":")
    if kind == "event-source-mapping":
        shard = next((record[each]["shardId"] for each in _BATCHES if each in record), None)
        return named if shard is None else f"{named}/{shard}"
    return f"async/{named.partition(':')[0]}"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
