"""Finding what a caller named, or the error that AWS answers when it is not there or not as the caller believes."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import version_rows
from stoker.functions.records import Alias, VersionRecord, version_number
from stoker.model.arn import FunctionId, is_version_number
from stoker.model.errors import (
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.model.function import LATEST
from stoker.store.tables_functions import function_aliases


def function_not_found(function: FunctionId, qualifier: str | None = None) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Function not found: {function.arn(qualifier)}")


def alias_not_found(function: FunctionId, alias: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Cannot find alias arn: {function.arn(alias)}")


def require_latest(conn: Connection, function: FunctionId) -> VersionRecord:
    """$LATEST of a function that must exist."""
    record = version_rows.find(conn, function.region, function.name)
    if record is None:
        raise function_not_found(function)
    return record


def require_version(conn: Connection, function: FunctionId, qualifier: str | None) -> VersionRecord:
    """The version that a qualifier means: None is $LATEST, an alias its main version."""
    version = qualifier or LATEST
    if version != LATEST and not is_version_number(version):
        alias = find_alias(conn, function, version)
        if alias is None:
            raise function_not_found(function, qualifier)
        version = alias.version
    record = find_version(conn, function, version)
    if record is None:
        raise function_not_found(function, qualifier)
    return record


def find_version(conn: Connection, function: FunctionId, version: str) -> VersionRecord | None:
    """A version by `$LATEST` or its number."""
    return version_rows.find(conn, function.region, function.name, version_number(version))


def find_alias(conn: Connection, function: FunctionId, name: str) -> Alias | None:
    """An alias by its name."""
    row = conn.execute(sa.select(function_aliases).where(is_alias(function, name))).mappings().first()
    return None if row is None else read_alias(row)


def is_alias(function: FunctionId, name: str) -> sa.ColumnElement[bool]:
    """The condition for the row of one alias."""
    return aliases_of(function) & (function_aliases.c.name == name)


def aliases_of(function: FunctionId) -> sa.ColumnElement[bool]:
    """The condition for the rows of a function's aliases."""
    return (function_aliases.c.region == function.region) & (function_aliases.c.function == function.name)


def read_alias(row: "Mapping[str, object] | sa.RowMapping") -> Alias:
    """An alias from its row."""
    return Alias(**{key: row[key] for key in ("name", "version", "description", "weights", "revision_id")})  # type: ignore[arg-type]


def check_revision(current: str, given: str | None) -> None:
    """The RevisionId precondition of every change."""
    if given and given != current:
        raise PreconditionFailedException


def check_changeable(function: FunctionId, record: VersionRecord) -> None:
    """A change must wait for the one before it."""
    if record.function.state == "Pending":
        raise state_conflict("Pending")
    if record.function.last_update_status == "InProgress":
        raise ResourceConflictException(
            f"The operation cannot be performed at this time. An update is in progress for resource: {function.arn()}"
        )


def state_conflict(state: str) -> ResourceConflictException:
    """What is answered when a function's state does not allow for what is asked."""
    return ResourceConflictException(
        f"The operation cannot be performed at this time. The function is currently in the following state: {state}"
    )
