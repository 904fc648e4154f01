"""Aliases: names for versions, which may send a part of the invocations to a second one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import lookup
from stoker.functions.changes import Changes
from stoker.functions.concurrency import check_move, forget_provisioned
from stoker.functions.event_invoke_config import forget_event_invoke_config
from stoker.functions.permissions import forget_policy
from stoker.functions.records import Alias, Page, decode_marker, encode_marker, new_revision, page_of
from stoker.functions.urls import forget_url
from stoker.model.arn import FunctionId, is_version_number
from stoker.model.errors import InvalidParameterValueException, ResourceConflictException, ValidationException
from stoker.model.function import LATEST
from stoker.model.limits import MAX_ALIAS_WEIGHTS
from stoker.store.store import Store
from stoker.store.tables_functions import function_aliases

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class NewAlias:
    """What CreateAlias is given."""

    name: str
    version: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AliasChange:
    """What UpdateAlias is given; None leaves it as it is. Empty `weights` remove the routing."""

    version: str | None = None
    description: str | None = None
    weights: Mapping[str, float] | None = None


class Aliases:
    """Create, find, change and delete aliases."""

    def __init__(self, store: Store, bindings: Changes) -> None:
        """`bindings` is told of every change of where a name leads."""
        self._store = store
        self._bindings = bindings

    async def create(self, function: FunctionId, new: NewAlias) -> Alias:
        """A new alias; ResourceConflictException if its name is taken."""

        def work(conn: Connection) -> Alias:
            lookup.require_latest(conn, function)
            if lookup.find_alias(conn, function, new.name) is not None:
                raise ResourceConflictException(f"Alias already exists: {function.arn(new.name)}")
            alias = Alias(
                name=new.name,
                version=new.version,
                description=new.description,
                weights=dict(new.weights),
                revision_id=new_revision(),
            )
            _check(conn, function, alias)
            key = {"region": function.region, "function": function.name, "name": new.name}
            conn.execute(sa.insert(function_aliases).values(**key, **_values(alias)))
            return alias

        return await self._write(function, work)

    async def get(self, function: FunctionId, name: str) -> Alias:
        """One alias."""
        return await self._store.read(lambda conn: _require(conn, function, name))

    async def list(self, function: FunctionId, version: str | None, marker: str | None, limit: int) -> Page[Alias]:
        """A function's aliases by name, or only those that point to a version."""
        after = decode_marker(marker, "")[0]

        def read(conn: Connection) -> list[Alias]:
            lookup.require_latest(conn, function)
            where = lookup.aliases_of(function) & (function_aliases.c.name > after)
            if version is not None:
                where &= function_aliases.c.version == version
            query = sa.select(function_aliases).where(where).order_by(function_aliases.c.name).limit(limit + 1)
            return [lookup.read_alias(row) for row in conn.execute(query).mappings()]

        found = await self._store.read(read)
        return page_of(found, limit, lambda alias: encode_marker(alias.name))

    async def update(self, function: FunctionId, name: str, change: AliasChange, revision_id: str | None) -> Alias:
        """The alias with what was given changed, and a new RevisionId in any case."""

        def work(conn: Connection) -> Alias:
            current = _require(conn, function, name)
            lookup.check_revision(current.revision_id, revision_id)
            alias = replace(
                current,
                version=current.version if change.version is None else change.version,
                description=current.description if change.description is None else change.description,
                weights=current.weights if change.weights is None else dict(change.weights),
                revision_id=new_revision(),
            )
            _check(conn, function, alias)
            check_move(conn, function, alias)
            conn.execute(sa.update(function_aliases).where(lookup.is_alias(function, name)).values(**_values(alias)))
            return alias

        return await self._write(function, work)

    async def delete(self, function: FunctionId, name: str) -> None:
        """Delete an alias with its policy, URL and event invoke config; one that is not there is no error."""

        def work(conn: Connection) -> None:
            lookup.require_latest(conn, function)
            conn.execute(sa.delete(function_aliases).where(lookup.is_alias(function, name)))
            forget_policy(conn, function, name)
            forget_url(conn, function, name)
            forget_event_invoke_config(conn, function, name)
            forget_provisioned(conn, function, name)

        await self._write(function, work)

    async def _write(self, function: FunctionId, work: Callable[[Connection], T]) -> T:
        result = await self._store.write(work)
        self._bindings.announce(function.region, function.name)
        return result


def aliases_to(conn: Connection, function: FunctionId, version: str) -> list[str]:
    """The names of the aliases that send invocations to a version."""
    query = sa.select(function_aliases).where(lookup.aliases_of(function)).order_by(function_aliases.c.name)
    aliases = [lookup.read_alias(row) for row in conn.execute(query).mappings()]
    return [alias.name for alias in aliases if version == alias.version or version in alias.weights]


def _require(conn: Connection, function: FunctionId, name: str) -> Alias:
    lookup.require_latest(conn, function)
    alias = lookup.find_alias(conn, function, name)
    if alias is None:
        raise lookup.alias_not_found(function, name)
    return alias


def _check(conn: Connection, function: FunctionId, alias: Alias) -> None:
    """Every version must be there, and the routing must be one that AWS allows for."""
    check_weights(alias)
    for version in (alias.version, *alias.weights):
        if lookup.find_version(conn, function, version) is None:
            raise lookup.function_not_found(function, version)


def check_weights(alias: Alias) -> None:
    """One more version at most, numbered, not the main one, and not beside $LATEST."""
    if len(alias.weights) > MAX_ALIAS_WEIGHTS:
        raise InvalidParameterValueException(
            f"Number of items in AdditionalVersionWeights cannot be greater than {MAX_ALIAS_WEIGHTS}"
        )
    for version, weight in alias.weights.items():
        _check_weight(version, weight)
        if version == alias.version:
            raise InvalidParameterValueException(
                f"Invalid function version {version}. "
                f"Function version {version} is already included in routing configuration."
            )
        if alias.version == LATEST:
            raise InvalidParameterValueException(
                "$LATEST is not supported for an alias pointing to more than 1 version"
            )


def _check_weight(version: str, weight: float) -> None:
    value = f"1 validation error detected: Value '{{{version}={weight}}}' at 'routingConfig.additionalVersionWeights'"
    if not 0.0 <= weight <= 1.0:
        raise ValidationException(
            f"{value} failed to satisfy constraint: Map value must satisfy constraint: [Member must have value "
            "less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
        )
    if not is_version_number(version):
        raise ValidationException(
            f"{value} failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length "
            "less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy "
            "regular expression pattern: [0-9]+, Member must not be null]"
        )


def _values(alias: Alias) -> dict[str, object]:
    return {
        "version": alias.version,
        "description": alias.description,
        "weights": dict(alias.weights),
        "revision_id": alias.revision_id,
    }
