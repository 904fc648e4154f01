"""Works that refuse without undoing anything."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from stoker.model.errors import ServiceError
from stoker.store.store import Store

T = TypeVar("T")


async def write(store: Store, work: Callable[[Connection], T]) -> T:
    """Do a work that decides before it writes.

    What it refuses has then nothing to undo: its error goes around the writer, which would run the whole group again
    for one that is raised. Conditions that are not met are everyday, where locks are kept in items.
    """

    def run(conn: Connection) -> T | ServiceError:
        try:
            return work(conn)
        except ServiceError as error:
            return error

    outcome = await store.write(run)
    if isinstance(outcome, ServiceError):
        raise outcome
    return outcome
