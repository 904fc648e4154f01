"""Streams of changes: which there are, and reading their records.

A stream has one shard, which is open as long as the stream is on: its records are in one order, that of the commits.
Records are kept for 24 hours, also those of a stream that is off and of a table that is gone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.items.table import Key, StreamSetting, Table, table_arn
from stoker.store.tables_items import item_streams, stream_records

RETENTION_S = 86_400.0
# Sequence numbers are told with this added, which gives them AWS's length and lets them sort as texts.
_FIRST_SEQUENCE = 10**20
_PAGE_BYTES = 1024 * 1024
FETCHED_ROWS = 100

_streams = item_streams.c
_records = stream_records.c
_decode = msgspec.msgpack.Decoder().decode


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream. `closed` is when it was switched off; `last` is the number of its newest record, 0 for none."""

    id: int
    region: str
    table: str
    label: str
    view_type: str
    key: Key
    created: float
    closed: float | None
    last: int

    def arn(self, account: str) -> str:
        return stream_arn(self.region, account, self.table, self.label)

    @property
    def shard_id(self) -> str:
        """`shardId-` with the time it was opened and a number, as AWS calls them."""
        return f"shardId-{int(self.created * 1000):020d}-{self.id:08x}"


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """One change. `content` is the record as GetRecords answers it, in wire words with bytes."""

    sequence: int
    created: float
    content: Mapping[str, Any]


def stream_arn(region: str, account: str, table: str, label: str) -> str:
    """The ARN of a table's stream."""
    return f"{table_arn(region, account, table)}/stream/{label}"


def told_sequence(sequence: int) -> str:
    """A sequence number as callers see it."""
    return str(_FIRST_SEQUENCE + sequence)


def parse_sequence(text: str) -> int | None:
    """What `told_sequence` told, None for what it cannot have told."""
    if not (text.isascii() and text.isdigit()) or int(text) < _FIRST_SEQUENCE:
        return None
    return int(text) - _FIRST_SEQUENCE


def open_stream(conn: Connection, table: Table, view_type: str, *, now: float) -> StreamSetting:
    """A new stream of a table. Its label is the time, made unlike those that the table had before."""
    taken = set(
        conn.scalars(
            sa.select(_streams.label).where(_streams.region == table.region, _streams.table_name == table.name)
        )
    )
    label = _label(now)
    while label in taken:
        now += 0.001
        label = _label(now)
    values = {
        "region": table.region,
        "table_name": table.name,
        "label": label,
        "view_type": view_type,
        "hash_key": table.key.hash,
        "range_key": table.key.range,
        "created_at": now,
        "last_sequence": 0,
    }
    key = conn.execute(sa.insert(item_streams).values(**values)).inserted_primary_key
    assert key is not None
    return StreamSetting(id=key[0], label=label, view_type=view_type)


def close_stream(conn: Connection, setting: StreamSetting, *, now: float) -> None:
    """Nothing is added any more; what is there can be read."""
    conn.execute(sa.update(item_streams).where(_streams.id == setting.id).values(closed_at=now))


def find(conn: Connection, region: str, table: str, label: str, *, now: float) -> Stream | None:
    """The stream, unless it was closed too long ago."""
    query = sa.select(item_streams).where(
        _streams.region == region, _streams.table_name == table, _streams.label == label, _is_kept(now)
    )
    row = conn.execute(query).first()
    return None if row is None else _stream(row)


def page(conn: Connection, region: str, table: str | None, after: int, limit: int, *, now: float) -> list[Stream]:
    """Streams in the order in which they were made, of one table or all."""
    query = sa.select(item_streams).where(_streams.region == region, _streams.id > after, _is_kept(now))
    if table is not None:
        query = query.where(_streams.table_name == table)
    return [_stream(row) for row in conn.execute(query.order_by(_streams.id).limit(limit))]


def oldest(conn: Connection, stream: Stream, *, now: float) -> int:
    """The number of the oldest record that can be read, or of the next one to come."""
    query = sa.select(sa.func.min(_records.sequence)).where(_is_readable(stream, now))
    first: int | None = conn.scalar(query)
    return stream.last + 1 if first is None else first


def first_since(conn: Connection, stream: Stream, since: float, *, now: float) -> int:
    """The number of the first record from a time on, or of the next one to come."""
    query = sa.select(sa.func.min(_records.sequence)).where(_is_readable(stream, now), _records.created_at >= since)
    first: int | None = conn.scalar(query)
    return stream.last + 1 if first is None else first


def records(
    conn: Connection, stream: Stream, start: int, limit: int, *, now: float
) -> tuple[Sequence[ChangeRecord], int]:
    """Records from number `start` on, as many as fit into an answer; and the number to go on with."""
    query = (
        sa.select(_records.sequence, _records.created_at, _records.document)
        .where(_is_readable(stream, now), _records.sequence >= start)
        .order_by(_records.sequence)
        .limit(limit)
    )
    found: list[ChangeRecord] = []
    size = 0
    with conn.execute(query, execution_options={"yield_per": FETCHED_ROWS}) as rows:
        for row in rows:
            size += len(row.document)
            if found and size > _PAGE_BYTES:
                break
            found.append(ChangeRecord(sequence=row.sequence, created=row.created_at, content=_content(stream, row)))
    return found, found[-1].sequence + 1 if found else start


def trim(conn: Connection, *, now: float, limit: int) -> int:
    """Forget records that are too old, some at a time, then streams that have nothing left; how many went."""
    old = sa.select(_records.stream_id, _records.sequence).where(_records.created_at <= now - RETENTION_S)
    keys = conn.execute(old.order_by(_records.created_at).limit(limit)).all()
    for stream_id, sequence in keys:
        conn.execute(sa.delete(stream_records).where(_records.stream_id == stream_id, _records.sequence == sequence))
    if not keys:
        conn.execute(sa.delete(item_streams).where(_streams.closed_at <= now - RETENTION_S))
    return len(keys)


def _label(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")


def _is_kept(now: float) -> sa.ColumnElement[bool]:
    return _streams.closed_at.is_(None) | (_streams.closed_at > now - RETENTION_S)


def _is_readable(stream: Stream, now: float) -> sa.ColumnElement[bool]:
    return (_records.stream_id == stream.id) & (_records.created_at > now - RETENTION_S)


def _stream(row: Row[Any]) -> Stream:
    return Stream(
        id=row.id,
        region=row.region,
        table=row.table_name,
        label=row.label,
        view_type=row.view_type,
        key=Key(hash=row.hash_key, range=row.range_key),
        created=row.created_at,
        closed=row.closed_at,
        last=row.last_sequence,
    )


def _content(stream: Stream, row: Any) -> Mapping[str, Any]:
    stored = _decode(row.document)
    name = f"{stream.region}/{stream.table}/{stream.label}/{row.sequence}"
    return {
        "eventID": hashlib.blake2b(name.encode(), digest_size=16).hexdigest(),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": stream.region,
        **stored,
        "dynamodb": {**stored["dynamodb"], "SequenceNumber": told_sequence(row.sequence)},
    }
