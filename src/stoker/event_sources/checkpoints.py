"""How far a mapping has come in each shard of its stream: written in one transaction with what was given up there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.deliveries.delivery import Delivery
from stoker.deliveries.outbox import Outbox
from stoker.store.store import Store
from stoker.store.tables_event_source_mappings import event_source_checkpoints

_columns = event_source_checkpoints.c


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A position in a shard, in the source's own words; `state` is that of an open tumbling window."""

    position: str
    ended: bool = False
    state: dict[str, Any] | None = None


class Checkpoints:
    """One mapping's. `now` is the time that deliveries are put at."""

    def __init__(self, uuid: str, store: Store, outbox: Outbox, now: Callable[[], float]) -> None:
        self._uuid = uuid
        self._store = store
        self._outbox = outbox
        self._now = now

    async def load(self) -> dict[str, Checkpoint]:
        """By shard."""
        query = sa.select(event_source_checkpoints).where(_columns.uuid == self._uuid)
        rows = await self._store.read(lambda conn: list(conn.execute(query)))
        return {row.shard: _checkpoint(row.position, row.state) for row in rows}

    async def begin(self, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Remember where shards are to be read from, by shard: all of them or none."""
        rows = [{"uuid": self._uuid, "shard": shard, **_values(each)} for shard, each in checkpoints.items()]
        if rows:
            await self._store.write(lambda conn: conn.execute(sa.insert(event_source_checkpoints), rows))

    async def write(self, shard_id: str, checkpoint: Checkpoint, lost: Sequence[Delivery] = ()) -> None:
        """Remember, and send on what was given up on the way."""
        now = self._now()
        values = _values(checkpoint)
        where = (_columns.uuid == self._uuid) & (_columns.shard == shard_id)

        def work(conn: Connection) -> None:
            if not conn.execute(sa.update(event_source_checkpoints).where(where).values(values)).rowcount:
                row = {"uuid": self._uuid, "shard": shard_id, **values}
                conn.execute(sa.insert(event_source_checkpoints).values(row))
            for delivery in lost:
                self._outbox.put(conn, delivery, now=now)

        await self._store.write(work)
        if lost:
            self._outbox.wake()


def _values(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"position": checkpoint.position, "state": {"ended": checkpoint.ended, "window": checkpoint.state}}


def _checkpoint(position: str, state: dict[str, Any]) -> Checkpoint:
    return Checkpoint(position=position, ended=state["ended"], state=state["window"])
