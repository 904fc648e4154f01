"""The protocol of event sources. A source of one's own is a class that has it, named by an entry point.

Declare it in the package that brings it, under the ARN's service that it reads from::

    [project.entry-points."stoker.event_sources"]
    folder = "my_package.my_module:FolderSource"

The class is made with a `Surroundings`. Mappings are then made for ARNs like `arn:aws:folder:us-east-1:…:…`, with
`aws lambda create-event-source-mapping`, as for AWS's own sources. Stoker does the rest: filters, batches, concurrency,
partial failures, back-off, states, and starting again.

Two promises are a source's own. A record that was received and neither succeeded nor failed (Stoker died) is received
again, sooner or later. And `receive` waits without polling, woken by what arrives.
"""

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from stoker.event_sources.mapping import Mapping
from stoker.model.clock import Clock


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


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a source's mappings may be given, and how AWS calls it in its words ("SQS")."""

    label: str
    batch_size: int = 10
    max_batch_size: int = 10_000
    # Above this a window is needed; None: never.
    batch_size_without_window: int | None = None
    window: bool = True
    max_concurrency: bool = False
    streams: bool = False


class Source(Protocol):
    """Everything of one kind. `service` is the part of an ARN that tells it."""

    def abilities(self, source_arn: str) -> Abilities:
        """What can be asked of mappings of this source. Pure."""

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        """Whether it can be read, before a mapping is made or changed: raises the ServiceError that AWS answers.

        `timeout_s` and `role_arn` are the function's.
        """

    async def open(self, mapping: Mapping) -> Poller:
        """Begin to read."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a source may use: time, a folder of its own to keep things in, and where Stoker runs."""

    clock: Clock
    data: Path
    account: str
