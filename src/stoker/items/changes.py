"""Changes of items, as a stream keeps them: written in the transaction that makes the change."""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.items.attribute_value import Item, item_size
from stoker.items.table import StreamSetting, Table
from stoker.store.tables_items import item_streams, stream_records

# Who deletes an item whose time to live has ended. Source: "DynamoDB Streams and Time to Live".
TTL_IDENTITY = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
_NEXT = (
    sa.update(item_streams)
    .where(item_streams.c.id == sa.bindparam("stream"))
    .values(last_sequence=item_streams.c.last_sequence + 1)
    .returning(item_streams.c.last_sequence)
)
_INSERT = sa.insert(stream_records)
_encode = msgspec.msgpack.Encoder().encode


def note_change(
    conn: Connection, table: Table, old: Item | None, new: Item | None, *, now: float, expired: bool = False
) -> None:
    """Add the change to the table's stream, if it has one and something changed."""
    stream = table.live_stream
    if stream is None or old == new:
        return
    # The counter's row serialises writers, so that records are committed in the order of their numbers.
    sequence = conn.scalar(_NEXT, {"stream": stream.id})
    record = _record(table, stream, old, new, now)
    if expired:
        record["userIdentity"] = TTL_IDENTITY
    values = {"stream_id": stream.id, "sequence": sequence, "created_at": now, "document": _encode(record)}
    conn.execute(_INSERT, values)


def _record(table: Table, stream: StreamSetting, old: Item | None, new: Item | None, now: float) -> dict[str, Any]:
    image = new if new is not None else old
    assert image is not None
    images: dict[str, Mapping[str, Any]] = {"Keys": {name: image[name] for name in table.key.names}}
    if new is not None and stream.view_type in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
        images["NewImage"] = new
    if old is not None and stream.view_type in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        images["OldImage"] = old
    return {
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "dynamodb": {
            # Whole seconds, as AWS writes them.
            "ApproximateCreationDateTime": int(now),
            **images,
            "SizeBytes": sum(map(item_size, images.values())),
            "StreamViewType": stream.view_type,
        },
    }
