"""Mappings' credentials in the database, sealed: plain functions of a connection."""

import json
import logging

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.event_sources.mapping import Mapping, SourceAccess
from stoker.identity.sealing import Seal, SealBrokenError
from stoker.store.tables_event_source_mappings import event_source_secrets

log = logging.getLogger(__name__)

_columns = event_source_secrets.c


def all_of(conn: Connection, seal: Seal) -> dict[str, tuple[SourceAccess, ...]]:
    """By mapping. One that does not open is left out: its source says that it has no credentials."""
    found = {}
    for row in conn.execute(sa.select(event_source_secrets)):
        try:
            document = json.loads(seal.open(row.sealed, _about(row.uuid)))
        except SealBrokenError as error:
            log.error("%s", error)
            continue
        found[row.uuid] = tuple(SourceAccess(kind=kind, uri=uri) for kind, uri in document)
    return found


def put(conn: Connection, mapping: Mapping, seal: Seal) -> None:
    """In place of what was there."""
    delete(conn, mapping.uuid)
    if mapping.access:
        document = json.dumps([(each.kind, each.uri) for each in mapping.access])
        sealed = seal.close(document, _about(mapping.uuid))
        conn.execute(sa.insert(event_source_secrets).values(uuid=mapping.uuid, sealed=sealed))


def delete(conn: Connection, uuid: str) -> None:
    conn.execute(sa.delete(event_source_secrets).where(_columns.uuid == uuid))


def _about(uuid: str) -> str:
    return f"the credentials of event source mapping {uuid}"
