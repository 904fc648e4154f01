"""Where Lambda's records are in a bucket."""

import json
import re
from typing import Any

from stoker.deliveries.delivery import Delivery
from stoker.objects.record_target import record_key

LAMBDA = "arn:aws:lambda:us-east-1:000000000000"
NAME = r"2026/01/31/2026-01-31T23\.59\.58-[0-9a-f-]{36}"


def delivery(source_arn: str, **record: Any) -> Delivery:
    body = {"timestamp": "2026-01-31T23:59:58.123Z", **record}
    return Delivery(
        target="arn:aws:s3:::bucket",
        body=json.dumps(body).encode(),
        caller="lambda.amazonaws.com",
        source_arn=source_arn,
        region="us-east-1",
        account="000000000000",
    )


def test_an_event_that_failed_is_found_by_its_function_and_day() -> None:
    one, other = delivery(f"{LAMBDA}:function:f", id=1), delivery(f"{LAMBDA}:function:f", id=2)
    assert re.fullmatch(f"aws/lambda/async/f/{NAME}", record_key(one))
    # What is delivered again after a crash is the same object again.
    assert record_key(one) == record_key(one) != record_key(other)


def test_a_batch_that_failed_is_found_by_its_mapping_and_shard() -> None:
    mapping = f"{LAMBDA}:event-source-mapping:uuid-1"
    of_stream = delivery(mapping, DDBStreamBatchInfo={"shardId": "shard-1"})
    assert re.fullmatch(f"aws/lambda/uuid-1/shard-1/{NAME}", record_key(of_stream))
    assert re.fullmatch(f"aws/lambda/uuid-1/{NAME}", record_key(delivery(mapping)))
