"""Who is told of what happens in a bucket: the configuration as values, and which of it an event meets. Pure.

Source: "Amazon S3 Event Notifications" in the S3 user guide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from stoker.objects.errors import InvalidArgument

# What happens here, as it is asked for (with `s3:` before it).
EVENTS = (
    "ObjectCreated:Put",
    "ObjectCreated:Post",
    "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload",
    "ObjectRemoved:Delete",
    "ObjectRemoved:DeleteMarkerCreated",
    "ObjectTagging:Put",
    "ObjectTagging:Delete",
    "LifecycleExpiration:Delete",
    "LifecycleExpiration:DeleteMarkerCreated",
    # Nothing is ever lost of what is kept with less redundancy: there is none here.
    "ReducedRedundancyLostObject",
)
FAMILIES = frozenset(event.partition(":")[0] + ":*" for event in EVENTS if ":" in event)
# What AWS knows besides: refused by name.
UNBUILT = ("ObjectAcl:", "ObjectRestore:", "Replication:", "LifecycleTransition", "IntelligentTiering")


@dataclass(frozen=True, kw_only=True)
class Destination:
    """One configuration: `kind` is what the API calls it (`Queue`, `Topic`, `CloudFunction`)."""

    id: str
    kind: str
    target: str
    events: tuple[str, ...]
    prefix: str | None = None
    suffix: str | None = None

    def wants(self, event: str, key: str) -> bool:
        return (
            any(_covers(each, event) for each in self.events)
            and key.startswith(self.prefix or "")
            and key.endswith(self.suffix or "")
        )

    def overlaps(self, other: "Destination") -> bool:
        """Whether one event of one object could be for both."""
        events = any(_covers(a, b) or _covers(b, a) for a in self.events for b in other.events)
        prefixes = self.prefix or "", other.prefix or ""
        suffixes = self.suffix or "", other.suffix or ""
        return (
            events
            and (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0]))
            and (suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0]))
        )


@dataclass(frozen=True, kw_only=True)
class NotificationRules:
    """A bucket's whole configuration."""

    destinations: tuple[Destination, ...] = ()
    event_bus: bool = False

    def document(self) -> Mapping[str, Any] | None:
        """As it is stored; None for what says nothing."""
        return asdict(self) if self.destinations or self.event_bus else None

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> "NotificationRules":
        if document is None:
            return cls()
        destinations = [
            Destination(**{**each, "events": tuple(each["events"])}) for each in document.get("destinations", ())
        ]
        return cls(destinations=tuple(destinations), event_bus=document.get("event_bus", False))

    def check(self) -> None:
        """Raises InvalidArgument for two destinations that could get the same event."""
        if any(one.overlaps(other) for one, other in combinations(self.destinations, 2)):
            raise InvalidArgument(
                "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            )
        ids = [each.id for each in self.destinations]
        if len(set(ids)) != len(ids):
            raise InvalidArgument("Same ID used for multiple configurations. IDs must be unique.")


def wanted(destinations: Sequence[Destination], event: str, key: str) -> Sequence[Destination]:
    """The destinations that hear of an event, without `s3:`."""
    return [each for each in destinations if each.wants(event, key)]


def _covers(asked: str, event: str) -> bool:
    """Whether `s3:ObjectCreated:*` or a single event covers another."""
    name = asked.removeprefix("s3:")
    return name == event.removeprefix("s3:") or (
        name.endswith(":*") and event.removeprefix("s3:").startswith(name[:-1])
    )
