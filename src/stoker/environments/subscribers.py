"""What an environment's extensions are told of it: everything that its log is, as events of the Telemetry or Logs API.

Whoever subscribes late in the init gets what it missed. Events do not depend on the function's log format and levels.
Source: "Lambda Telemetry API Event schema reference" and "Using the Lambda Logs API", AWS Lambda Developer Guide.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from stoker.observability.log_format import JsonLog, event_line
from stoker.runtime_api.telemetry import Api
from stoker.runtime_api.telemetry_stream import TelemetryStream

# So much of an init is kept for who subscribes late in it.
MAX_EARLY_EVENTS = 1_000
MAX_EARLY_BYTES = 1 << 20

PLATFORM, FUNCTION, EXTENSION = "platform", "function", "extension"
# What only one of the two APIs has; of the other platform events the Logs API has these.
_LOGS_ONLY = frozenset({"end", "logsSubscription"})
_LOGS_KINDS = frozenset({"start", "report", "extension", "logsDropped"}) | _LOGS_ONLY
_LOGS_KINDS_SINCE_2021 = _LOGS_KINDS | {"runtimeDone", "initRuntimeDone"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Event:
    """`kind` is a platform event's type without `platform.`; `as_object` a function's JSON line as it is."""

    category: str
    kind: str
    text: bytes
    as_object: bytes | None = None


class Subscribers:
    """Everybody who subscribed to one environment. `lines` forms what `platform` is given."""

    def __init__(self, lines: JsonLog) -> None:
        self.lines = lines
        self._streams: dict[str, TelemetryStream] = {}
        self._early: list[_Event] | None = []
        self._early_bytes = 0

    def __repr__(self) -> str:
        return f"<Subscribers {' '.join(self._streams) or 'nobody'}>"

    def subscribe(self, name: str, stream: TelemetryStream) -> None:
        """An extension wants events, and what there was of them up to now."""
        self._streams[name] = stream
        for event in self._early or ():
            _offer(stream, event)

    def unsubscribe(self) -> None:
        """The extensions are gone."""
        self._streams.clear()

    def end_of_init(self) -> bool:
        """Nobody can subscribe any more; whether anybody did."""
        self._early = None
        return bool(self._streams)

    def platform(self, kind: str, text: str | None) -> None:
        """A platform event, as `lines` forms it."""
        if text is not None:
            self._tell(_Event(category=PLATFORM, kind=kind, text=text.rstrip("\n").encode()))

    def ended(self, at_ms: int, request_id: str) -> None:
        """An invocation is over; the Logs API's own event."""
        self.platform("end", event_line(at_ms, "platform.end", {"requestId": request_id}))

    def wrote(self, category: str, at_ms: int, lines: Sequence[str]) -> None:
        """The function or an extension wrote lines."""
        if not self._streams and not self._keeps_early:
            return
        text = event_line(at_ms, category, {})
        head = text[: text.rindex("{}")]
        for line in lines:
            event = _Event(
                category=category,
                kind="",
                text=f"{head}{json.dumps(line + chr(10))}}}".encode(),
                as_object=f"{head}{line}}}".encode() if category == FUNCTION and _is_object(line) else None,
            )
            self._tell(event)

    @property
    def _keeps_early(self) -> bool:
        early = self._early
        return early is not None and len(early) < MAX_EARLY_EVENTS and self._early_bytes < MAX_EARLY_BYTES

    def _tell(self, event: _Event) -> None:
        for stream in self._streams.values():
            _offer(stream, event)
        if self._early is not None and self._keeps_early:
            self._early_bytes += len(event.text)
            self._early.append(event)


def _offer(stream: TelemetryStream, event: _Event) -> None:
    subscription = stream.subscription
    if event.category not in subscription.types:
        return
    if event.category == PLATFORM and not _has(subscription.api, subscription.schema_version, event.kind):
        return
    stream.add(event.as_object if event.as_object is not None and subscription.wants_objects else event.text)


def _has(api: Api, version: str, kind: str) -> bool:
    if api is Api.TELEMETRY:
        return kind not in _LOGS_ONLY
    return kind in (_LOGS_KINDS if version == "2020-08-15" else _LOGS_KINDS_SINCE_2021)


def _is_object(line: str) -> bool:
    if not line.startswith("{"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
