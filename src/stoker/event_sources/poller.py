"""The protocol of sources whose records are settled one by one: what a poller gives, and what it is told."""

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record. `id` is what a partial failure names it by. `event` is its JSON in the event's `Records`.

    `view` is what filters see: as `event`, with what is encoded in it opened; None where only the whole is known.
    `due_back_at` (seconds since the epoch) is when the source gives it out again by itself, None for never: until then
    a throttled function is tried again. `trace_id` goes on with the chain of invocations that the record is from.
    """

    id: str
    event: bytes
    view: Dictionary[str, Any]
    due_back_at: float | None = None
    trace_id: str | None = None


class Poller(Protocol):
    """One mapping's reader. Used by one task at a time, but for `settle`, which many use."""

    async def receive(self, most: int, wait_s: float | None) -> Sequence[Record]:
        """At most so many records, as soon as there is one; none after `wait_s` seconds (None: wait for ever).

        Cancelled, it has taken nothing.
        """

    async def settle(self, done: Sequence[Record], failed: Sequence[Record]) -> None:
        """What is done is not received again, what failed is, when and as often as the source says."""

    async def close(self) -> None:
        """Nothing is received any more; `settle` may still come."""
