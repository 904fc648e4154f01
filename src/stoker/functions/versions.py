"""Published versions: numbered, immutable copies of $LATEST."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from stoker.functions import drafts, lookup, version_rows
from stoker.functions.aliases import aliases_to
from stoker.functions.changes import Changes
from stoker.functions.concurrency import forget_provisioned
from stoker.functions.event_invoke_config import forget_event_invoke_config
from stoker.functions.permissions import forget_policy
from stoker.functions.records import (
    Page,
    VersionRecord,
    base64_digest,
    decode_marker,
    encode_marker,
    fingerprint,
    new_revision,
    page_of,
)
from stoker.functions.unused_code import UnusedCode
from stoker.functions.uploads import check_storage
from stoker.model.arn import FunctionId, is_version_number
from stoker.model.errors import InvalidParameterValueException, ResourceConflictException
from stoker.model.function import LATEST
from stoker.store.store import Store


class Versions:
    """Publish, list and delete versions."""

    def __init__(
        self, store: Store, changes: Changes, unused: UnusedCode, prepare: Callable[[VersionRecord], None]
    ) -> None:
        self._store = store
        self._changes = changes
        self._unused = unused
        self._prepare = prepare

    async def publish(
        self,
        function: FunctionId,
        *,
        description: str | None = None,
        code_sha256: str | None = None,
        revision_id: str | None = None,
    ) -> VersionRecord:
        """$LATEST as a new version, or the last version if nothing changed since.

        `code_sha256` (in base64) and `revision_id` must be $LATEST's, if they are given.
        """

        def work(conn: Connection) -> VersionRecord:
            latest = lookup.require_latest(conn, function)
            lookup.check_revision(latest.revision_id, revision_id)
            _check_code(latest, code_sha256)
            lookup.check_changeable(function, latest)
            return publish_latest(conn, latest, description)

        record = await self._store.write(work)
        if not record.settled:
            self._prepare(record)
        return record

    async def list(self, function: FunctionId, marker: str | None, limit: int) -> Page[VersionRecord]:
        """$LATEST and the published versions, by number."""
        after = decode_marker(marker, -1)[0]

        def read(conn: Connection) -> list[VersionRecord]:
            lookup.require_latest(conn, function)
            return version_rows.page_of_versions(conn, function.region, function.name, after, limit + 1)

        found = await self._store.read(read)
        return page_of(found, limit, lambda record: encode_marker(record.number))

    async def delete(self, function: FunctionId, qualifier: str) -> None:
        """Delete one version; one that is not there is no error. An alias's version stays."""
        if qualifier == LATEST:
            raise InvalidParameterValueException("$LATEST version cannot be deleted without deleting the function.")
        if not is_version_number(qualifier):
            raise InvalidParameterValueException("Deletion of aliases is not currently supported.")
        released = await self._store.write(lambda conn: _delete(conn, function, qualifier))
        self._changes.announce(function.region, function.name)
        self._unused.consider(released)


def publish_latest(conn: Connection, latest: VersionRecord, description: str | None = None) -> VersionRecord:
    """Store a version made from $LATEST, unless the last one has the same content."""
    function = latest.function
    last = version_rows.last_published(conn, function.region, function.name)
    if last is not None and last.fingerprint == fingerprint(function):
        return last
    check_storage(conn, function.region, function.code_size)
    number = version_rows.next_number(conn, "function", function.region, function.name)
    version = drafts.published(latest, number, description)
    version_rows.insert(conn, version)
    # As on AWS, publishing changes the RevisionId of $LATEST, though not what it runs.
    version_rows.update(conn, replace(latest, revision_id=new_revision()))
    return version


def _check_code(latest: VersionRecord, code_sha256: str | None) -> None:
    current = base64_digest(latest.function.code_sha256)
    if code_sha256 and code_sha256 != current:
        raise InvalidParameterValueException(
            f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST ({current}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )


def _delete(conn: Connection, function: FunctionId, qualifier: str) -> set[str]:
    lookup.require_latest(conn, function)
    if aliases := aliases_to(conn, function, qualifier):
        raise ResourceConflictException(
            f"Unable to delete version because the following aliases reference it: [{', '.join(aliases)}]"
        )
    record = lookup.find_version(conn, function, qualifier)
    if record is None:
        return set()
    version_rows.delete(conn, record)
    forget_policy(conn, function, qualifier)
    forget_event_invoke_config(conn, function, qualifier)
    forget_provisioned(conn, function, qualifier)
    return version_rows.digests_of(record)
