"""How a function wants its asynchronous events treated: retries, age, and where their results go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, bindparam

from stoker.functions import lookup
from stoker.functions.records import Page, decode_marker, encode_marker, page_of
from stoker.model.arn import FunctionId, parse_function_reference
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.model.function import LATEST
from stoker.store.prepared import Prepared
from stoker.store.store import Store
from stoker.store.tables_async import event_invoke_configs

_configs = event_invoke_configs.c

# What results go to, by the service in the ARN, and what takes failures only.
DESTINATIONS = frozenset({"lambda", "sqs", "sns", "events", "s3"})
FAILURES_ONLY = frozenset({"s3"})

ConfigKey = tuple[str, str, str]
"""A region, a function's name and a qualifier (`$LATEST` where the caller gave none)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventInvokeConfig:
    """What holds for one qualifier; None where the caller set nothing. Destinations are ARNs."""

    qualifier: str = LATEST
    retry_attempts: int | None = None
    event_age_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    last_modified: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class EventInvokeSettings:
    """What Put and Update are given. `destinations_given` says that there was a DestinationConfig."""

    retry_attempts: int | None = None
    event_age_s: int | None = None
    destinations_given: bool = False
    on_success: str | None = None
    on_failure: str | None = None

    def over(self, config: EventInvokeConfig) -> EventInvokeConfig:
        """The config with what was given changed."""
        changed = replace(
            config,
            retry_attempts=config.retry_attempts if self.retry_attempts is None else self.retry_attempts,
            event_age_s=config.event_age_s if self.event_age_s is None else self.event_age_s,
        )
        if not self.destinations_given:
            return changed
        return replace(changed, on_success=self.on_success, on_failure=self.on_failure)


class EventInvokeConfigs:
    """Put, update, find, list and delete event invoke configs."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def put(
        self, function: FunctionId, qualifier: str | None, settings: EventInvokeSettings
    ) -> EventInvokeConfig:
        """The config that takes the place of what was there."""
        return await self._set(function, qualifier, settings, keep=False)

    async def update(
        self, function: FunctionId, qualifier: str | None, settings: EventInvokeSettings
    ) -> EventInvokeConfig:
        """The config with what was given changed; ResourceNotFoundException if there is none."""
        return await self._set(function, qualifier, settings, keep=True)

    async def get(self, function: FunctionId, qualifier: str | None) -> EventInvokeConfig:
        """The config of a qualifier."""
        return await self._store.read(lambda conn: _require(conn, function, qualifier or LATEST))

    async def list(self, function: FunctionId, marker: str | None, limit: int) -> Page[EventInvokeConfig]:
        """A function's configs by qualifier."""
        after = decode_marker(marker, "")[0]

        def read(conn: Connection) -> list[EventInvokeConfig]:
            _require_function(conn, function, LATEST)
            query = sa.select(event_invoke_configs).where(_of_function(function), _configs.qualifier > after)
            return [_config(row) for row in conn.execute(query.order_by(_configs.qualifier).limit(limit + 1))]

        found = await self._store.read(read)
        return page_of(found, limit, lambda config: encode_marker(config.qualifier))

    async def delete(self, function: FunctionId, qualifier: str | None) -> None:
        """Remove the config of a qualifier, which must be there."""

        def work(conn: Connection) -> None:
            _require(conn, function, qualifier or LATEST)
            forget_event_invoke_config(conn, function, qualifier or LATEST)

        await self._store.write(work)

    async def _set(
        self, function: FunctionId, qualifier: str | None, settings: EventInvokeSettings, *, keep: bool
    ) -> EventInvokeConfig:
        name = qualifier or LATEST
        now = self._clock.time()
        _check_given(settings)

        def work(conn: Connection) -> EventInvokeConfig:
            _require_function(conn, function, name)
            current = _require(conn, function, name) if keep else EventInvokeConfig(qualifier=name)
            config = replace(settings.over(current), last_modified=now)
            _check_destinations(conn, function, settings)
            forget_event_invoke_config(conn, function, name)
            key = {"region": function.region, "function": function.name}
            values = {column: getattr(config, column) for column in EventInvokeConfig.__slots__}
            conn.execute(sa.insert(event_invoke_configs).values(**key, **values))
            return config

        return await self._store.write(work)


_FIELDS = tuple(EventInvokeConfig.__slots__)
_FIND = Prepared(
    lambda _: sa.select(*(_configs[name] for name in _FIELDS)).where(
        _configs.region == bindparam("of_region"),
        _configs.function == bindparam("of_function"),
        _configs.qualifier == bindparam("of_qualifier"),
    )
)


def read_configs(conn: Connection, keys: Iterable[ConfigKey]) -> Mapping[ConfigKey, EventInvokeConfig]:
    """The configs of these keys; one that has none gets what holds by default."""
    return {key: _find(conn, *key) or EventInvokeConfig(qualifier=key[2]) for key in keys}


def forget_event_invoke_config(conn: Connection, function: FunctionId, qualifier: str) -> None:
    """The version or alias that a config was attached to is gone, or another config takes its place."""
    conn.execute(sa.delete(event_invoke_configs).where(_of_function(function), _configs.qualifier == qualifier))


def _find(conn: Connection, region: str, name: str, qualifier: str) -> EventInvokeConfig | None:
    rows = _FIND.rows(conn, {"of_region": region, "of_function": name, "of_qualifier": qualifier})
    return EventInvokeConfig(**dict(zip(_FIELDS, rows[0], strict=True))) if rows else None


def _require(conn: Connection, function: FunctionId, qualifier: str) -> EventInvokeConfig:
    found = _find(conn, function.region, function.name, qualifier)
    if found is None:
        raise ResourceNotFoundException(
            f"The function {function.arn(qualifier)} doesn't have an EventInvokeConfig", Type="User"
        )
    return found


def _require_function(conn: Connection, function: FunctionId, qualifier: str) -> None:
    try:
        lookup.require_version(conn, function, qualifier)
    except ResourceNotFoundException:
        # These operations have a text of their own.
        raise ResourceNotFoundException("The function doesn't exist.", Type="User") from None


def _check_given(settings: EventInvokeSettings) -> None:
    if settings.retry_attempts is None and settings.event_age_s is None and not settings.destinations_given:
        raise InvalidParameterValueException(
            "You must specify at least one of error handling or destination setting.", Type="User"
        )


def _check_destinations(conn: Connection, function: FunctionId, settings: EventInvokeSettings) -> None:
    """Each must be one that AWS would take."""
    for arn in filter(None, (settings.on_success, settings.on_failure)):
        service = arn.split(":")[2] if arn.startswith("arn:") else ""
        if service not in DESTINATIONS or (service in FAILURES_ONLY and arn == settings.on_success):
            raise _invalid_config(settings)
        if service == "lambda":
            _check_function(conn, function, arn)
        else:
            _check_elsewhere(function, arn)


def _check_elsewhere(function: FunctionId, arn: str) -> None:
    """A queue, topic or bus of this region and account, or a bucket; FIFO ones are not for destinations."""
    parts = arn.split(":")
    service, place, name = parts[2], parts[3:5], parts[-1]
    here = ["", ""] if service == "s3" else [function.region, function.account]
    kept = name.startswith("event-bus/") if service == "events" else bool(name) and not name.endswith(".fifo")
    if len(parts) != 6 or place != here or not kept:
        raise InvalidParameterValueException(f"The destination ARN {arn} is invalid.", Type="User")


def _check_function(conn: Connection, function: FunctionId, arn: str) -> None:
    target = destination_function(arn)
    if target is None or target[0].account != function.account:
        raise InvalidParameterValueException(f"The destination ARN {arn} is invalid.", Type="User")
    if target[0] == function:
        raise InvalidParameterValueException("You can't specify the function as a destination for itself.", Type="User")
    try:
        lookup.require_version(conn, *target)
    except ResourceNotFoundException:
        raise InvalidParameterValueException(f"The destination ARN {arn} is invalid.", Type="User") from None


def destination_function(arn: str) -> tuple[FunctionId, str | None] | None:
    """The function and qualifier that a destination's ARN names; None where it names no function in full."""
    reference = parse_function_reference(arn)
    if reference is None or reference.account is None or reference.region is None:
        return None
    function = FunctionId(account=reference.account, region=reference.region, name=reference.name)
    return function, reference.qualifier


def _invalid_config(settings: EventInvokeSettings) -> InvalidParameterValueException:
    success = f"OnSuccess(destination={settings.on_success})" if settings.on_success else "null"
    failure = f"OnFailure(destination={settings.on_failure})" if settings.on_failure else "null"
    return InvalidParameterValueException(
        f"The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid.",
        Type="User",
    )


def _of_function(function: FunctionId) -> sa.ColumnElement[bool]:
    return (_configs.region == function.region) & (_configs.function == function.name)


def _config(row: Row[Any]) -> EventInvokeConfig:
    return EventInvokeConfig(**{name: getattr(row, name) for name in EventInvokeConfig.__slots__})
