"""Log streams: making, deleting, listing."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterException
from stoker.observability import log_changes
from stoker.observability.log_queries import StreamSearch, StreamSummary, find_stream, search_streams
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.errors import LogStreamExistsError, LogStreamNotFoundError
from stoker.services.logs.groups import existing_group
from stoker.services.logs.identifiers import checked_place, group_arn, page_token, parse_page_token, requested_group
from stoker.wire.message import Call


class LogStreams:
    """The operations on streams."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock

    async def create_log_stream(self, call: Call) -> None:
        group, name = call.params["logGroupName"], call.params["logStreamName"]
        now_ms = int(self._clock.time() * 1000)

        def create(connection: sqlite3.Connection) -> bool:
            group_id = existing_group(connection, call.region, group).id
            return log_changes.create_stream(connection, group_id=group_id, name=name, now_ms=now_ms)

        if not await self._telemetry.change(create):
            raise LogStreamExistsError

    async def delete_log_stream(self, call: Call) -> None:
        group, name = call.params["logGroupName"], call.params["logStreamName"]

        def delete(connection: sqlite3.Connection) -> None:
            group_id = existing_group(connection, call.region, group).id
            log_changes.delete_stream(connection, group_id, existing_stream(connection, group_id, name).id)

        await self._telemetry.change(delete)

    async def describe_log_streams(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        by_time = params.get("orderBy") == "LastEventTime"
        if by_time and params.get("logStreamNamePrefix"):
            raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
        group = requested_group(params, region=call.region, account=call.account)
        limit = params.get("limit", 50)

        def search(connection: sqlite3.Connection) -> list[StreamSummary]:
            wanted = StreamSearch(
                group_id=existing_group(connection, call.region, group).id,
                prefix=params.get("logStreamNamePrefix", ""),
                by_time=by_time,
                descending=params.get("descending", False),
                after=_after(params.get("nextToken")),
                limit=limit + 1,
            )
            return list(search_streams(connection, wanted))

        found = await self._telemetry.read(search)
        arn = f"{group_arn(call.region, call.account, group)}:log-stream:"
        token = {"nextToken": _token(found[limit - 1], by_time)} if len(found) > limit else {}
        return {"logStreams": [_describe(arn, stream) for stream in found[:limit]], **token}


def existing_stream(connection: sqlite3.Connection, group_id: int, name: str) -> StreamSummary:
    """The stream, or LogStreamNotFoundError."""
    stream = find_stream(connection, group_id, name)
    if stream is None:
        raise LogStreamNotFoundError
    return stream


def _after(token: str | None) -> tuple[int, str] | None:
    if token is None:
        return None
    at_ms, name = parse_page_token(token, int, str)
    return checked_place(at_ms, 0)[0], name


def _token(last: StreamSummary, by_time: bool) -> str:
    return page_token((last.last_event_ms or 0) if by_time else 0, last.name)


def _describe(arn_prefix: str, stream: StreamSummary) -> Mapping[str, Any]:
    times = {
        "firstEventTimestamp": stream.first_event_ms,
        "lastEventTimestamp": stream.last_event_ms,
        "lastIngestionTime": stream.last_ingestion_ms,
    }
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        **{name: value for name, value in times.items() if value is not None},
        "arn": arn_prefix + stream.name,
        # AWS reports zero for every stream since June 2019; bytes are counted for groups.
        "storedBytes": 0,
    }
