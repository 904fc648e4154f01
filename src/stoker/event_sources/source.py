"""The protocol of event sources. A source of one's own is a class that has it, named by an entry point.

Declare it in the package that brings it, under the ARN's service that it reads from::

    [project.entry-points."stoker.event_sources"]
    folder = "my_package.my_module:FolderSource"

The class is made with a `Surroundings`. Mappings are then made for ARNs like `arn:aws:folder:us-east-1:…:…`, with
`aws lambda create-event-source-mapping`, as for AWS's own sources. Stoker does the rest: filters, batches, concurrency,
partial failures, back-off, states, and starting again.

A source with credentials of its own says so (`Abilities.access`): they are kept sealed, shown to nobody, and in
`Mapping.access` when it is opened. One in which a mapping leaves something behind `Forgets`, and a stream whose source
keeps what is not done with `Retains` (`shards.py`).

Two promises are a source's own. A record that was received and neither succeeded nor failed (Stoker died) is received
again, sooner or later. And `receive` waits without polling, woken by what arrives.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from stoker.event_sources.mapping import Mapping
from stoker.event_sources.poller import Poller
from stoker.event_sources.shards import Shards
from stoker.model.clock import Clock


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
    # The types of SourceAccessConfigurations that it takes.
    access: tuple[str, ...] = ()


class Source(Protocol):
    """Everything of one kind. `service` is the part of an ARN that tells it."""

    def abilities(self, source_arn: str) -> Abilities:
        """What can be asked of mappings of this source. Pure."""

    async def check(self, mapping: Mapping, *, timeout_s: int, role_arn: str) -> None:
        """Whether it can be read, before a mapping is made or changed: raises the ServiceError that AWS answers.

        `timeout_s` and `role_arn` are the function's.
        """

    async def open(self, mapping: Mapping) -> Poller | Shards:
        """Begin to read: a `Poller`, or `Shards` where its abilities say that it is a stream."""


@runtime_checkable
class Forgets(Protocol):
    """A source in which a mapping leaves something behind."""

    async def forget(self, mapping: Mapping) -> None:
        """Take it away: nothing reads it any more. Raises ServiceError where it is to be tried again later."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a source may use: time, a folder of its own to keep things in, and where Stoker runs."""

    clock: Clock
    data: Path
    account: str
