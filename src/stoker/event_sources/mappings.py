"""The mappings that there are: made, changed and deleted by their users, and at work while they are enabled."""

import logging
import uuid
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from stoker.event_sources import mapping_rows, source_secrets
from stoker.event_sources.failure_destination import RoleMay, check_destination
from stoker.event_sources.mapping import CHANGING, Mapping
from stoker.event_sources.options import access_from, changed, options_from
from stoker.event_sources.source import Forgets
from stoker.event_sources.sources import Sources
from stoker.event_sources.work import Work
from stoker.functions import lookup
from stoker.identity.sealing import Seal
from stoker.model.arn import FunctionId
from stoker.model.clock import Clock
from stoker.model.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceInUseException,
    ResourceNotFoundException,
    ServiceError,
)
from stoker.model.function import FunctionVersion
from stoker.store.store import Store

NO_RECORDS = "No records processed"
# A source that cannot be reached keeps what a deleted mapping left in it; for so long it is tried to take it away.
FORGET_WITHIN_S = 3600.0
FORGET_AGAIN_S = 5.0

log = logging.getLogger(__name__)


class EventSourceMappings:
    """For the event loop's thread. `start` first, `close` at the end."""

    def __init__(
        self,
        *,
        account: str,
        store: Store,
        clock: Clock,
        sources: Sources,
        work: Work,
        seal: Seal,
        role_may: RoleMay,
    ) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._sources = sources
        self._work = work
        self._seal = seal
        self._role_may = role_may
        self._mappings: dict[str, Mapping] = {}
        work.on_settled(self._settled)
        work.on_result(self._note_result)

    def __repr__(self) -> str:
        return f"<EventSourceMappings {len(self._mappings)}, {self._work!r}>"

    async def start(self) -> None:
        """Go on with what the last run left."""
        for mapping in await self._store.read(self._read):
            self._mappings[mapping.uuid] = mapping
            if mapping.state in CHANGING or mapping.state == "Enabled":
                self._work.apply(mapping)

    def _read(self, conn: Connection) -> Sequence[Mapping]:
        secrets = source_secrets.all_of(conn, self._seal)
        found = mapping_rows.all_of(conn, self._account)
        return [replace(mapping, access=secrets.get(mapping.uuid, ())) for mapping in found]

    async def close(self) -> None:
        """Receive nothing more, and let what runs end."""
        await self._work.close()

    def get(self, region: str, mapping_uuid: str) -> Mapping:
        """Raises ResourceNotFoundException."""
        mapping = self._mappings.get(mapping_uuid)
        if mapping is None or mapping.function.region != region:
            raise ResourceNotFoundException("The resource you requested does not exist.", Type="User")
        return mapping

    def listed(
        self, region: str, source_arn: str | None, function: FunctionId | None, qualifier: str | None
    ) -> Sequence[Mapping]:
        """Those of a source, of a function, or all; by UUID."""
        return [
            mapping
            for _, mapping in sorted(self._mappings.items())
            if mapping.function.region == region
            and source_arn in (None, mapping.source_arn)
            and (function is None or (mapping.function == function and qualifier in (None, mapping.qualifier)))
        ]

    async def create(self, function: FunctionId, qualifier: str | None, params: Dictionary[str, Any]) -> Mapping:
        """A new mapping, in its first state. Raises the caller's error."""
        source_arn: str | None = params.get("EventSourceArn")
        source = self._sources.of(source_arn)
        assert source_arn is not None
        options = options_from(params, source.abilities(source_arn))
        version = await self._version(function, qualifier)
        mapping = Mapping(
            uuid=str(uuid.uuid4()),
            function=function,
            qualifier=qualifier,
            source_arn=source_arn,
            options=options,
            state="Creating" if options.enabled else "Disabled",
            modified=self._clock.time(),
            last_result=NO_RECORDS if source.abilities(source_arn).streams else None,
            tags=dict(params.get("Tags") or {}),
            access=access_from(params, source.abilities(source_arn)),
        )
        await source.check(mapping, timeout_s=version.timeout_s, role_arn=version.role)
        await check_destination(mapping, version.role, self._role_may)

        def work(conn: Connection) -> None:
            self._refuse_twin(conn, mapping)
            mapping_rows.insert(conn, mapping)
            source_secrets.put(conn, mapping, self._seal)

        await self._store.write(work)
        return self._keep(mapping)

    async def update(
        self,
        region: str,
        mapping_uuid: str,
        target: tuple[FunctionId, str | None] | None,
        params: Dictionary[str, Any],
    ) -> Mapping:
        """The mapping with what is given changed; `target` is another function for it."""
        mapping = self.get(region, mapping_uuid)
        self._refuse_busy(mapping, "update")
        source = self._sources.of(mapping.source_arn)
        options = changed(mapping.options, params, source.abilities(mapping.source_arn))
        function, qualifier = target or (mapping.function, mapping.qualifier)
        version = await self._version(function, qualifier)
        state = "Updating"
        if options.enabled != mapping.options.enabled:
            state = "Enabling" if options.enabled else "Disabling"
        elif not options.enabled:
            state = "Disabled"
        updated = replace(
            mapping,
            function=function,
            qualifier=qualifier,
            options=options,
            state=state,
            modified=self._clock.time(),
            access=access_from(params, source.abilities(mapping.source_arn), mapping.access),
        )
        await source.check(updated, timeout_s=version.timeout_s, role_arn=version.role)
        await check_destination(updated, version.role, self._role_may)

        def work(conn: Connection) -> None:
            self._refuse_twin(conn, updated)
            mapping_rows.update(conn, updated)
            source_secrets.put(conn, updated, self._seal)

        await self._store.write(work)
        return self._keep(updated)

    async def delete(self, region: str, mapping_uuid: str) -> Mapping:
        """The mapping, on its way out: it is gone once what runs has ended."""
        mapping = self.get(region, mapping_uuid)
        if mapping.state == "Deleting":
            self._refuse_busy(mapping, "delete")
        deleting = replace(mapping, state="Deleting", modified=self._clock.time())
        await self._store.write(lambda conn: mapping_rows.update(conn, deleting))
        return self._keep(deleting)

    async def set_tags(self, mapping: Mapping, tags: Dictionary[str, str]) -> None:
        tagged = replace(self.get(mapping.function.region, mapping.uuid), tags=dict(tags))
        await self._store.write(lambda conn: mapping_rows.update(conn, tagged))
        self._mappings[mapping.uuid] = replace(self._mappings[mapping.uuid], tags=dict(tags))

    def _keep(self, mapping: Mapping) -> Mapping:
        self._mappings[mapping.uuid] = mapping
        if mapping.state != "Disabled":
            self._work.apply(mapping)
        return mapping

    async def _settled(self, mapping: Mapping) -> None:
        """What was asked for has come to be: the mapping works, or it works no more."""
        current = self._mappings.get(mapping.uuid)
        if current is None or current.modified != mapping.modified:
            return
        if mapping.state == "Deleting":
            if await self._is_forgotten(current):
                await self._store.write(lambda conn: _delete(conn, mapping.uuid))
                self._mappings.pop(mapping.uuid, None)
            return
        settled = replace(current, state=current.wanted)
        if settled.state != current.state:
            await self._store.write(lambda conn: mapping_rows.update(conn, settled))
            self._mappings[mapping.uuid] = settled

    async def _is_forgotten(self, mapping: Mapping) -> bool:
        """Whether the source has nothing of the mapping any more; if not it is tried again, or given up in time."""
        source = self._sources.of(mapping.source_arn)
        if not isinstance(source, Forgets):
            return True
        try:
            await source.forget(mapping)
        except ServiceError as error:
            # One that has read nothing yet most likely was never let in, and has nothing there.
            began = await self._store.read(lambda conn: mapping_rows.has_begun(conn, mapping.uuid))
            if not began or self._clock.time() - mapping.modified > FORGET_WITHIN_S:
                log.warning("mapping %s is deleted, and left in %s what it had: %s", mapping.uuid, source, error)
                return True
            self._note_result(mapping.uuid, f"PROBLEM: {error}")
            self._clock.call_later(FORGET_AGAIN_S, lambda: self._work.apply(mapping))
            return False
        return True

    def _note_result(self, mapping_uuid: str, result: str) -> None:
        """Kept in memory alone: it is what the last batch did, and the next one writes it anew."""
        mapping = self._mappings.get(mapping_uuid)
        if mapping is not None and mapping.last_result != result:
            self._mappings[mapping_uuid] = replace(mapping, last_result=result)

    async def _version(self, function: FunctionId, qualifier: str | None) -> FunctionVersion:
        try:
            record = await self._store.read(lambda conn: lookup.require_version(conn, function, qualifier))
        except ResourceNotFoundException:
            raise InvalidParameterValueException("Function does not exist", Type="User") from None
        return record.function

    def _refuse_busy(self, mapping: Mapping, what: str) -> None:
        if mapping.state in CHANGING:
            raise ResourceInUseException(f"Cannot {what} the event source mapping because it is in use.", Type="User")

    def _refuse_twin(self, conn: Connection, mapping: Mapping) -> None:
        twin = mapping_rows.twin_of(conn, mapping)
        if twin is None:
            return
        abilities = self._sources.of(mapping.source_arn).abilities(mapping.source_arn)
        arn, name = mapping.source_arn, mapping.function.name
        text = (
            f'The event source arn (" {arn} ") and function (" {name} ") provided mapping already exists.'
            if abilities.streams
            else f'An event source mapping with {abilities.label} arn (" {arn} ") and function (" {name} ") '
            "already exists."
        )
        raise ResourceConflictException(
            f"{text} Please update or delete the existing mapping with UUID {twin.uuid}", Type="User"
        )


def _delete(conn: Connection, mapping_uuid: str) -> None:
    mapping_rows.delete(conn, mapping_uuid)
    source_secrets.delete(conn, mapping_uuid)
