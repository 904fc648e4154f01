"""Reserved and provisioned concurrency: what functions may have of the account's limit, and the rules of that.

Source: "Configuring reserved concurrency" and "Configuring provisioned concurrency" in the AWS Lambda Developer Guide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import lookup
from stoker.functions.changes import Changes
from stoker.functions.records import Alias, Page, decode_marker, encode_marker, page_of
from stoker.functions.reservations import Reservations
from stoker.model.arn import FunctionId, is_version_number
from stoker.model.clock import Clock
from stoker.model.errors import (
    InvalidParameterValueException,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceConflictException,
)
from stoker.model.function import LATEST
from stoker.model.limits import MIN_UNRESERVED_CONCURRENCY
from stoker.store.store import Store
from stoker.store.tables_concurrency import provisioned_concurrency, reserved_concurrency

_reserved, _provisioned = reserved_concurrency.c, provisioned_concurrency.c


@dataclass(frozen=True, kw_only=True)
class ProvisionedConfig:
    """So many environments are to be initialised ahead. `modified` is in seconds since the epoch."""

    qualifier: str
    count: int
    modified: float


class Concurrency:
    """Set, show and remove. `start` must be awaited first. `bindings` hears of provisioned concurrency that changed."""

    def __init__(self, store: Store, reservations: Reservations, bindings: Changes, clock: Clock) -> None:
        self._store = store
        self._reservations = reservations
        self._bindings = bindings
        self._clock = clock

    async def start(self) -> None:
        """Learn what is reserved."""
        rows = await self._store.read(
            lambda conn: [tuple(row) for row in conn.execute(sa.select(reserved_concurrency))]
        )
        for region, name, count in rows:
            self._reservations.put((region, name), count)

    async def unreserved(self, region: str) -> int:
        """What is left to functions that have nothing for themselves."""
        limit = self._reservations.account_limit
        return limit - sum((await self._store.read(lambda conn: _held(conn, region))).values())

    async def reserve(self, function: FunctionId, count: int) -> None:
        """Reserve so much for a function, which is its limit too; 0 stops it."""

        def work(conn: Connection) -> None:
            lookup.require_latest(conn, function)
            provisioned = _provisioned_sum(conn, function)
            if count < provisioned:
                raise InvalidParameterValueException(
                    f"ReservedConcurrentExecutions {count} should not be lower than function's total provisioned "
                    f"concurrency [{provisioned}]."
                )
            self._check_pool(conn, function, count, "ReservedConcurrentExecutions")
            _delete_reserved(conn, function)
            values = {"region": function.region, "function": function.name, "count": count}
            conn.execute(sa.insert(reserved_concurrency).values(**values))

        await self._store.write(work)
        self._reservations.put((function.region, function.name), count)

    async def unreserve(self, function: FunctionId) -> None:
        """Let a function share what nobody reserved; one that has no reservation is no error."""

        def work(conn: Connection) -> None:
            lookup.require_latest(conn, function)
            _delete_reserved(conn, function)

        await self._store.write(work)
        self.forget(function)

    def reserved(self, function: FunctionId) -> int | None:
        """A function's reservation."""
        return self._reservations.of((function.region, function.name))

    async def require_reserved(self, function: FunctionId) -> int | None:
        """The reservation of a function that must exist."""
        await self._store.read(lambda conn: lookup.require_latest(conn, function))
        return self.reserved(function)

    def forget(self, function: FunctionId) -> None:
        """The function is gone, and its reservation with it."""
        self._reservations.put((function.region, function.name), None)

    async def provision(self, function: FunctionId, qualifier: str, count: int) -> ProvisionedConfig:
        """Have environments of a version or an alias initialised ahead."""
        config = ProvisionedConfig(qualifier=qualifier, count=count, modified=self._clock.time())

        def work(conn: Connection) -> None:
            _check_qualifier(conn, function, qualifier)
            others = _provisioned_sum(conn, function, but=qualifier)
            reserved = _reserved_count(conn, function)
            if reserved is None:
                self._check_pool(conn, function, others + count, "ConcurrentExecutions")
            elif others + count > reserved:
                raise InvalidParameterValueException(
                    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution "
                    "for function"
                )
            forget_provisioned(conn, function, qualifier)
            key = {"region": function.region, "function": function.name, "qualifier": qualifier}
            conn.execute(sa.insert(provisioned_concurrency).values(**key, count=count, modified=config.modified))

        await self._store.write(work)
        self._bindings.announce(function.region, function.name)
        return config

    async def unprovision(self, function: FunctionId, qualifier: str) -> None:
        """Let the environments go; a version or alias without any is no error."""
        _check_published(qualifier)

        def work(conn: Connection) -> None:
            lookup.require_latest(conn, function)
            forget_provisioned(conn, function, qualifier)

        await self._store.write(work)
        self._bindings.announce(function.region, function.name)

    async def provisioned(self, function: FunctionId, qualifier: str) -> ProvisionedConfig:
        """What a version or an alias has."""
        _check_published(qualifier)

        def read(conn: Connection) -> ProvisionedConfig | None:
            lookup.require_version(conn, function, qualifier)
            return next((config for config in _configs(conn, function) if config.qualifier == qualifier), None)

        config = await self._store.read(read)
        if config is None:
            raise ProvisionedConcurrencyConfigNotFoundException(Type="User")
        return config

    async def list_provisioned(self, function: FunctionId, marker: str | None, limit: int) -> Page[ProvisionedConfig]:
        """A function's, by qualifier."""
        after = decode_marker(marker, "")[0]

        def read(conn: Connection) -> Sequence[ProvisionedConfig]:
            lookup.require_latest(conn, function)
            return [config for config in _configs(conn, function) if config.qualifier > after]

        found = await self._store.read(read)
        return page_of(found, limit, lambda config: encode_marker(config.qualifier))

    async def configs_of(self, function: FunctionId) -> Sequence[ProvisionedConfig]:
        """All of a function's; none of one that is not there."""
        return await self._store.read(lambda conn: _configs(conn, function))

    async def provisioned_functions(self) -> Sequence[tuple[str, str]]:
        """Region and name of the functions that have any."""
        query = sa.select(_provisioned.region, _provisioned.function).distinct()
        return await self._store.read(lambda conn: [(row.region, row.function) for row in conn.execute(query)])

    def _check_pool(self, conn: Connection, function: FunctionId, count: int, what: str) -> None:
        """What a function takes more than before must leave the others their minimum."""
        limit = self._reservations.account_limit
        held = _held(conn, function.region)
        before = held.pop(function.name, 0)
        minimum = min(MIN_UNRESERVED_CONCURRENCY, limit)
        if count > before and limit - sum(held.values()) - count < minimum:
            raise InvalidParameterValueException(
                f"Specified {what} for function decreases account's UnreservedConcurrentExecution below its minimum "
                f"value of [{minimum}]."
            )


def forget_provisioned(conn: Connection, function: FunctionId, qualifier: str) -> None:
    """Remove what a version or an alias has."""
    where = _provisioned_of(function) & (_provisioned.qualifier == qualifier)
    conn.execute(sa.delete(provisioned_concurrency).where(where))


def _held(conn: Connection, region: str) -> dict[str, int]:
    """What each function has for itself: its reservation or, where that is more, its provisioned concurrency."""
    held: dict[str, int] = {}
    query = sa.select(_provisioned.function, _provisioned.count).where(_provisioned.region == region)
    for name, count in conn.execute(query):
        held[name] = held.get(name, 0) + count
    query = sa.select(_reserved.function, _reserved.count).where(_reserved.region == region)
    for name, count in conn.execute(query):
        held[name] = max(held.get(name, 0), count)
    return held


def _configs(conn: Connection, function: FunctionId) -> list[ProvisionedConfig]:
    query = sa.select(provisioned_concurrency).where(_provisioned_of(function)).order_by(_provisioned.qualifier)
    # A row has a method `count`, as every tuple.
    return [
        ProvisionedConfig(qualifier=row["qualifier"], count=row["count"], modified=row["modified"])
        for row in conn.execute(query).mappings()
    ]


def _provisioned_sum(conn: Connection, function: FunctionId, *, but: str = "") -> int:
    return sum(config.count for config in _configs(conn, function) if config.qualifier != but)


def _reserved_count(conn: Connection, function: FunctionId) -> int | None:
    return conn.execute(sa.select(_reserved.count).where(_reserved_of(function))).scalar()


def _delete_reserved(conn: Connection, function: FunctionId) -> None:
    conn.execute(sa.delete(reserved_concurrency).where(_reserved_of(function)))


def _reserved_of(function: FunctionId) -> sa.ColumnElement[bool]:
    return (_reserved.region == function.region) & (_reserved.function == function.name)


def _provisioned_of(function: FunctionId) -> sa.ColumnElement[bool]:
    return (_provisioned.region == function.region) & (_provisioned.function == function.name)


def _check_published(qualifier: str) -> None:
    if qualifier == LATEST:
        raise InvalidParameterValueException("The function resource provided must be an alias or a published version.")


def _check_qualifier(conn: Connection, function: FunctionId, qualifier: str) -> None:
    """It must be a published version, or an alias of just one, that has no provisioned concurrency by another name."""
    lookup.require_latest(conn, function)
    if is_version_number(qualifier):
        _check_version(conn, function, qualifier)
        _check_aliases(conn, function, qualifier)
        return
    alias = None if qualifier == LATEST else lookup.find_alias(conn, function, qualifier)
    if alias is None and qualifier != LATEST:
        raise lookup.alias_not_found(function, qualifier)
    _check_version(conn, function, LATEST if alias is None else alias.version)
    assert alias is not None
    if alias.weights:
        raise InvalidParameterValueException("Alias with weights can not be used with Provisioned Concurrency")
    if any(config.qualifier == alias.version for config in _configs(conn, function)):
        raise ResourceConflictException(
            "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
        )


def _check_version(conn: Connection, function: FunctionId, version: str) -> None:
    if version == LATEST:
        raise InvalidParameterValueException(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    if lookup.require_version(conn, function, version).function.snap_starts:
        raise InvalidParameterValueException(
            "Provisioned Concurrency is not supported for SnapStart enabled functions."
        )


def check_move(conn: Connection, function: FunctionId, alias: Alias) -> None:
    """An alias that has provisioned concurrency may lead to where it could be given that, and share it out."""
    if any(config.qualifier == alias.name for config in _configs(conn, function)):
        for version in (alias.version, *alias.weights):
            _check_version(conn, function, version)


def _check_aliases(conn: Connection, function: FunctionId, version: str) -> None:
    for config in _configs(conn, function):
        alias = lookup.find_alias(conn, function, config.qualifier)
        if alias is not None and alias.version == version:
            raise ResourceConflictException("Version is pointed by a Provisioned Concurrency alias")
