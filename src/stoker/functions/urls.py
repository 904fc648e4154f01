"""Function URLs: HTTP addresses of functions and aliases, and what a call to one needs to know without a database."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from stoker.functions import lookup
from stoker.functions.changes import Changes
from stoker.functions.permissions import statements_of
from stoker.functions.records import Page, decode_marker, encode_marker, page_of
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock
from stoker.model.cors import CorsRules
from stoker.model.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.model.policy import policy_document
from stoker.store.store import Store
from stoker.store.tables_urls import function_urls

ID_LENGTH = 32
_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# A URL with its policy is a few KB.
CACHED_URLS = 10_000
BUFFERED, RESPONSE_STREAM = "BUFFERED", "RESPONSE_STREAM"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "*"})

_urls = function_urls.c


@dataclass(frozen=True, kw_only=True)
class FunctionUrl:
    """One URL's configuration. `qualifier` is an alias or None; times are in seconds since the epoch."""

    id: str
    function: FunctionId
    qualifier: str | None
    auth_type: str
    cors: CorsRules | None
    created: float
    modified: float
    invoke_mode: str = BUFFERED


@dataclass(frozen=True, kw_only=True)
class UrlChange:
    """What Create and Update are given; None leaves it as it is, rules that say nothing remove what was there."""

    auth_type: str | None = None
    cors: CorsRules | None = None
    invoke_mode: str | None = None


@dataclass(frozen=True, kw_only=True)
class GuardedUrl:
    """A URL with the policy of what it leads to, in JSON; None where that has none."""

    url: FunctionUrl
    policy: str | None


class Urls:
    """Create, find, change and delete URLs; `cached` and `load` find one by its id, for whoever calls it.

    `bindings` announces every change of a function's aliases, policies and URLs.
    """

    def __init__(self, store: Store, account: str, clock: Clock, bindings: Changes) -> None:
        self._store = store
        self._account = account
        self._clock = clock
        self._bindings = bindings
        self._known: OrderedDict[str, GuardedUrl] = OrderedDict()
        self._changes = 0
        bindings.subscribe(self._forget)

    def __repr__(self) -> str:
        return f"<Urls {len(self._known)} cached>"

    def cached(self, url_id: str) -> GuardedUrl | None:
        """A URL that was called lately."""
        known = self._known.get(url_id)
        if known is not None:
            self._known.move_to_end(url_id)
        return known

    async def load(self, url_id: str) -> GuardedUrl | None:
        """A URL from the database, None if there is none of this id."""
        changes = self._changes
        found = await self._store.read(lambda conn: self._read_guarded(conn, url_id))
        if found is not None and changes == self._changes:
            self._known[url_id] = found
            if len(self._known) > CACHED_URLS:
                self._known.popitem(last=False)
        return found

    async def create(self, function: FunctionId, qualifier: str | None, given: UrlChange) -> FunctionUrl:
        """A new URL; ResourceConflictException if there is one."""
        now = self._clock.time()
        url = _changed(
            FunctionUrl(
                id=_new_id(),
                function=function,
                qualifier=qualifier,
                auth_type="AWS_IAM",
                cors=None,
                created=now,
                modified=now,
            ),
            given,
        )

        def work(conn: Connection) -> None:
            _require_target(conn, function, qualifier)
            if _find(conn, function, qualifier) is not None:
                raise ResourceConflictException(
                    f"Failed to create function url config for [functionArn = {function.arn(qualifier)}]. "
                    "Error message:  FunctionUrlConfig exists for this Lambda function"
                )
            conn.execute(sa.insert(function_urls).values(**_key(function, qualifier), id=url.id, **_values(url)))

        await self._store.write(work)
        return url

    async def get(self, function: FunctionId, qualifier: str | None) -> FunctionUrl:
        """One URL's configuration."""
        row = await self._store.read(lambda conn: _require(conn, function, qualifier))
        return _url(row, self._account)

    async def list(self, function: FunctionId, marker: str | None, limit: int) -> Page[FunctionUrl]:
        """A function's URLs: its own, then those of its aliases by name."""
        after = decode_marker(marker, "")[0]

        def read(conn: Connection) -> Sequence[Row[Any]]:
            _require_target(conn, function, None)
            where = urls_of(function)
            if marker:
                where &= _urls.qualifier > after
            query = sa.select(function_urls).where(where).order_by(_urls.qualifier).limit(limit + 1)
            return conn.execute(query).all()

        found = [_url(row, self._account) for row in await self._store.read(read)]
        return page_of(found, limit, lambda url: encode_marker(url.qualifier or ""))

    async def update(self, function: FunctionId, qualifier: str | None, change: UrlChange) -> FunctionUrl:
        """The URL with what was given changed; its address stays."""
        now = self._clock.time()

        def work(conn: Connection) -> FunctionUrl:
            current = _url(_require(conn, function, qualifier), self._account)
            url = replace(_changed(current, change), modified=now)
            conn.execute(sa.update(function_urls).where(_is(function, qualifier)).values(**_values(url)))
            return url

        url = await self._store.write(work)
        self._bindings.announce(function.region, function.name)
        return url

    async def delete(self, function: FunctionId, qualifier: str | None) -> None:
        """Delete a URL for ever: a new one has another address."""

        def work(conn: Connection) -> None:
            _require(conn, function, qualifier)
            forget_url(conn, function, qualifier)

        await self._store.write(work)
        self._bindings.announce(function.region, function.name)

    def _read_guarded(self, conn: Connection, url_id: str) -> GuardedUrl | None:
        row = conn.execute(sa.select(function_urls).where(_urls.id == url_id)).first()
        if row is None:
            return None
        url = _url(row, self._account)
        statements = statements_of(conn, url.function, url.qualifier)
        return GuardedUrl(url=url, policy=policy_document(statements) if statements else None)

    def _forget(self, region: str, name: str) -> None:
        """Something about this function changed. Rare beside calls: so the cache has no second index."""
        self._changes += 1
        where = (region, name)
        stale = [key for key, it in self._known.items() if (it.url.function.region, it.url.function.name) == where]
        for key in stale:
            del self._known[key]


def urls_of(function: FunctionId) -> sa.ColumnElement[bool]:
    """The condition for the rows of a function's URLs."""
    return (_urls.region == function.region) & (_urls.function == function.name)


def forget_url(conn: Connection, function: FunctionId, qualifier: str | None) -> None:
    """The URL, or the alias that it led to, is gone."""
    conn.execute(sa.delete(function_urls).where(_is(function, qualifier)))


def _new_id() -> str:
    """Nobody can guess it, which AWS does not promise of its own."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(ID_LENGTH))


def _changed(url: FunctionUrl, change: UrlChange) -> FunctionUrl:
    cors = url.cors if change.cors is None else change.cors
    for method in cors.allow_methods if cors else ():
        if method not in METHODS:
            raise InvalidParameterValueException(f"'{method}' is no method that AllowMethods can have.")
    return replace(
        url,
        auth_type=change.auth_type or url.auth_type,
        cors=None if cors == CorsRules() else cors,
        invoke_mode=change.invoke_mode or url.invoke_mode,
    )


def _require_target(conn: Connection, function: FunctionId, qualifier: str | None) -> None:
    """What a URL leads to: the function itself, or an alias."""
    try:
        lookup.require_version(conn, function, qualifier)
    except ResourceNotFoundException:
        raise ResourceNotFoundException("Function does not exist") from None


def _require(conn: Connection, function: FunctionId, qualifier: str | None) -> Row[Any]:
    row = _find(conn, function, qualifier)
    if row is None:
        raise ResourceNotFoundException
    return row


def _find(conn: Connection, function: FunctionId, qualifier: str | None) -> Row[Any] | None:
    return conn.execute(sa.select(function_urls).where(_is(function, qualifier))).first()


def _key(function: FunctionId, qualifier: str | None) -> dict[str, str]:
    return {"region": function.region, "function": function.name, "qualifier": qualifier or ""}


def _is(function: FunctionId, qualifier: str | None) -> sa.ColumnElement[bool]:
    return urls_of(function) & (_urls.qualifier == (qualifier or ""))


def _values(url: FunctionUrl) -> dict[str, Any]:
    cors = None if url.cors is None else asdict(url.cors)
    return {
        "auth_type": url.auth_type,
        "cors": cors,
        "created": url.created,
        "modified": url.modified,
        "invoke_mode": url.invoke_mode,
    }


def _url(row: Row[Any], account: str) -> FunctionUrl:
    return FunctionUrl(
        id=row.id,
        function=FunctionId(account=account, region=row.region, name=row.function),
        qualifier=row.qualifier or None,
        auth_type=row.auth_type,
        cors=None if row.cors is None else _cors(row.cors),
        created=row.created,
        modified=row.modified,
        invoke_mode=row.invoke_mode,
    )


def _cors(document: Mapping[str, Any]) -> CorsRules:
    values: dict[str, Any] = {key: tuple(it) if isinstance(it, list) else it for key, it in document.items()}
    return CorsRules(**values)
