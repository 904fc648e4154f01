"""What keeps a database's rows from being read, in words for whoever looks at the mapping."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from stoker.model.errors import ServiceError

T = TypeVar("T")

IN_USE = "55006"
# A server notices within moments that a reader has gone, but not before its connection's end has come to it.
_TRIES = 100
_PAUSE_S = 0.1


class DatabaseProblemError(ServiceError):
    """The database cannot be read."""

    status = 502


class SlotGoneError(DatabaseProblemError):
    """The replication slot is gone, and changes may have been missed. Delete the mapping and make it anew."""


class SlotInUseError(DatabaseProblemError):
    """The replication slot is read by another connection."""


async def when_free(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` gives, which needs a slot that nobody reads. Raises SlotInUseError where it stays in use."""
    for _ in range(_TRIES):
        try:
            return await work()
        except SlotInUseError:
            await asyncio.sleep(_PAUSE_S)
    return await work()
