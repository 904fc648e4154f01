"""APIs and their parts in the store."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.http.draft import DEPLOYMENT, STAGE, Document, Draft, Snapshot
from stoker.store.tables_http_apis import api_mappings, http_api_parts, http_api_snapshots, http_apis

_apis, _parts, _snapshots = http_apis.c, http_api_parts.c, http_api_snapshots.c


def load(conn: Connection, region: str, api_id: str) -> Draft | None:
    """An API with its parts; None if there is none in the region."""
    where = (_apis.id == api_id) & (_apis.region == region)
    api = conn.execute(sa.select(_apis.document).where(where)).scalar()
    if api is None:
        return None
    parts: dict[str, dict[str, Document]] = defaultdict(dict)
    for row in conn.execute(sa.select(http_api_parts).where(_parts.api_id == api_id).order_by(_parts.kind, _parts.id)):
        parts[row.kind][row.id] = row.document
    return Draft(api, parts)


def apis_of(conn: Connection, region: str) -> Sequence[Document]:
    """The APIs of a region, in the order in which they were made."""
    query = sa.select(_apis.document).where(_apis.region == region).order_by(_apis.created, _apis.id)
    return list(conn.execute(query).scalars())


def regions(conn: Connection) -> dict[str, str]:
    """The region of each API, by its id."""
    return {row.id: row.region for row in conn.execute(sa.select(_apis.id, _apis.region))}


def snapshot_of(conn: Connection, api_id: str, deployment_id: str) -> Snapshot:
    where = (_snapshots.api_id == api_id) & (_snapshots.deployment_id == deployment_id)
    found: Snapshot = conn.execute(sa.select(_snapshots.document).where(where)).scalar() or {}
    return found


def add(conn: Connection, region: str, draft: Draft) -> None:
    """A new API."""
    values = {"id": draft.id, "region": region, "created": draft.api["CreatedDate"], "document": draft.api}
    conn.execute(sa.insert(http_apis).values(**values))
    save(conn, draft)


def save(conn: Connection, draft: Draft) -> None:
    """What a change made of an API."""
    api, parts = draft.before
    if draft.api != api:
        conn.execute(sa.update(http_apis).where(_apis.id == draft.id).values(document=draft.api))
    for kind in {*parts, *draft.parts}:
        before, after = parts.get(kind, {}), draft.all(kind)
        changed = [part_id for part_id, document in after.items() if document != before.get(part_id)]
        _drop_parts(conn, draft.id, kind, [*(before.keys() - after.keys()), *(before.keys() & set(changed))])
        rows = [{"api_id": draft.id, "kind": kind, "id": part_id, "document": after[part_id]} for part_id in changed]
        if rows:
            conn.execute(sa.insert(http_api_parts), rows)
    _save_snapshots(conn, draft)


def delete(conn: Connection, api_id: str) -> None:
    """An API with all its parts."""
    conn.execute(sa.delete(http_apis).where(_apis.id == api_id))
    conn.execute(sa.delete(http_api_parts).where(_parts.api_id == api_id))
    conn.execute(sa.delete(http_api_snapshots).where(_snapshots.api_id == api_id))


def is_mapped(conn: Connection, api_id: str, stage: str | None = None) -> bool:
    """Whether a domain name leads to an API, or to one of its stages."""
    where: Any = api_mappings.c.api_id == api_id
    if stage is not None:
        where &= api_mappings.c.stage == stage
    return conn.execute(sa.select(api_mappings.c.id).where(where).limit(1)).first() is not None


def _drop_parts(conn: Connection, api_id: str, kind: str, ids: Sequence[str]) -> None:
    if ids:
        where = (_parts.api_id == api_id) & (_parts.kind == kind) & _parts.id.in_(ids)
        conn.execute(sa.delete(http_api_parts).where(where))


def _save_snapshots(conn: Connection, draft: Draft) -> None:
    before = draft.before[1].get(DEPLOYMENT, {})
    gone = before.keys() - draft.all(DEPLOYMENT).keys()
    if gone:
        where = (_snapshots.api_id == draft.id) & _snapshots.deployment_id.in_(gone)
        conn.execute(sa.delete(http_api_snapshots).where(where))
    rows = [
        {"api_id": draft.id, "deployment_id": deployment_id, "document": snapshot}
        for deployment_id, snapshot in draft.snapshots.items()
        if deployment_id in draft.all(DEPLOYMENT)
    ]
    if rows:
        conn.execute(sa.insert(http_api_snapshots), rows)


def has_stage(conn: Connection, region: str, api_id: str, stage: str) -> bool:
    """Whether an API has a stage."""
    where = (_apis.id == api_id) & (_apis.region == region) & (_parts.kind == STAGE) & (_parts.id == stage)
    query = sa.select(_parts.id).join(http_apis, _apis.id == _parts.api_id).where(where)
    return conn.execute(query).first() is not None
