"""Mappings in the database: plain functions of a connection."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.event_sources.mapping import Mapping, Options
from stoker.model.arn import FunctionId
from stoker.store.tables_event_source_mappings import event_source_checkpoints, event_source_mappings

_columns = event_source_mappings.c


def all_of(conn: Connection, account: str) -> Sequence[Mapping]:
    return [_mapping(row, account) for row in conn.execute(sa.select(event_source_mappings))]


def twin_of(conn: Connection, mapping: Mapping) -> Mapping | None:
    """Another mapping of the same source to the same function."""
    query = sa.select(event_source_mappings).where(
        _columns.region == mapping.function.region,
        _columns.source_arn == mapping.source_arn,
        _columns.function == mapping.function.name,
        _columns.qualifier == (mapping.qualifier or ""),
        _columns.uuid != mapping.uuid,
    )
    row = conn.execute(query).first()
    return None if row is None else _mapping(row, mapping.function.account)


def insert(conn: Connection, mapping: Mapping) -> None:
    conn.execute(sa.insert(event_source_mappings).values(_values(mapping)))


def update(conn: Connection, mapping: Mapping) -> None:
    conn.execute(sa.update(event_source_mappings).where(_columns.uuid == mapping.uuid).values(_values(mapping)))


def delete(conn: Connection, uuid: str) -> None:
    conn.execute(sa.delete(event_source_mappings).where(_columns.uuid == uuid))
    conn.execute(sa.delete(event_source_checkpoints).where(event_source_checkpoints.c.uuid == uuid))


def has_begun(conn: Connection, uuid: str) -> bool:
    """Whether it has read anything of a stream."""
    query = sa.select(event_source_checkpoints.c.uuid).where(event_source_checkpoints.c.uuid == uuid)
    return conn.execute(query).first() is not None


def _values(mapping: Mapping) -> dict[str, Any]:
    return {
        "uuid": mapping.uuid,
        "region": mapping.function.region,
        "source_arn": mapping.source_arn,
        "function": mapping.function.name,
        "qualifier": mapping.qualifier or "",
        "options": asdict(mapping.options),
        "tags": dict(mapping.tags),
        "state": mapping.state,
        "last_result": mapping.last_result,
        "modified": mapping.modified,
    }


def _mapping(row: Row[Any], account: str) -> Mapping:
    options = {**row.options, "filters": tuple(row.options["filters"])}
    return Mapping(
        uuid=row.uuid,
        function=FunctionId(account=account, region=row.region, name=row.function),
        qualifier=row.qualifier or None,
        source_arn=row.source_arn,
        options=Options(**options),
        state=row.state,
        modified=row.modified,
        last_result=row.last_result,
        tags=row.tags,
    )
