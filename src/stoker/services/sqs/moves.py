"""StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask."""

from collections.abc import Mapping
from typing import Any

from stoker.queues.errors import InvalidParameterValue
from stoker.queues.move_tasks import MAX_LISTED, RUNNING, MoveTask, MoveTasks
from stoker.wire.message import Call

Members = Mapping[str, Any]


class MoveOperations:
    """The operations on tasks that move messages out of a dead-letter queue."""

    def __init__(self, tasks: MoveTasks) -> None:
        self._tasks = tasks

    async def start_message_move_task(self, call: Call) -> Members:
        params = call.params
        task = await self._tasks.begin(
            params["SourceArn"], params.get("DestinationArn"), params.get("MaxNumberOfMessagesPerSecond")
        )
        return {"TaskHandle": task.handle}

    async def list_message_move_tasks(self, call: Call) -> Members:
        most: int = call.params.get("MaxResults", 1)
        if not 1 <= most <= MAX_LISTED:
            raise InvalidParameterValue.of("MaxResults", most, f"Value for MaxResults must be 1 to {MAX_LISTED}.")
        tasks = await self._tasks.listed(call.params["SourceArn"], most)
        return {"Results": [_members(task) for task in tasks]}

    async def cancel_message_move_task(self, call: Call) -> Members:
        return {"ApproximateNumberOfMessagesMoved": await self._tasks.cancel(call.params["TaskHandle"])}


def _members(task: MoveTask) -> Members:
    return {
        "TaskHandle": task.handle if task.status == RUNNING else None,
        "Status": task.status,
        "SourceArn": task.source_arn,
        "DestinationArn": task.destination_arn,
        "MaxNumberOfMessagesPerSecond": task.per_second,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "FailureReason": task.failure,
        "StartedTimestamp": int(task.started * 1000),
    }
