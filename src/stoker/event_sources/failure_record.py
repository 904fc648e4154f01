"""What a failure destination is told of a stream's batch that was given up. Pure.

Source: "Retain records of discarded batches" in the Lambda Developer Guide.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from stoker.event_sources import batching
from stoker.event_sources.mapping import Mapping
from stoker.event_sources.shards import StreamRecord
from stoker.model.invocation import InvocationResult


def failure_record(
    mapping: Mapping,
    shard_id: str,
    records: Sequence[StreamRecord],
    *,
    condition: str,
    attempts: int,
    result: InvocationResult | None,
    batch_info: str,
    now: float,
) -> bytes:
    """The record; a bucket gets the batch itself too."""
    request_id = result.request_id if result is not None else ""
    # DynamoDB tells whole seconds.
    precision = "seconds" if batch_info == "DDBStreamBatchInfo" else "milliseconds"
    document: dict[str, object] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": mapping.function_arn,
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "responseContext": None
        if result is None
        else {
            "statusCode": 200,
            "executedVersion": result.executed_version,
            "functionError": result.function_error,
        },
        "version": "1.0",
        "timestamp": _moment(now, "milliseconds"),
        batch_info: {
            "shardId": shard_id,
            "startSequenceNumber": records[0].record.id,
            "endSequenceNumber": records[-1].record.id,
            "approximateArrivalOfFirstRecord": _moment(records[0].arrived_at, precision),
            "approximateArrivalOfLastRecord": _moment(records[-1].arrived_at, precision),
            "batchSize": len(records),
            "streamArn": mapping.source_arn,
        },
    }
    if (mapping.options.on_failure or "").startswith("arn:aws:s3:"):
        document["payload"] = json.loads(batching.event_of([each.record for each in records]))
    return json.dumps(document, separators=(",", ":")).encode()


def _moment(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
