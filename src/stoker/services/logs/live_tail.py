"""StartLiveTail: what is appended from now on, a page every second."""

import asyncio
import sqlite3
import uuid
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterException
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability.filter_pattern import Filter, compile_filter
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.errors import SessionStreamingError, SessionTimeoutError
from stoker.services.logs.groups import existing_group
from stoker.services.logs.identifiers import group_name
from stoker.wire.message import Call

UPDATE_INTERVAL_S = 1.0
MAX_RESULTS = 500
SESSION_S = 3 * 3600
# What one session holds between two updates; a flood beyond it is sampled, and its newest lines are shown.
MAX_WAITING = 10_000

Update = Mapping[str, Mapping[str, Any]]
# A line as it was heard: stream, event, ingestion time.
_Heard = tuple[LogStream, LogEvent, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class TailRequest:
    """Which lines a session shows. `names` and `prefixes` of streams are empty for all."""

    region: str
    groups: frozenset[str]
    names: frozenset[str]
    prefixes: tuple[str, ...]
    matches: Filter

    def covers(self, stream: LogStream) -> bool:
        if stream.region != self.region or stream.group not in self.groups:
            return False
        if self.names:
            return stream.stream in self.names
        return not self.prefixes or stream.stream.startswith(self.prefixes)


class LiveTail:
    """The operation StartLiveTail."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._over = asyncio.Event()

    async def let_go(self) -> None:
        """Stoker stops: sessions end."""
        self._over.set()

    async def start_live_tail(self, call: Call) -> Mapping[str, Any]:
        request = _parse(call)

        def check(connection: sqlite3.Connection) -> None:
            for name in request.groups:
                existing_group(connection, call.region, name)

        await self._telemetry.read(check)
        return {"responseStream": self._session(call, request)}

    async def _session(self, call: Call, request: TailRequest) -> AsyncIterator[Update]:
        """The start, then an update each second until the client goes away or the session is over."""
        waiting: deque[_Heard] = deque(maxlen=MAX_WAITING)

        def hear(stream: LogStream, events: Sequence[LogEvent], ingestion_ms: int) -> None:
            if request.covers(stream):
                waiting.extend((stream, event, ingestion_ms) for event in events)

        stop = self._telemetry.subscribe(hear)
        try:
            yield {"sessionStart": _session_start(call)}
            end = self._clock.monotonic() + SESSION_S
            while self._clock.monotonic() < end:
                await self._second()
                if self._over.is_set():
                    raise SessionStreamingError
                heard = list(waiting)
                waiting.clear()
                # In a thread: a second's lines against a regular expression may take longer than the loop may wait.
                found = await asyncio.to_thread(_matching, heard, request.matches)
                yield {"sessionUpdate": _update(call, found, sampled=len(heard) == MAX_WAITING)}
            raise SessionTimeoutError
        finally:
            stop()

    async def _second(self) -> None:
        passed = asyncio.Event()
        timer = self._clock.call_later(UPDATE_INTERVAL_S, passed.set)
        try:
            await passed.wait()
        finally:
            timer.cancel()


def _parse(call: Call) -> TailRequest:
    params = call.params
    identifiers = params["logGroupIdentifiers"]
    names, prefixes = params.get("logStreamNames", ()), params.get("logStreamNamePrefixes", ())
    if names and prefixes:
        raise InvalidParameterException("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
    if (names or prefixes) and len(identifiers) > 1:
        raise InvalidParameterException("Log streams can be specified for a single log group only.")
    return TailRequest(
        region=call.region,
        groups=frozenset(group_name(name, region=call.region, account=call.account) for name in identifiers),
        names=frozenset(names),
        prefixes=tuple(prefixes),
        matches=compile_filter(params.get("logEventFilterPattern", "")),
    )


def _matching(heard: Sequence[_Heard], matches: Filter) -> list[_Heard]:
    return [line for line in heard if matches(line[1].message)]


def _session_start(call: Call) -> Mapping[str, Any]:
    asked = ("logGroupIdentifiers", "logStreamNames", "logStreamNamePrefixes", "logEventFilterPattern")
    chosen = {name: call.params[name] for name in asked if name in call.params}
    return {"requestId": call.request_id, "sessionId": str(uuid.uuid4()), **chosen}


def _update(call: Call, found: Sequence[_Heard], *, sampled: bool) -> Mapping[str, Any]:
    return {
        "sessionMetadata": {"sampled": sampled or len(found) > MAX_RESULTS},
        "sessionResults": [
            {
                "logStreamName": stream.stream,
                "logGroupIdentifier": f"{call.account}:{stream.group}",
                "message": event.message,
                "timestamp": event.timestamp_ms,
                "ingestionTime": ingestion_ms,
            }
            for stream, event, ingestion_ms in found[-MAX_RESULTS:]
        ],
    }
