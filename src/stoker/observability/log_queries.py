"""What is asked of the logs: plain functions of a connection, for `Telemetry.read`."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class LogGroup:
    """A log group; `retention_days` None keeps for ever. `stored_bytes` counts as CloudWatch bills."""

    id: int
    name: str
    created_ms: int
    log_class: str
    retention_days: int | None
    stored_bytes: int
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSummary:
    """A log stream; the times (ms) are None until its first event."""

    id: int
    name: str
    created_ms: int
    first_event_ms: int | None
    last_event_ms: int | None
    last_ingestion_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSearch:
    """Groups of a region by name, beyond the name `after`. `part` may stand anywhere in a name."""

    region: str
    prefix: str = ""
    part: str = ""
    log_class: str | None = None
    after: str = ""
    limit: int = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSearch:
    """Streams of a group, by name or by the time of their last event, beyond `after` (that time or 0, and name)."""

    group_id: int
    prefix: str = ""
    by_time: bool = False
    descending: bool = False
    after: tuple[int, str] | None = None
    limit: int = 50


_GROUP_COLUMNS = "id, name, created_ms, log_class, retention_days, stored_bytes, tags"
_STREAM_COLUMNS = "id, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms"


def find_group(connection: sqlite3.Connection, region: str, name: str) -> LogGroup | None:
    query = f"SELECT {_GROUP_COLUMNS} FROM log_groups WHERE region = ? AND name = ?"
    row = connection.execute(query, (region, name)).fetchone()
    return None if row is None else _group(row)


def search_groups(connection: sqlite3.Connection, search: GroupSearch) -> Sequence[LogGroup]:
    # substr and instr, because LIKE has wildcards and ignores case.
    query = f"""SELECT {_GROUP_COLUMNS} FROM log_groups
        WHERE region = :region AND name > :after AND substr(name, 1, length(:prefix)) = :prefix
        AND instr(name, :part) > 0 AND log_class = COALESCE(:log_class, log_class) ORDER BY name LIMIT :limit"""
    values = {
        "region": search.region,
        "after": search.after,
        "prefix": search.prefix,
        "part": search.part,
        "log_class": search.log_class,
        "limit": search.limit,
    }
    return [_group(row) for row in connection.execute(query, values)]


def find_stream(connection: sqlite3.Connection, group_id: int, name: str) -> StreamSummary | None:
    query = f"SELECT {_STREAM_COLUMNS} FROM log_streams WHERE group_id = ? AND name = ?"
    row = connection.execute(query, (group_id, name)).fetchone()
    return None if row is None else _stream(row)


def search_streams(connection: sqlite3.Connection, search: StreamSearch) -> Sequence[StreamSummary]:
    order, beyond = ("DESC", "<") if search.descending else ("ASC", ">")
    # The time stands in front only if it is asked for; in SQLite `ORDER BY 0` would mean a column.
    time = "COALESCE(last_event_ms, 0)"
    after_time, after_name = search.after or (None, "")
    query = f"""SELECT {_STREAM_COLUMNS} FROM log_streams
        WHERE group_id = :group AND substr(name, 1, length(:prefix)) = :prefix
        AND (:after_time IS NULL OR ({time if search.by_time else "0"}, name) {beyond} (:after_time, :after_name))
        ORDER BY {f"{time} {order}, " if search.by_time else ""} name {order} LIMIT :limit"""
    values = {
        "group": search.group_id,
        "prefix": search.prefix,
        "after_time": after_time,
        "after_name": after_name,
        "limit": search.limit,
    }
    return [_stream(row) for row in connection.execute(query, values)]


def _group(row: tuple[Any, ...]) -> LogGroup:
    id_, name, created_ms, log_class, retention_days, stored_bytes, tags = row
    return LogGroup(
        id=id_,
        name=name,
        created_ms=created_ms,
        log_class=log_class,
        retention_days=retention_days,
        stored_bytes=stored_bytes,
        tags=json.loads(tags),
    )


def _stream(row: tuple[Any, ...]) -> StreamSummary:
    id_, name, created_ms, first_event_ms, last_event_ms, last_ingestion_ms = row
    return StreamSummary(
        id=id_,
        name=name,
        created_ms=created_ms,
        first_event_ms=first_event_ms,
        last_event_ms=last_event_ms,
        last_ingestion_ms=last_ingestion_ms,
    )
