"""A log event as a row: its own fields, those of Lambda's lines, and those of the JSON in it, found when asked for.

Source: "Supported logs and discovered fields" in the Amazon CloudWatch Logs User Guide.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping

import msgspec

from stoker.observability.insights.values import Moment, Value, plain
from stoker.observability.insights.values import text as shown

_LAMBDA = re.compile(r"(START|END|REPORT) RequestId: ([0-9a-f-]{36})")
# A REPORT line's figures; sizes are shown in bytes, of which a MB has a million.
_FIGURES: tuple[tuple[str, re.Pattern[str], float], ...] = tuple(
    (name, re.compile(rf"\t{label}: ([0-9.]+) {unit}"), factor)
    for name, label, unit, factor in (
        ("@duration", "Duration", "ms", 1.0),
        ("@billedDuration", "Billed Duration", "ms", 1.0),
        ("@memorySize", "Memory Size", "MB", 1e6),
        ("@maxMemoryUsed", "Max Memory Used", "MB", 1e6),
        ("@initDuration", "Init Duration", "ms", 1.0),
    )
)
_TRACED = re.compile(r"\tXRAY TraceId: (\S+)\tSegmentId: (\S+)")
# The runtimes' own lines have the request's id as one of their columns.
_REQUEST_ID = re.compile(r"\t([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\t")
_DECODE = msgspec.json.decode
_EMBEDDED = json.JSONDecoder()
# Of a path into JSON.
MOST_STEPS = 50
_NOTHING: Mapping[str, object] = {}


class Row:
    """One event, or what a command made of some. `made` are fields that the query itself gave."""

    __slots__ = (
        "_json",
        "_lambda",
        "event_id",
        "group",
        "ingestion_ms",
        "made",
        "message",
        "of_lambda",
        "stream",
        "time_ms",
    )

    def __init__(
        self, group: str, stream: str, time_ms: int, event_id: int, ingestion_ms: int, message: str, of_lambda: bool
    ) -> None:
        """`group` is `account:name`; `of_lambda` says that its lines are."""
        self.group = group
        self.stream = stream
        self.time_ms = time_ms
        self.event_id = event_id
        self.ingestion_ms = ingestion_ms
        self.message = message
        self.of_lambda = of_lambda
        self.made: dict[str, Value] | None = None
        self._json: object = None
        self._lambda: Mapping[str, Value] | None = None

    def make(self, name: str, value: Value) -> None:
        """Give it a field."""
        if self.made is None:
            self.made = {}
        self.made[name] = value

    @property
    def lambda_fields(self) -> Mapping[str, Value]:
        if self._lambda is None:
            self._lambda = _lambda_fields(self.message) if self.of_lambda else {}
        return self._lambda

    @property
    def found(self) -> Mapping[str, Value]:
        """What was discovered in its message, JSON by its outermost keys."""
        self.json_field(())
        keys = self._json if isinstance(self._json, dict) else {}
        return {**{str(plain(key)): plain(value) for key, value in keys.items()}, **self.lambda_fields}

    def json_field(self, path: tuple[str, ...]) -> Value:
        """What a path leads to. A key may have dots of its own: the longest that is there is followed."""
        if self._json is None:
            self._json = _discover(self.message, embedded=self.of_lambda)
        return plain(_follow(self._json, path))


class Made(Row):
    """A row that `stats` made: it has no event."""

    __slots__ = ()

    def __init__(self, made: dict[str, Value]) -> None:
        super().__init__("", "", 0, 0, 0, "", False)
        self.made = made


Getter = Callable[[Row], Value]


def getter(name: str) -> Getter:
    """What reads a field of events."""
    own = _OWN.get(name)
    if own is None:
        own = _lambda_getter(name) if name in _LAMBDA_NAMES else _json_getter(name)

    def read(row: Row) -> Value:
        made = row.made
        return made[name] if made is not None and name in made else own(row)

    return read


def made_getter(name: str) -> Getter:
    """What reads a field of rows that `stats` made."""
    return lambda row: row.made.get(name) if row.made is not None else None


def pointer(row: Row) -> str:
    """`@ptr`: where the event is, opaque to the client."""
    place = json.dumps([row.group, row.time_ms, row.event_id]).encode()
    return base64.b64encode(place).decode()


def pointed(text: str) -> tuple[str, int, int] | None:
    """The group (`account:name`), time and id that a pointer says; None for what is none."""
    try:
        place = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, RecursionError):
        return None
    if not isinstance(place, list) or [type(each) for each in place] != [str, int, int]:
        return None
    group, time_ms, event_id = place
    return (group, time_ms, event_id) if max(abs(time_ms), abs(event_id)) < 1 << 62 else None


def record(row: Row) -> Mapping[str, str]:
    """Every field of an event by its name; times are in ms."""
    fields: dict[str, str] = {
        "@timestamp": str(row.time_ms),
        "@ingestionTime": str(row.ingestion_ms),
        "@message": row.message,
        "@log": row.group,
        "@logStream": row.stream,
        "@ptr": pointer(row),
    }
    return fields | {name: found for name, value in row.found.items() if (found := shown(value)) is not None}


def _lambda_getter(name: str) -> Getter:
    return lambda row: row.lambda_fields.get(name)


def _json_getter(name: str) -> Getter:
    path = tuple(name.split("."))[:MOST_STEPS]
    return lambda row: row.json_field(path)


_OWN: Mapping[str, Getter] = {
    "@message": lambda row: row.message,
    "@timestamp": lambda row: Moment(row.time_ms),
    "@ingestionTime": lambda row: Moment(row.ingestion_ms),
    "@logStream": lambda row: row.stream,
    "@log": lambda row: row.group,
    "@ptr": pointer,
}
_LAMBDA_NAMES = frozenset({"@type", "@requestId", "@xrayTraceId", "@xraySegmentId", *(name for name, *_ in _FIGURES)})


def _lambda_fields(message: str) -> Mapping[str, Value]:
    line = _LAMBDA.match(message)
    if line is None:
        found = _REQUEST_ID.search(message)
        return {} if found is None else {"@requestId": found[1]}
    fields: dict[str, Value] = {"@type": line[1], "@requestId": line[2]}
    if line[1] == "REPORT":
        for name, pattern, factor in _FIGURES:
            if (figure := pattern.search(message)) is not None:
                fields[name] = float(figure[1]) * factor
        if (traced := _TRACED.search(message)) is not None:
            fields |= {"@xrayTraceId": traced[1], "@xraySegmentId": traced[2]}
    return fields


def _discover(message: str, *, embedded: bool) -> object:
    """The event's JSON: all of it or, in Lambda's groups, the first object in it."""
    start = message.find("{") if embedded else 0
    if start < 0 or not message.startswith("{", start):
        return _NOTHING
    if start == 0:
        try:
            return _DECODE(message)
        except (ValueError, RecursionError):
            if not embedded:
                return _NOTHING
    try:
        return _EMBEDDED.raw_decode(message, start)[0]
    except (ValueError, RecursionError):
        return _NOTHING


def _follow(value: object, path: tuple[str, ...]) -> object:
    if not path:
        return value
    if isinstance(value, list):
        place = path[0]
        inside = place.isdecimal() and len(place) < 7 and int(place) < len(value)
        return _follow(value[int(place)], path[1:]) if inside else None
    if not isinstance(value, dict):
        return None
    if path[0] in value:
        found = _follow(value[path[0]], path[1:])
        if found is not None or len(path) == 1:
            return found
    for count in range(len(path), 1, -1):
        key = ".".join(path[:count])
        if key in value:
            return _follow(value[key], path[count:])
    return None
