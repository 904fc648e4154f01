"""Makes State and LastUpdateStatus real: unpacks a version's code and layers, then says how that went.

Pending becomes Active or Failed, InProgress becomes Successful or Failed. Nothing is lost on the way: what a restart
finds unfinished is begun again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from sqlalchemy import Connection

from stoker.functions import version_rows
from stoker.functions.changes import Changes
from stoker.functions.code_storage import CodeStorage
from stoker.functions.records import VersionRecord, new_revision, version_number
from stoker.functions.unused_code import UnusedCode
from stoker.functions.version_rows import digests_of
from stoker.model.errors import ServiceError
from stoker.model.function import FunctionVersion
from stoker.store.store import Store

# Makes a version's snapshot: whether there is one now; raises SnapshotInitError.
Optimise = Callable[[FunctionVersion], Awaitable[bool]]


class SnapshotInitError(Exception):
    """A function's init failed when it was run for SnapStart. `code` is a StateReasonCode."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Preparation:
    """One task per version that is being prepared."""

    def __init__(self, store: Store, code: CodeStorage, changes: Changes, unused: UnusedCode) -> None:
        self._store = store
        self._code = code
        self._changes = changes
        self._unused = unused
        self._tasks: set[asyncio.Task[None]] = set()
        self._optimise: Optimise | None = None
        self._may_optimise = asyncio.Event()

    def optimise_by(self, optimise: Optimise) -> None:
        """From now on SnapStart's versions can be prepared."""
        self._optimise = optimise
        self._may_optimise.set()

    def begin(self, record: VersionRecord) -> None:
        """Prepare a version that was just stored, in the background. One that is being prepared is no error."""
        name = f"prepare {record.function.unqualified_arn}:{record.function.version} {record.function.revision_id}"
        if any(task.get_name() == name for task in self._tasks):
            return
        task = asyncio.get_running_loop().create_task(self._prepare(record.function), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def resume(self) -> None:
        """Begin again what was unfinished when Stoker stopped."""
        for record in await self._store.read(version_rows.unsettled):
            self.begin(record)

    async def finished(self) -> None:
        """Wait for everything that has begun."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Stop where it is; `resume` goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _prepare(self, function: FunctionVersion) -> None:
        failure, optimized = None, False
        try:
            await self._code.prepare(function.code_sha256, [layer.code_sha256 for layer in function.layers])
        except ServiceError as error:
            failure = ("InvalidZipFileException", error.message)
        except OSError as error:
            # A full disk, say: the caller sees it in the state, and may update the function again.
            failure = ("InternalError", f"The deployment package could not be unpacked: {error}")
        if failure is None and function.snap_starts:
            try:
                optimized = await self._snapshot(function)
            except SnapshotInitError as error:
                failure = (error.code, error.reason)
        released = await self._store.write(lambda conn: settle(conn, function, failure, optimized))
        if released is not None:
            self._changes.announce(function.region, function.name)
            self._unused.consider(released)

    async def _snapshot(self, function: FunctionVersion) -> bool:
        await self._may_optimise.wait()
        assert self._optimise is not None
        return await self._optimise(function)


def settle(
    conn: Connection, function: FunctionVersion, failure: tuple[str, str] | None, optimized: bool = False
) -> set[str] | None:
    """Store how a preparation went; the digests it no longer needs, or None if the version changed or is gone.

    `failure` is a reason code and a reason.
    """
    record = version_rows.find(conn, function.region, function.name, version_number(function.version))
    if record is None or record.function.revision_id != function.revision_id:
        return None
    settled = _succeeded(record, optimized) if failure is None else _failed(record, *failure)
    version_rows.update(conn, settled)
    return digests_of(record) - digests_of(settled)


def _succeeded(record: VersionRecord, optimized: bool) -> VersionRecord:
    revision_id = new_revision()
    active = replace(
        record.function,
        # Environments of a snapshot are of the revision that it was made of; so is why there is none.
        revision_id=record.function.revision_id if record.function.snap_starts else revision_id,
        optimized=optimized,
        state="Active",
        state_reason=None,
        state_reason_code=None,
        last_update_status="Successful",
        last_update_reason=None,
        last_update_reason_code=None,
    )
    return replace(record, function=active, revision_id=revision_id, serving=None)


def _failed(record: VersionRecord, code: str, reason: str) -> VersionRecord:
    """A version that never worked is Failed; one that did goes on serving what it was before."""
    revision_id = new_revision()
    failed = replace(
        record.function,
        revision_id=revision_id,
        last_update_status="Failed",
        last_update_reason=reason,
        last_update_reason_code=code,
    )
    if record.serving is None:
        failed = replace(failed, state="Failed", state_reason=reason, state_reason_code=code)
    return replace(record, function=failed, revision_id=revision_id)
