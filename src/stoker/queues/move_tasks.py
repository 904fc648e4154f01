"""Tasks that move a dead-letter queue's messages back to where they came from, or elsewhere; they survive restarts."""

import asyncio
import base64
import json
import logging
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import Connection, bindparam

from stoker.model.clock import Clock
from stoker.queues import message_rows
from stoker.queues.contents import Contents
from stoker.queues.errors import InvalidParameterValue, TaskNotFound
from stoker.queues.message_rows import MessageRow
from stoker.queues.queue import Queue
from stoker.queues.queues import Queues
from stoker.store.store import Store
from stoker.store.tables_queues import queue_contents, queue_messages, queue_move_tasks

RUNNING, COMPLETED, CANCELLED, FAILED = "RUNNING", "COMPLETED", "CANCELLED", "FAILED"
MAX_PER_SECOND = 500
MAX_LISTED = 10
AT_ONCE = 100
RETRY_S = 5.0

log = logging.getLogger(__name__)

_tasks = queue_move_tasks.c
_messages = queue_messages.c
_NEXT = (
    sa.select(queue_messages, queue_contents.c.content)
    .select_from(sa.join(queue_messages, queue_contents, _messages.id == queue_contents.c.id))
    .where(_messages.generation == bindparam("generation"), _messages.visible_at <= bindparam("now"))
    .order_by(_messages.visible_at, _messages.id)
    .limit(bindparam("most"))
)


class MoveTask(Struct, frozen=True, kw_only=True):
    """One task. `started` in seconds since the epoch; `to_move` is what there was when it began."""

    id: str
    source_arn: str
    destination_arn: str | None
    per_second: int | None
    status: str
    moved: int
    to_move: int
    started: float
    failure: str | None = None

    @property
    def handle(self) -> str:
        facts = {"taskId": self.id, "sourceArn": self.source_arn}
        return base64.b64encode(json.dumps(facts, separators=(",", ":")).encode()).decode("ascii")


class _Moved(Struct, frozen=True, kw_only=True):
    """Where messages went, by queue; the rows as they were; and why the task cannot go on."""

    rows: Sequence[MessageRow]
    targets: dict[int, list[float]]
    failure: str | None = None


class MoveTasks:
    """Starts, lists, cancels and runs tasks. `start` takes up what the last run left."""

    def __init__(self, *, queues: Queues, store: Store, clock: Clock) -> None:
        self._queues = queues
        self._store = store
        self._clock = clock
        self._running: dict[str, asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"<MoveTasks {len(self._running)} running>"

    async def start(self) -> None:
        for task in await self._store.read(lambda conn: _select(conn, _tasks.status == RUNNING)):
            self._run(task)

    async def close(self) -> None:
        """Stop between two batches; the next start goes on."""
        for running in self._running.values():
            running.cancel()
        if self._running:
            await asyncio.wait(list(self._running.values()))

    async def begin(self, source_arn: str, destination_arn: str | None, per_second: int | None) -> MoveTask:
        """A new task. Raises TaskNotFound for queues that are not there, InvalidParameterValue."""
        source = self._require(source_arn, "SourceArn")
        if per_second is not None and not 1 <= per_second <= MAX_PER_SECOND:
            reason = f"Must be between 1 and {MAX_PER_SECOND}."
            raise InvalidParameterValue.of("MaxNumberOfMessagesPerSecond", per_second, reason)
        if destination_arn is not None:
            destination = self._require(destination_arn, "DestinationArn")
            if destination.id == source.id:
                raise InvalidParameterValue("Source queue arn and destination queue arn must not be the same.")
            if destination.settings.fifo != source.settings.fifo:
                raise InvalidParameterValue("Source and destination queues must be of the same type.")
        if not self._queues.catalogue.sources_of(source):
            raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
        task = MoveTask(
            id=str(uuid.uuid4()),
            source_arn=source_arn,
            destination_arn=destination_arn,
            per_second=per_second,
            status=RUNNING,
            moved=0,
            to_move=self._queues.tally(source).total,
            started=self._clock.time(),
        )

        def work(conn: Connection) -> None:
            if _select(conn, (_tasks.source_arn == source_arn) & (_tasks.status == RUNNING)):
                raise InvalidParameterValue(
                    "There is already a task running. Only one active task is allowed for a source queue arn "
                    "at a given time."
                )
            conn.execute(sa.insert(queue_move_tasks).values(msgspec.structs.asdict(task)))

        await self._store.write(work)
        self._run(task)
        return task

    async def listed(self, source_arn: str, most: int) -> Sequence[MoveTask]:
        """The latest tasks of a queue, the newest first."""
        self._require(source_arn, "SourceArn")
        found = await self._store.read(lambda conn: _select(conn, _tasks.source_arn == source_arn))
        return sorted(found, key=lambda task: -task.started)[:most]

    async def cancel(self, handle: str) -> int:
        """How many messages it has moved. Raises TaskNotFound."""
        task_id, source_arn = _read_handle(handle)

        def work(conn: Connection) -> int:
            # Both, since the caller was asked for the right to stop what is done to the queue that the handle names.
            (task,) = _select(conn, (_tasks.id == task_id) & (_tasks.source_arn == source_arn)) or (None,)
            if task is None or task.status != RUNNING:
                raise TaskNotFound("Task does not exist.")
            _update(conn, task_id, status=CANCELLED)
            return task.moved

        moved = await self._store.write(work)
        if (running := self._running.get(task_id)) is not None:
            running.cancel()
        return moved

    def _require(self, arn: str, parameter: str) -> Queue:
        queue = self._queues.catalogue.by_arn(arn)
        if queue is None:
            raise TaskNotFound(f"The resource that you specified for the {parameter} parameter doesn't exist.")
        return queue

    def _run(self, task: MoveTask) -> None:
        running = asyncio.get_running_loop().create_task(self._move_all(task), name=f"move messages {task.id}")
        self._running[task.id] = running
        running.add_done_callback(lambda done: self._ended(task.id, done))

    def _ended(self, task_id: str, done: "asyncio.Task[None]") -> None:
        self._running.pop(task_id, None)
        if not done.cancelled() and done.exception() is not None:
            context = {"message": f"failed to move messages ({task_id})", "exception": done.exception()}
            asyncio.get_running_loop().call_exception_handler(context)

    async def _move_all(self, task: MoveTask) -> None:
        moved, failure = task.moved, None
        while moved < task.to_move and failure is None:
            most = min(task.to_move - moved, AT_ONCE, task.per_second or AT_ONCE)
            try:
                count, failure = await self._move_some(task, most)
            except Exception:
                # The boundary of a task that nobody waits for: the store may be full, or away, for a while.
                log.exception("messages of %s could not be moved; trying again", task.source_arn)
                await self._pause(RETRY_S)
                continue
            moved += count
            if count == 0:
                break
            if task.per_second is not None and moved < task.to_move:
                await self._pause(count / task.per_second)
        status = COMPLETED if failure is None else FAILED
        await self._store.write(lambda conn: _update(conn, task.id, status=status, failure=failure))

    async def _pause(self, seconds: float) -> None:
        over = asyncio.Event()
        timer = self._clock.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()

    async def _move_some(self, task: MoveTask, most: int) -> tuple[int, str | None]:
        source = self._queues.catalogue.by_arn(task.source_arn)
        if source is None:
            return 0, "AWS.SimpleQueueService.NonExistentQueue"
        now = self._clock.time()
        ids = [self._queues.new_row_id() for _ in range(most)]
        moved = await self._store.write(lambda conn: self._move(conn, task, source, ids, now))
        self._queues.note_moved(source, moved.rows, moved.targets)
        return len(moved.rows), moved.failure

    def _move(self, conn: Connection, task: MoveTask, source: Queue, ids: Sequence[int], now: float) -> _Moved:
        """In one transaction: messages, and the task's count of them."""
        where = {"generation": source.generation, "now": now, "most": len(ids)}
        rows: list[MessageRow] = []
        targets: dict[int, list[float]] = {}
        failure = None
        for new_id, found in zip(ids, conn.execute(_NEXT, where).all(), strict=False):
            values = dict(found._mapping)
            content = values.pop("content")
            row = MessageRow(**values)
            target_arn = task.destination_arn or row.source_arn
            target = None if target_arn is None else self._queues.catalogue.by_arn(target_arn)
            if target is None:
                failure = "CouldNotDetermineMessageSource" if target_arn is None else _gone()
                break
            visible_at = now + target.settings.delay_s
            renewed = _renewed(self._queues.contents, content, target)
            _rewrite(conn, row, renewed, target, new_id, visible_at, now)
            targets.setdefault(target.id, []).append(visible_at)
            rows.append(row)
        if source.settings.fifo:
            for group in dict.fromkeys(row.group_id for row in rows if row.group_id is not None):
                message_rows.settle_group(conn, source.generation, group)
        conn.execute(sa.update(queue_move_tasks).where(_tasks.id == task.id).values(moved=_tasks.moved + len(rows)))
        return _Moved(rows=rows, targets=targets, failure=failure)


def _gone() -> str:
    return "AWS.SimpleQueueService.NonExistentQueue"


def _renewed(contents: Contents, packed: bytes, target: Queue) -> tuple[str, bytes]:
    """A message's new id, and with it what it carries; what was sealed stays so."""
    message_id = str(uuid.uuid4())
    content = msgspec.structs.replace(contents.unpack(packed), message_id=message_id)
    return message_id, contents.pack(content, sealed=target.settings.sealed or contents.is_sealed(packed))


def _rewrite(
    conn: Connection,
    row: MessageRow,
    renewed: tuple[str, bytes],
    target: Queue,
    new_id: int,
    visible_at: float,
    now: float,
) -> None:
    """A moved message is a new one: another id, its age and receives begin anew, and it stands last."""
    message_id, content = renewed
    message_rows.delete(conn, [row.id])
    message_rows.write(
        conn,
        target.generation,
        message_rows.Arrival(
            row=new_id,
            queue_id=target.id,
            message_id=message_id,
            content=content,
            visible_at=visible_at,
            sent_at=now,
            group_id=row.group_id,
        ),
    )
    if target.settings.fifo and row.group_id is not None:
        message_rows.open_group(conn, target.generation, row.group_id, visible_at)


def _select(conn: Connection, where: sa.ColumnElement[bool]) -> list[MoveTask]:
    return [MoveTask(**row._mapping) for row in conn.execute(sa.select(queue_move_tasks).where(where))]


def _update(conn: Connection, task_id: str, **values: Any) -> None:
    conn.execute(sa.update(queue_move_tasks).where(_tasks.id == task_id).values(**values))


def _read_handle(handle: str) -> tuple[str, str]:
    """The task's id and its queue's ARN."""
    try:
        facts = json.loads(base64.b64decode(handle, validate=True))
        return str(facts["taskId"]), str(facts["sourceArn"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidParameterValue.of("TaskHandle", handle, "The task handle is invalid.") from None
