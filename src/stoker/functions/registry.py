"""The life of a function: created, changed, resolved for invocations, deleted. Read this first.

Versions, aliases, permissions, tags and layers are beside it; each has its rules in a file of that name.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import configuration, drafts, lookup, version_rows
from stoker.functions.account import AccountUsage, read_usage
from stoker.functions.aliases import Aliases
from stoker.functions.changes import Changes, Listener
from stoker.functions.choices import Choices
from stoker.functions.code_storage import CodeStorage, Prepared
from stoker.functions.concurrency import Concurrency
from stoker.functions.configuration import ConfigurationChange
from stoker.functions.drafts import NewFunction
from stoker.functions.event_invoke_config import EventInvokeConfigs
from stoker.functions.layers import Layers
from stoker.functions.permissions import Permissions
from stoker.functions.policy_cache import PolicyCache
from stoker.functions.preparation import Optimise, Preparation
from stoker.functions.records import Page, VersionRecord, decode_marker, encode_marker, page_of
from stoker.functions.recursion import Recursion
from stoker.functions.reservations import Reservations
from stoker.functions.resolution import Resolver
from stoker.functions.runtimes import RuntimeCatalogue
from stoker.functions.tags import Tags
from stoker.functions.unused_code import UnusedCode
from stoker.functions.uploads import Uploads, check_storage
from stoker.functions.urls import Urls
from stoker.functions.versions import Versions, publish_latest
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock
from stoker.model.errors import ResourceConflictException, ResourceNotFoundException
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Target
from stoker.model.limits import DEFAULT_CONCURRENCY
from stoker.store.store import Store
from stoker.store.tables_async import async_events, event_invoke_configs, recursive_functions
from stoker.store.tables_concurrency import provisioned_concurrency, reserved_concurrency
from stoker.store.tables_functions import function_aliases, function_policies, functions
from stoker.store.tables_urls import function_urls


class Registry:
    """Every function of one account, in every region.

    `start` must be awaited before anything else, `close` at the end. What `resolve` needs is cached; `on_change`
    tells environments when theirs are stale. `concurrency` is the account's limit in each region.
    """

    def __init__(
        self,
        *,
        account: str,
        store: Store,
        code: CodeStorage,
        runtimes: RuntimeCatalogue,
        clock: Clock,
        random: Callable[[], float] = random.random,
        architecture: str | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> None:
        self._store = store
        self._code = code
        self._runtimes = runtimes
        self._clock = clock
        self._architecture = architecture or drafts.machine_architecture()
        self._changes = Changes()
        self._resolver = Resolver(store, account, random)
        self._bindings = Changes()
        self._changes.subscribe(self._bindings.announce)
        self._bindings.subscribe(self._resolver.forget)
        self.reservations = Reservations(concurrency)
        self.concurrency = Concurrency(store, self.reservations, self._bindings, clock)
        self._unused = UnusedCode(store, code, clock)
        self._uploads = Uploads(store, code)
        self._preparation = Preparation(store, code, self._changes, self._unused)
        self.versions = Versions(store, self._changes, self._unused, self._preparation.begin)
        self.aliases = Aliases(store, self._bindings)
        self.permissions = Permissions(store, self._bindings)
        self.policies = PolicyCache(self.permissions, self._bindings)
        self.urls = Urls(store, account, clock, self._bindings)
        self.event_invoke_configs = EventInvokeConfigs(store, clock)
        self.recursion = Recursion(store)
        self.tags = Tags(store, self._changes)
        self._choices = Choices(self.tags.get)
        self._changes.subscribe(self._choices.forget)
        self.layers = Layers(store, self._uploads, self._unused, clock)

    def __repr__(self) -> str:
        return f"<Registry {self._resolver!r} {self._runtimes!r}>"

    async def start(self) -> None:
        """Remove code that nobody needs and go on with what was unfinished."""
        await self.concurrency.start()
        await self._unused.sweep()
        await self._preparation.resume()

    async def close(self) -> None:
        """Stop preparing; what is unfinished is resumed at the next start."""
        await self._preparation.close()
        await self._unused.close()

    async def sandbox_of(self, function: FunctionVersion) -> str | None:
        """The sandbox that a function's tag asks for; None where it leaves the choice."""
        return (await self._choices.of(_identity(function))).sandbox

    async def starts_fresh(self, function: FunctionVersion) -> bool:
        """Whether each invocation is to have an environment of its own."""
        return (await self._choices.of(_identity(function))).fresh

    async def exists(self, function: FunctionVersion) -> bool:
        """Whether this version is still there."""
        try:
            await self.get(_identity(function), function.version)
        except ResourceNotFoundException:
            return False
        return True

    async def optimized(self) -> Sequence[FunctionVersion]:
        """The versions that had their snapshot when Stoker stopped, the youngest first."""
        records = await self._store.read(version_rows.optimized)
        return [record.function for record in records if record.function.state == "Active"]

    def optimise_by(self, optimise: Optimise) -> None:
        """What makes the snapshots of SnapStart's versions; they are Pending until this was called."""
        self._preparation.optimise_by(optimise)

    def on_change(self, listener: Listener) -> None:
        """Call `listener(region, name)` after a function changed so that its environments are stale, or is gone."""
        self._changes.subscribe(listener)

    def on_binding_change(self, listener: Listener) -> None:
        """Call `listener(region, name)` after anything changed that `on_change` tells, an alias, or what it is set to.

        That is its provisioned concurrency, its policies and URLs.
        """
        self._bindings.subscribe(listener)

    def known(self, region: str, name: str, qualifier: str | None) -> Target | None:
        """What an invocation runs, where that needs no look into the database."""
        return self._resolver.cached(region, name, qualifier)

    async def resolve(self, region: str, name: str, qualifier: str | None) -> Target:
        """What an invocation runs. Raises ResourceNotFoundException, or ResourceConflictException while Pending."""
        target = self._resolver.cached(region, name, qualifier)
        return target if target is not None else await self._resolver.load(region, name, qualifier)

    async def prepared(self, function: FunctionVersion) -> Prepared:
        """The function's code and layers, unpacked into directories that are not to be written to."""
        return await self._code.prepare(function.code_sha256, [layer.code_sha256 for layer in function.layers])

    async def settled(self) -> None:
        """Wait until nothing is Pending or InProgress."""
        await self._preparation.finished()

    async def account_usage(self, region: str) -> AccountUsage:
        """What is used of the account's quotas in a region."""
        return await self._store.read(lambda conn: read_usage(conn, region))

    async def get(self, function: FunctionId, qualifier: str | None) -> VersionRecord:
        """The version that a qualifier means; None is $LATEST."""
        return await self._store.read(lambda conn: lookup.require_version(conn, function, qualifier))

    async def list_latest(self, region: str, marker: str | None, limit: int) -> Page[VersionRecord]:
        """$LATEST of every function, by name."""
        after = decode_marker(marker, "")[0]
        found = await self._store.read(lambda conn: version_rows.page_of_latest(conn, region, after, limit + 1))
        return page_of(found, limit, lambda record: encode_marker(record.function.name))

    async def list_all(self, region: str, marker: str | None, limit: int) -> Page[VersionRecord]:
        """Every version of every function, by name and number."""
        name, number = decode_marker(marker, "", 0)
        found = await self._store.read(lambda conn: version_rows.page_of_all(conn, region, name, number, limit + 1))
        return page_of(found, limit, lambda record: encode_marker(record.function.name, record.number))

    async def create(self, function: FunctionId, new: NewFunction, data: bytes) -> VersionRecord:
        """A new function, Pending; its first version if `publish`, else $LATEST."""
        configuration.check_name(function.name)
        self._check_machine(new.configuration)
        drafts.check_tags(new.tags)
        draft = drafts.first_draft(function, new.configuration, self._architecture, self._clock.time())
        package = await self._uploads.inspect(data)
        draft = drafts.with_code(draft, package)

        def insert(conn: Connection) -> list[VersionRecord]:
            if version_rows.exists(conn, function.region, function.name):
                raise ResourceConflictException(f"Function already exist: {function.name}")
            check_storage(conn, function.region, package.size)
            complete = drafts.with_layers(conn, draft, new.configuration)
            drafts.check_unzipped_size(conn, complete)
            latest = drafts.created(complete)
            conn.execute(sa.insert(functions).values(region=function.region, name=function.name, tags=dict(new.tags)))
            version_rows.insert(conn, latest)
            return [latest, *([publish_latest(conn, latest)] if new.publish else [])]

        async with self._uploads.kept(data, package):
            records = await self._store.write(insert)
        return self._prepare(records)

    async def update_configuration(
        self, function: FunctionId, change: ConfigurationChange, revision_id: str | None
    ) -> VersionRecord:
        """$LATEST with what was given changed, InProgress."""
        self._check_machine(change)

        def revise(conn: Connection, current: FunctionVersion) -> FunctionVersion:
            revised = drafts.with_layers(conn, configuration.apply(current, change), change)
            drafts.check_unzipped_size(conn, revised)
            return revised

        now = self._clock.time()
        record = await self._store.write(lambda conn: _update(conn, function, revise, revision_id, now))
        return self._prepare([record])

    async def update_code(
        self, function: FunctionId, data: bytes, *, architecture: str | None, revision_id: str | None, publish: bool
    ) -> VersionRecord:
        """$LATEST with new code, InProgress; the version made of it if `publish`."""
        drafts.check_architecture(architecture, self._architecture)
        package = await self._uploads.inspect(data)
        now = self._clock.time()

        def revise(conn: Connection, current: FunctionVersion) -> FunctionVersion:
            check_storage(conn, function.region, package.size - current.code_size)
            revised = drafts.with_code(current, package)
            drafts.check_unzipped_size(conn, revised)
            return revised

        def update(conn: Connection) -> list[VersionRecord]:
            latest = _update(conn, function, revise, revision_id, now)
            return [latest, *([publish_latest(conn, latest)] if publish else [])]

        async with self._uploads.kept(data, package):
            records = await self._store.write(update)
        return self._prepare(records)

    async def try_update_code(
        self, function: FunctionId, data: bytes, *, architecture: str | None, revision_id: str | None
    ) -> VersionRecord:
        """What `update_code` would make of $LATEST, with every check but nothing changed: its DryRun."""
        drafts.check_architecture(architecture, self._architecture)
        package = await self._uploads.inspect(data)
        record = await self._store.read(lambda conn: lookup.require_latest(conn, function))
        lookup.check_revision(record.revision_id, revision_id)
        lookup.check_changeable(function, record)
        return replace(record, function=drafts.with_code(record.function, package))

    async def delete(self, function: FunctionId) -> None:
        """The function with all its versions, aliases, policies, URLs, tags and events."""
        released = await self._store.write(lambda conn: _delete(conn, function))
        self.concurrency.forget(function)
        self._changes.announce(function.region, function.name)
        self._unused.consider(released)

    def _check_machine(self, change: ConfigurationChange) -> None:
        if change.runtime is not None:
            self._runtimes.require(change.runtime)
        drafts.check_architecture(change.architecture, self._architecture)

    def _prepare(self, records: list[VersionRecord]) -> VersionRecord:
        """Begin to prepare what was just stored; the last of it is what the caller is answered."""
        for record in records:
            if not record.settled:
                self._preparation.begin(record)
        return records[-1]


def _identity(function: FunctionVersion) -> FunctionId:
    return FunctionId(account=function.account, region=function.region, name=function.name)


Revise = Callable[[Connection, FunctionVersion], FunctionVersion]

# Events that wait for a function go with it, as on AWS.
_TABLES_BY_FUNCTION = (
    function_aliases,
    function_policies,
    function_urls,
    event_invoke_configs,
    recursive_functions,
    async_events,
    reserved_concurrency,
    provisioned_concurrency,
)


def _update(
    conn: Connection, function: FunctionId, revise: Revise, revision_id: str | None, now: float
) -> VersionRecord:
    current = lookup.require_latest(conn, function)
    lookup.check_revision(current.revision_id, revision_id)
    lookup.check_changeable(function, current)
    record = drafts.updated(current, revise(conn, current.function), now)
    version_rows.update(conn, record)
    return record


def _delete(conn: Connection, function: FunctionId) -> set[str]:
    """Remove everything of a function; the digests that its versions needed."""
    lookup.require_latest(conn, function)
    records = version_rows.page_of_versions(conn, function.region, function.name, -1, None)
    for record in records:
        version_rows.delete(conn, record)
    for table in _TABLES_BY_FUNCTION:
        where = (table.c.region == function.region) & (table.c.function == function.name)
        conn.execute(sa.delete(table).where(where))
    where = (functions.c.region == function.region) & (functions.c.name == function.name)
    conn.execute(sa.delete(functions).where(where))
    return set().union(*map(version_rows.digests_of, records))
