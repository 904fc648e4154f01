"""The json protocol in CBOR (`application/x-amz-cbor-1.1`), which Java's SDKs speak with Kinesis unless told not to.

It is in no model: names and headers are those of the json protocol, bytes are bytes, and moments are whole milliseconds
with the tag for such, where the standard has seconds. Source: the CBOR protocol factories of AWS's SDKs for Java.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import cbor2
from botocore.model import Shape

from stoker.wire import cbor_rpc, json_values
from stoker.wire.errors import SerializationException
from stoker.wire.json_rpc import Codec

CONTENT_TYPE = "application/x-amz-cbor-1.1"


class _Writers(cbor_rpc.CborWriters):
    def value(self, shape: Shape) -> json_values.Writer | None:
        return _write_moment if shape.type_name == "timestamp" else super().value(shape)


def _decode(body: bytes) -> dict[str, Any]:
    document = cbor_rpc.decode(body) if body else {}
    if not isinstance(document, dict):
        raise ValueError("Unexpected value type in payload")
    return document


def _read_moment(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SerializationException("Expected milliseconds since the epoch")
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise SerializationException(f"There is no such moment: {value}") from error


def _write_moment(moment: Any) -> cbor2.CBORTag:
    seconds = moment.timestamp() if hasattr(moment, "timestamp") else moment
    return cbor2.CBORTag(cbor_rpc.TIMESTAMP_TAG, round(seconds * 1000))


CBOR = Codec(
    content_type=CONTENT_TYPE,
    event_content_type=CONTENT_TYPE,
    readers=partial(json_values.JsonReaders, {"blob": cbor_rpc.read_blob, "timestamp": _read_moment}),
    writers=_Writers,
    decode=_decode,
    encode=cbor2.dumps,
)
