"""Resource policies of functions, versions and aliases: who else may call them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import lookup, version_rows
from stoker.functions.changes import Changes
from stoker.functions.records import new_revision
from stoker.model.arn import FunctionId, is_version_number
from stoker.model.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.model.function import LATEST
from stoker.model.limits import MAX_POLICY_BYTES
from stoker.model.policy import PermissionGrant, Statement, build_statement, policy_document
from stoker.store.store import Store
from stoker.store.tables_functions import function_aliases, function_policies

_policies = function_policies.c


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy's JSON, and the RevisionId of what it is attached to."""

    document: str
    revision_id: str


class Permissions:
    """Add, remove and show statements. A policy belongs to one qualifier; None is the function itself."""

    def __init__(self, store: Store, bindings: Changes) -> None:
        """`bindings` is told of every change of who may call what."""
        self._store = store
        self._bindings = bindings

    async def add(
        self, function: FunctionId, qualifier: str | None, grant: PermissionGrant, revision_id: str | None
    ) -> Statement:
        """The statement that was added."""
        if qualifier == LATEST:
            raise InvalidParameterValueException("We currently do not support adding policies for $LATEST.")
        statement = build_statement(grant, function.arn(qualifier))

        def work(conn: Connection) -> Statement:
            lookup.check_revision(_revision(conn, function, qualifier), revision_id)
            statements = statements_of(conn, function, qualifier)
            if any(known["Sid"] == grant.sid for known in statements):
                raise ResourceConflictException(
                    f"The statement id ({grant.sid}) provided already exists. "
                    "Please provide a new statement id, or remove the existing statement."
                )
            _store(conn, function, qualifier, [*statements, statement])
            return statement

        added = await self._store.write(work)
        self._bindings.announce(function.region, function.name)
        return added

    async def remove(self, function: FunctionId, qualifier: str | None, sid: str, revision_id: str | None) -> None:
        """Remove one statement; the policy goes with its last one."""

        def work(conn: Connection) -> None:
            current = _revision(conn, function, qualifier)
            statements = statements_of(conn, function, qualifier)
            if not statements:
                raise ResourceNotFoundException("No policy is associated with the given resource.")
            left = [statement for statement in statements if statement["Sid"] != sid]
            if len(left) == len(statements):
                raise ResourceNotFoundException(f"Statement {sid} is not found in resource policy.")
            lookup.check_revision(current, revision_id)
            _store(conn, function, qualifier, left)

        await self._store.write(work)
        self._bindings.announce(function.region, function.name)

    async def get(self, function: FunctionId, qualifier: str | None) -> Policy:
        """The whole policy; ResourceNotFoundException if there is none."""

        def read(conn: Connection) -> Policy:
            revision_id = _revision(conn, function, qualifier)
            statements = statements_of(conn, function, qualifier)
            if not statements:
                raise ResourceNotFoundException
            return Policy(document=policy_document(statements), revision_id=revision_id)

        return await self._store.read(read)


def forget_policy(conn: Connection, function: FunctionId, qualifier: str) -> None:
    """The version or alias that a policy was attached to is gone."""
    conn.execute(sa.delete(function_policies).where(_is(function, qualifier)))


def statements_of(conn: Connection, function: FunctionId, qualifier: str | None) -> Sequence[Statement]:
    """The statements for one qualifier, in the order in which they were added."""
    return conn.execute(sa.select(_policies.statements).where(_is(function, qualifier))).scalar() or []


def _store(conn: Connection, function: FunctionId, qualifier: str | None, statements: Sequence[Statement]) -> None:
    size = len(policy_document(statements).encode())
    if size > MAX_POLICY_BYTES:
        raise PolicyLengthExceededException(
            f"The final policy size ({size}) is bigger than the limit ({MAX_POLICY_BYTES})."
        )
    conn.execute(sa.delete(function_policies).where(_is(function, qualifier)))
    if statements:
        key = {"region": function.region, "function": function.name, "qualifier": _stored(qualifier)}
        conn.execute(sa.insert(function_policies).values(**key, statements=list(statements)))
    _revise(conn, function, qualifier)


def _revision(conn: Connection, function: FunctionId, qualifier: str | None) -> str:
    """The RevisionId of what a qualifier names; raises what AWS answers if it is not there."""
    latest = lookup.require_latest(conn, function)
    if qualifier is None or qualifier == LATEST:
        return latest.revision_id
    if not is_version_number(qualifier):
        alias = lookup.find_alias(conn, function, qualifier)
        if alias is None:
            raise lookup.alias_not_found(function, qualifier)
        return alias.revision_id
    version = lookup.find_version(conn, function, qualifier)
    if version is None:
        raise lookup.function_not_found(function, qualifier)
    return version.revision_id


def _revise(conn: Connection, function: FunctionId, qualifier: str | None) -> None:
    """A policy shares its RevisionId with what it is attached to; running environments do not notice."""
    if qualifier is not None and not is_version_number(qualifier):
        where = lookup.is_alias(function, qualifier)
        conn.execute(sa.update(function_aliases).where(where).values(revision_id=new_revision()))
        return
    record = lookup.find_version(conn, function, qualifier or LATEST)
    if record is not None:
        version_rows.update(conn, replace(record, revision_id=new_revision()))


def _is(function: FunctionId, qualifier: str | None) -> sa.ColumnElement[bool]:
    return (
        (_policies.region == function.region)
        & (_policies.function == function.name)
        & (_policies.qualifier == _stored(qualifier))
    )


def _stored(qualifier: str | None) -> str:
    """$LATEST has no policy of its own: it is the function's."""
    return "" if qualifier is None or qualifier == LATEST else qualifier
