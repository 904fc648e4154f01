"""Rows of records: put in a shard's order, read from a number on, and trimmed when they are too old."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.store.tables_streams import kinesis_records, kinesis_shards
from stoker.streams.stream import Shard, Stream

# What one answer of GetRecords has at most.
PAGE_BYTES = 10 * 1024 * 1024
FETCHED_ROWS = 100
_records = kinesis_records.c
_shards = kinesis_shards.c
_SHARD = (_shards.stream_id == sa.bindparam("k_stream")) & (_shards.number == sa.bindparam("k_shard"))
_COUNT = (
    sa.update(kinesis_shards)
    .where(_SHARD)
    .values(last_sequence=_shards.last_sequence + sa.bindparam("count"))
    .returning(_shards.last_sequence)
)
_LAST = sa.select(_shards.last_sequence).where(_SHARD)
_INSERT = sa.insert(kinesis_records)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecord:
    """A record that is to be put. `key` is its hash key."""

    data: bytes
    partition_key: str
    key: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRecord:
    """A record. `created` is in seconds since the epoch."""

    sequence: int
    created: float
    partition_key: str
    data: bytes


def append(conn: Connection, stream: Stream, shard: Shard, new: Sequence[NewRecord], *, now: float) -> int:
    """Put records at the end of a shard; the first one's number."""
    # The counter's row serialises writers, so that records are committed in the order of their numbers.
    last = conn.scalar(_COUNT, {"k_stream": stream.id, "k_shard": shard.number, "count": len(new)})
    assert last is not None
    first: int = last - len(new) + 1
    rows: list[dict[str, Any]] = [
        {
            "stream_id": stream.id,
            "shard": shard.number,
            "sequence": sequence,
            "created_at": now,
            "partition_key": each.partition_key,
            "data": each.data,
        }
        for sequence, each in enumerate(new, first)
    ]
    conn.execute(_INSERT, rows)
    return first


def last_sequence(conn: Connection, stream: Stream, number: int) -> int:
    """The number of a shard's last record, 0 for none."""
    return conn.scalar(_LAST, {"k_stream": stream.id, "k_shard": number}) or 0


def first_since(conn: Connection, stream: Stream, shard: Shard, since: float) -> int:
    """The number of the first record from a time on that can be read, or of the next one to come."""
    query = (
        sa.select(_records.sequence)
        .where(_records.stream_id == stream.id, _records.shard == shard.number, _records.created_at >= since)
        .order_by(_records.created_at, _records.sequence)
        .limit(1)
    )
    first: int | None = conn.scalar(query)
    return last_sequence(conn, stream, shard.number) + 1 if first is None else first


def read(
    conn: Connection, stream: Stream, shard: Shard, start: int, limit: int, *, now: float
) -> Sequence[StoredRecord]:
    """Records from number `start` on, as many as fit into an answer; those that are too old are passed over."""
    query = (
        sa.select(_records.sequence, _records.created_at, _records.partition_key, _records.data)
        .where(
            _records.stream_id == stream.id,
            _records.shard == shard.number,
            _records.sequence >= start,
            _records.created_at > now - stream.retention_s,
        )
        .order_by(_records.sequence)
        .limit(limit)
    )
    found: list[StoredRecord] = []
    size = 0
    with conn.execute(query, execution_options={"yield_per": FETCHED_ROWS}) as rows:
        for row in rows:
            size += len(row.data) + len(row.partition_key)
            if found and size > PAGE_BYTES:
                break
            record = StoredRecord(
                sequence=row.sequence, created=row.created_at, partition_key=row.partition_key, data=row.data
            )
            found.append(record)
    return found


def shards_with_records(conn: Connection) -> Sequence[tuple[int, int]]:
    """Streams' ids and shards' numbers, also of those that are gone."""
    query = sa.select(_shards.stream_id, _shards.number).order_by(_shards.stream_id, _shards.number)
    return [(row.stream_id, row.number) for row in conn.execute(query)]


def trim(conn: Connection, stream_id: int, number: int, before: float, *, limit: int) -> int:
    """Forget some of a shard's records that are older; how many went."""
    here = (_records.stream_id == stream_id) & (_records.shard == number)
    query = (
        sa.select(_records.sequence)
        .where(here, _records.created_at <= before)
        .order_by(_records.created_at, _records.sequence)
        .limit(limit)
    )
    old = conn.scalars(query).all()
    if old:
        conn.execute(sa.delete(kinesis_records).where(here, _records.sequence.in_(old)))
    return len(old)


def forget_shard(conn: Connection, stream_id: int, number: int) -> None:
    """A shard that has no records and gets none any more."""
    conn.execute(sa.delete(kinesis_shards).where(_shards.stream_id == stream_id, _shards.number == number))
