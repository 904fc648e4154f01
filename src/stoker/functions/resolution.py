"""From a name and a qualifier to the version that an invocation runs, without a database on the warm path."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stoker.functions import lookup
from stoker.functions.records import Alias, VersionRecord
from stoker.model.arn import FunctionId
from stoker.model.errors import ResourceNotFoundException
from stoker.model.function import LATEST
from stoker.model.invocation import Target
from stoker.store.store import Store

# A function and its qualifiers are a few KB.
CACHED_FUNCTIONS = 10_000
CACHED_QUALIFIERS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where a qualifier leads: to `main`, but to the others for their parts of the whole, which is 1.0."""

    main: Target
    others: Sequence[tuple[float, Target]] = ()

    def pick(self, random: Callable[[], float]) -> Target:
        """The target of one invocation; `random` gives numbers from 0.0 up to 1.0."""
        if not self.others:
            return self.main
        point = random()
        for weight, target in self.others:
            if point < weight:
                return target
            point -= weight
        return self.main


class Resolver:
    """A bounded cache of routes: least recently used functions go first.

    `forget` must be called after each change of a function, an alias included. A route that was read before such a
    change is not kept: `_changes` tells.
    """

    def __init__(self, store: Store, account: str, random: Callable[[], float]) -> None:
        self._store = store
        self._account = account
        self._random = random
        self._routes: OrderedDict[tuple[str, str], dict[str | None, Route]] = OrderedDict()
        self._changes = 0

    def __repr__(self) -> str:
        return f"<Resolver {len(self._routes)} functions cached>"

    def cached(self, region: str, name: str, qualifier: str | None) -> Target | None:
        """The target of one invocation, if its route is known."""
        key = (region, name)
        routes = self._routes.get(key)
        if routes is None or (route := routes.get(qualifier)) is None:
            return None
        self._routes.move_to_end(key)
        return route.pick(self._random) if route.others else route.main

    async def load(self, region: str, name: str, qualifier: str | None) -> Target:
        """The target of one invocation, from the database. Raises what AWS answers when there is none."""
        changes = self._changes
        function = FunctionId(account=self._account, region=region, name=name)
        route = await self._store.read(lambda conn: find_route(conn, function, qualifier))
        if changes == self._changes:
            self._keep((region, name), qualifier, route)
        return route.pick(self._random)

    def forget(self, region: str, name: str) -> None:
        """Something about this function changed."""
        self._changes += 1
        self._routes.pop((region, name), None)

    def _keep(self, key: tuple[str, str], qualifier: str | None, route: Route) -> None:
        routes = self._routes.setdefault(key, {})
        if len(routes) >= CACHED_QUALIFIERS:
            routes.clear()
        routes[qualifier] = route
        if len(self._routes) > CACHED_FUNCTIONS:
            self._routes.popitem(last=False)


def find_route(conn: Connection, function: FunctionId, qualifier: str | None) -> Route:
    """Where a qualifier leads now. Raises ResourceNotFoundException, or ResourceConflictException for its state."""
    invoked_arn = function.arn(qualifier)
    try:
        main = lookup.require_version(conn, function, qualifier)
    except ResourceNotFoundException:
        # Invoke names the version that it looked for, even if the caller did not.
        raise lookup.function_not_found(function, qualifier or LATEST) from None
    alias = None if qualifier is None else lookup.find_alias(conn, function, qualifier)
    others = _others(conn, function, alias) if alias else []
    return Route(
        main=_target(main, invoked_arn),
        others=[(weight, _target(record, invoked_arn)) for weight, record in others],
    )


def _others(conn: Connection, function: FunctionId, alias: Alias) -> list[tuple[float, VersionRecord]]:
    return [
        (weight, lookup.require_version(conn, function, version)) for version, weight in alias.weights.items() if weight
    ]


def _target(record: VersionRecord, invoked_arn: str) -> Target:
    function = record.served
    if function.state != "Active":
        raise lookup.state_conflict(function.state)
    return Target(function=function, invoked_arn=invoked_arn)
