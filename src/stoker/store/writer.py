"""The one writer: a thread that lets everything waiting share a commit.

An fsync costs the same for one change as for a hundred, so while one group commits the next one gathers.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from stoker.store import engines
from stoker.store.engines import is_retryable

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

# Bounds how long the first of a group waits for the others' work, and what a failed COMMIT takes with it.
MAX_GROUP = 256
# PostgreSQL may ask a group to run again when another machine's Stoker wrote the same rows.
MAX_ATTEMPTS = 5


class StoreClosedError(Exception):
    """The store is closed: no more can be read or written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pending:
    work: Work[Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    relaxed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    """What a work returned, or the error that undid it."""

    value: Any = None
    error: BaseException | None = None


_Run = Callable[[sa.Connection, Sequence[Work[Any]]], list[_Outcome]]


class GroupCommitWriter:
    """Runs works in their order of arrival. After `close` has returned everything taken is committed or failed."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        # Kept: to take it from the pool and give it back costs twice what a transaction does.
        self._connection: sa.Connection | None = None
        self._waiting: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        # Guards `_closed` against the put that follows it, so that nothing is queued behind the end.
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], *, relaxed: bool = False) -> asyncio.Future[T]:
        """A future of the running loop, done after the COMMIT. Cancelling it does not undo the work.

        A group of nothing but `relaxed` works does not wait for the disk.
        """
        loop = asyncio.get_running_loop()
        pending = _Pending(work=work, future=loop.create_future(), loop=loop, relaxed=relaxed)
        with self._gate:
            if self._closed:
                raise StoreClosedError(StoreClosedError.__doc__)
            self._waiting.put(pending)
        return pending.future

    def close(self) -> None:
        """Finish what is waiting. Blocks; idempotent."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._take()
            if group:
                _resolve(group, self._commit(group))
        self._disconnect()

    def _take(self) -> tuple[list[_Pending], bool]:
        """Wait for one, then take what else is there already."""
        first = self._waiting.get()
        if first is None:
            return [], False
        group = [first]
        with contextlib.suppress(queue.Empty):
            while len(group) < MAX_GROUP:
                pending = self._waiting.get_nowait()
                if pending is None:
                    return group, False
                group.append(pending)
        return group, True

    def _commit(self, group: Sequence[_Pending]) -> list[_Outcome]:
        """All at once if nobody raises; else again, each in a SAVEPOINT that undoes only itself.

        A SAVEPOINT costs more than most works (SQLite) or two round trips (PostgreSQL), and errors are rare.
        """
        works = [pending.work for pending in group]
        relaxed = all(pending.relaxed for pending in group)
        run = _run_all
        for _ in range(MAX_ATTEMPTS):
            # The boundary of the writer's thread: whatever happens, every caller has to hear of it.
            try:
                return self._transact(run, works, relaxed=relaxed)
            except _WorkError:
                run = _run_each
            except _NothingCommittedError as reason:
                failed = [_Outcome(error=reason.__cause__)] * len(works)
            except BaseException as error:
                failed = [_Outcome(error=error)] * len(works)
                break
        return failed

    def _transact(self, run: _Run, works: Sequence[Work[Any]], *, relaxed: bool) -> list[_Outcome]:
        """Raises _NothingCommittedError where it may be tried again: the database chose another transaction, or was
        restarted since the last one.
        """
        connection = self._connection = self._connection or self._engine.connect()
        ran = False
        try:
            with engines.begin(connection, relaxed=relaxed):
                outcomes = run(connection, works)
                ran = True
        except _WorkError:
            raise
        except BaseException as error:
            again = is_retryable(error) or (connection.invalidated and not ran)
            self._disconnect()
            if again:
                raise _NothingCommittedError from error
            raise
        return outcomes

    def _disconnect(self) -> None:
        """Give the connection back, whatever became of it: the pool undoes what is left and looks whether it lives."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


class _NothingCommittedError(Exception):
    """A transaction failed for its cause, which is nobody's fault, before anything of it was committed."""


class _WorkError(Exception):
    """One of the works of a group raised; which one is found out by running each in a SAVEPOINT."""


def _run_all(connection: sa.Connection, works: Sequence[Work[Any]]) -> list[_Outcome]:
    try:
        return [_Outcome(value=work(connection)) for work in works]
    except Exception as error:
        if is_retryable(error):
            raise
        raise _WorkError from error


def _run_each(connection: sa.Connection, works: Sequence[Work[Any]]) -> list[_Outcome]:
    outcomes = []
    for work in works:
        savepoint = connection.begin_nested()
        try:
            value = work(connection)
            savepoint.commit()
        except Exception as error:
            if is_retryable(error):
                raise
            savepoint.rollback()
            outcomes.append(_Outcome(error=error))
        else:
            outcomes.append(_Outcome(value=value))
    return outcomes


def _resolve(group: Sequence[_Pending], outcomes: Sequence[_Outcome]) -> None:
    """Tell the callers, waking each event loop once for the whole group."""
    for loop in {pending.loop for pending in group}:
        settled = [(item.future, outcome) for item, outcome in zip(group, outcomes, strict=True) if item.loop is loop]
        # A loop that was closed meanwhile has nobody left to tell; the commit stands.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[tuple[asyncio.Future[Any], _Outcome]]) -> None:
    for future, outcome in settled:
        if future.cancelled():
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.value)
