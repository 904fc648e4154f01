"""Log events: putting, reading a stream, searching a group."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterException, NotBuiltError
from stoker.model.invocation import LogStream
from stoker.observability.chunk_scan import Place
from stoker.observability.event_queries import (
    FOREVER_MS,
    MAX_PAGE_EVENTS,
    EventPage,
    StoredEvent,
    Window,
    group_page,
    stream_page,
)
from stoker.observability.filter_pattern import compile_filter
from stoker.observability.log_queries import LogGroup
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.batch import check_batch
from stoker.services.logs.groups import existing_group
from stoker.services.logs.identifiers import (
    checked_place,
    event_id,
    just_after,
    just_before,
    page_token,
    parse_page_token,
    parse_stream_token,
    requested_group,
    stream_token,
)
from stoker.services.logs.streams import existing_stream
from stoker.wire.message import Call


class LogEvents:
    """The operations on events."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    async def put_log_events(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("entity"):
            raise NotBuiltError("Entities of log events are not built.")
        group, stream = params["logGroupName"], params["logStreamName"]

        def find(connection: sqlite3.Connection) -> LogGroup:
            found = existing_group(connection, call.region, group)
            existing_stream(connection, found.id, stream)
            return found

        found = await self._telemetry.read(find)
        now_ms = int(self._clock.time() * 1000)
        batch = check_batch(params["logEvents"], now_ms=now_ms, retention_days=found.retention_days)
        if batch.accepted:
            written = LogStream(region=call.region, group=group, stream=stream)
            # A client may write into any group that it may: what it publishes is its own all the same.
            publisher = "" if call.principal.is_operator else call.principal.issuer
            self._telemetry.append(written, batch.accepted, publisher=publisher)
        rejected = {"rejectedLogEventsInfo": batch.rejected} if batch.rejected else {}
        # Sequence tokens are ignored since 2023, but clients from before still read one.
        return {"nextSequenceToken": event_id((now_ms, 0)), **rejected}

    async def get_log_events(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        group = requested_group(params, region=call.region, account=call.account)
        forward, place = params.get("startFromHead", False), None
        if "nextToken" in params:
            direction, place = parse_stream_token(params["nextToken"])
            forward = direction == "f"
        window = _window(params, place=place, descending=not forward, end_ms=params.get("endTime", FOREVER_MS))

        def find(connection: sqlite3.Connection) -> EventPage:
            group_id = existing_group(connection, call.region, group).id
            stream_id = existing_stream(connection, group_id, params["logStreamName"]).id
            return stream_page(connection, stream_id, window, params.get("limit", MAX_PAGE_EVENTS))

        events = (await self._telemetry.read(find)).events
        return _stream_answer(list(events if forward else reversed(events)), forward=forward, place=place)

    async def filter_log_events(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("logStreamNames") and params.get("logStreamNamePrefix"):
            raise InvalidParameterException(
                "LogStream names and LogStream name prefix are mutually exclusive parameters."
            )
        group = requested_group(params, region=call.region, account=call.account)
        matches = compile_filter(params.get("filterPattern", ""))
        window = _search_window(params)

        def search(connection: sqlite3.Connection) -> EventPage:
            group_id = existing_group(connection, call.region, group).id
            for name in params.get("logStreamNames", ()):
                existing_stream(connection, group_id, name)
            return group_page(
                connection,
                group_id,
                window,
                params.get("limit", MAX_PAGE_EVENTS),
                matches=matches,
                streams=params.get("logStreamNames", ()),
                prefix=params.get("logStreamNamePrefix", ""),
            )

        page = await self._telemetry.read(search)
        token = {}
        if page.next_place is not None:
            token = {"nextToken": page_token(*page.next_place, int(window.descending))}
        # searchedLogStreams is always empty since 2019, says the model.
        return {"events": [_found(event) for event in page.events], "searchedLogStreams": [], **token}


def _search_window(params: Mapping[str, Any]) -> Window:
    """FilterLogEvents includes the end time, GetLogEvents does not. A token keeps its direction."""
    descending, place = not params.get("startFromHead", True), None
    if "nextToken" in params:
        timestamp_ms, id_, backwards = parse_page_token(params["nextToken"], int, int, int)
        descending, place = bool(backwards), checked_place(timestamp_ms, id_)
    end_ms = params["endTime"] + 1 if "endTime" in params else FOREVER_MS
    return _window(params, place=place, descending=descending, end_ms=end_ms)


def _window(params: Mapping[str, Any], *, place: Place | None, descending: bool, end_ms: int) -> Window:
    start_ms = params.get("startTime", 0)
    return Window(
        start_ms=min(start_ms, FOREVER_MS), end_ms=min(end_ms, FOREVER_MS), place=place, descending=descending
    )


def _stream_answer(events: list[StoredEvent], *, forward: bool, place: Place | None) -> Mapping[str, Any]:
    """Tokens on both sides of the page. At an end the token that led there comes back, which tells the client so."""
    if events:
        first, last = events[0].place, events[-1].place
    elif forward:
        last = place or (0, 0)
        first = just_after(last)
    else:
        first = place or (0, 0)
        last = just_before(first)
    return {
        "events": [
            {"timestamp": event.timestamp_ms, "message": event.message, "ingestionTime": event.ingestion_ms}
            for event in events
        ],
        "nextForwardToken": stream_token("f", last),
        "nextBackwardToken": stream_token("b", first),
    }


def _found(event: StoredEvent) -> Mapping[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingestion_ms,
        "eventId": event_id(event.place),
    }
