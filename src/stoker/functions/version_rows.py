"""Versions of functions in the database: plain functions of a connection, for `Store.read` and `Store.write`."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.functions.code_storage import layerset_digest
from stoker.functions.records import MAX_NUMBER, VersionRecord, decode_function, encode_function
from stoker.model.function import FunctionVersion
from stoker.store.tables_functions import (
    function_versions,
    functions,
    package_references,
    packages,
    version_counters,
)

_versions = function_versions.c


def exists(conn: Connection, region: str, name: str) -> bool:
    """Whether there is a function of this name."""
    where = (functions.c.region == region) & (functions.c.name == name)
    return conn.execute(sa.select(functions.c.name).where(where)).first() is not None


def find(conn: Connection, region: str, name: str, number: int = 0) -> VersionRecord | None:
    """A version by its number; $LATEST is 0."""
    if number > MAX_NUMBER:
        return None
    row = conn.execute(sa.select(function_versions).where(_is(region, name, number))).first()
    return None if row is None else _record(row)


def last_published(conn: Connection, region: str, name: str) -> VersionRecord | None:
    """The published version with the highest number, if any is left."""
    query = (
        sa.select(function_versions)
        .where(_versions.region == region, _versions.name == name, _versions.number > 0)
        .order_by(_versions.number.desc())
        .limit(1)
    )
    row = conn.execute(query).first()
    return None if row is None else _record(row)


def page_of_latest(conn: Connection, region: str, after: str, limit: int) -> list[VersionRecord]:
    """$LATEST of the functions whose names come after `after`."""
    names = (
        sa.select(functions.c.name)
        .where(functions.c.region == region, functions.c.name > after)
        .order_by(functions.c.name)
        .limit(limit)
        .subquery()
    )
    same = (_versions.region == region) & (_versions.number == 0) & (_versions.name == names.c.name)
    query = sa.select(function_versions).join(names, same).order_by(_versions.name)
    return [_record(row) for row in conn.execute(query)]


def page_of_all(conn: Connection, region: str, name: str, number: int, limit: int) -> list[VersionRecord]:
    """Every version of every function that comes after a version of `name`."""
    key = sa.tuple_(_versions.name, _versions.number)
    query = (
        sa.select(function_versions)
        .where(_versions.region == region, key > sa.tuple_(sa.literal(name), sa.literal(number)))
        .order_by(_versions.name, _versions.number)
        .limit(limit)
    )
    return [_record(row) for row in conn.execute(query)]


def page_of_versions(conn: Connection, region: str, name: str, after: int, limit: int | None) -> list[VersionRecord]:
    """The versions of one function whose numbers are above `after`, $LATEST first; all of them if `limit` is None."""
    query = (
        sa.select(function_versions)
        .where(_versions.region == region, _versions.name == name, _versions.number > after)
        .order_by(_versions.number)
        .limit(limit)
    )
    return [_record(row) for row in conn.execute(query)]


def unsettled(conn: Connection) -> list[VersionRecord]:
    """The versions that were still being prepared."""
    query = sa.select(function_versions).where(_versions.settled.is_(False))
    return [_record(row) for row in conn.execute(query)]


def optimized(conn: Connection) -> list[VersionRecord]:
    """The versions that had their snapshot, the youngest first."""
    document = _versions.document
    query = (
        sa.select(function_versions)
        .where(_versions.settled, document["optimized"].as_boolean())
        .order_by(document["last_modified"].as_float().desc())
    )
    return [_record(row) for row in conn.execute(query)]


def insert(conn: Connection, record: VersionRecord) -> None:
    """Add a version, and its references to packages."""
    function = record.function
    key = {"region": function.region, "name": function.name, "number": record.number}
    conn.execute(sa.insert(function_versions).values(**key, **_values(record)))
    _refer(conn, record)


def update(conn: Connection, record: VersionRecord) -> None:
    """Replace a version, and its references to packages."""
    function = record.function
    where = _is(function.region, function.name, record.number)
    conn.execute(sa.update(function_versions).where(where).values(**_values(record)))
    conn.execute(sa.delete(package_references).where(package_references.c.owner == _owner(record)))
    _refer(conn, record)


def delete(conn: Connection, record: VersionRecord) -> None:
    """Remove a version, and its references to packages."""
    function = record.function
    conn.execute(sa.delete(function_versions).where(_is(function.region, function.name, record.number)))
    conn.execute(sa.delete(package_references).where(package_references.c.owner == _owner(record)))


def next_number(conn: Connection, kind: str, region: str, name: str) -> int:
    """A number that no version of this name has or ever had."""
    counter = version_counters.c
    where = (counter.kind == kind) & (counter.region == region) & (counter.name == name)
    last = conn.execute(sa.select(counter.last).where(where)).scalar()
    if last is None:
        conn.execute(sa.insert(version_counters).values(kind=kind, region=region, name=name, last=1))
        return 1
    conn.execute(sa.update(version_counters).where(where).values(last=last + 1))
    return int(last) + 1


def add_package(conn: Connection, digest: str, unzipped_size: int) -> None:
    """Write down a package before its zip is kept, so that one nobody came to use is found and removed."""
    known = conn.execute(sa.select(packages.c.digest).where(packages.c.digest == digest)).first()
    if known is None:
        conn.execute(sa.insert(packages).values(digest=digest, unzipped_size=unzipped_size))


def unzipped_sizes(conn: Connection, digests: Iterable[str]) -> dict[str, int]:
    """The unzipped sizes of packages, in bytes."""
    query = sa.select(packages.c.digest, packages.c.unzipped_size).where(packages.c.digest.in_(list(digests)))
    return {row.digest: row.unzipped_size for row in conn.execute(query)}


def digests_of(record: VersionRecord) -> set[str]:
    """The directories that a version needs: code, layers, and the layers merged."""
    needed: set[str] = set()
    for function in filter(None, (record.function, record.serving)):
        needed |= _digests(function)
    return needed


def _digests(function: FunctionVersion) -> set[str]:
    layers = [layer.code_sha256 for layer in function.layers]
    merged = [layerset_digest(layers)] if layers else []
    return {function.code_sha256, *layers, *merged}


def _refer(conn: Connection, record: VersionRecord) -> None:
    rows = [{"owner": _owner(record), "digest": digest} for digest in digests_of(record)]
    conn.execute(sa.insert(package_references), rows)


def _owner(record: VersionRecord) -> str:
    function = record.function
    return f"function/{function.region}/{function.name}/{record.number}"


def _is(region: str, name: str, number: int) -> sa.ColumnElement[bool]:
    return (_versions.region == region) & (_versions.name == name) & (_versions.number == number)


def _values(record: VersionRecord) -> dict[str, Any]:
    return {
        "revision_id": record.revision_id,
        "document": encode_function(record.function),
        "serving": None if record.serving is None else encode_function(record.serving),
        "fingerprint": record.fingerprint,
        "settled": record.settled,
        "code_size": record.function.code_size,
    }


def _record(row: Row[Any]) -> VersionRecord:
    return VersionRecord(
        function=decode_function(row.document),
        revision_id=row.revision_id,
        serving=None if row.serving is None else decode_function(row.serving),
        fingerprint=row.fingerprint,
    )


def referenced(conn: Connection, digests: Sequence[str]) -> set[str]:
    """Those of `digests` that some version of a function or layer needs."""
    query = sa.select(package_references.c.digest).where(package_references.c.digest.in_(digests)).distinct()
    return set(conn.execute(query).scalars())
