"""Logs Insights: queries started, looked at, stopped and listed."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterException, NotBuiltError
from stoker.observability.insights import rows
from stoker.observability.insights.queries import COMPLETE, Queries, RunningQuery, TooManyQueriesError
from stoker.observability.insights.query import MalformedQueryError, Query, UnbuiltCommandError
from stoker.observability.insights.scan import Group, Span, find_event
from stoker.observability.insights.worker import Job
from stoker.observability.telemetry import Telemetry
from stoker.services.logs.errors import InvalidQueryError, LimitExceededError, LogGroupNotFoundError, QueryNotFoundError
from stoker.services.logs.groups import existing_group
from stoker.services.logs.identifiers import group_name, page_token, parse_page_token
from stoker.wire.message import Call, Result

if TYPE_CHECKING:
    from stoker.observability.insights.parser import QueryParser

MOST_GROUPS = 50
PAGE_ROWS = 10_000
LANGUAGE = "CWLI"


class Insights:
    """The operations on queries. `close` ends them."""

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._queries = Queries(clock)
        self._parser: QueryParser | None = None

    async def close(self) -> None:
        """End what runs."""
        await asyncio.to_thread(self._queries.close)

    async def start_query(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        if params.get("queryLanguage", LANGUAGE) != LANGUAGE:
            raise NotBuiltError("Queries in SQL and PPL are not there yet in Stoker.")
        if params["startTime"] > params["endTime"]:
            raise InvalidParameterException("The start time of a query must not be after its end time.")
        names = _named_groups(call)

        def find(connection: sqlite3.Connection) -> Sequence[Group]:
            found = [existing_group(connection, call.region, name) for name in names]
            return [Group(each.id, each.name) for each in found]

        groups = await self._telemetry.read(find)
        text = params.get("queryString", "")
        job = Job(
            path=str(self._telemetry.path),
            account=call.account,
            groups=groups,
            # Both ends are within it, and whole seconds are.
            span=Span(params["startTime"] * 1000, (params["endTime"] + 1) * 1000),
            query=await self._parsed(text),
            limit=params.get("limit"),
            now_s=int(self._clock.time()),
        )
        try:
            query = self._queries.start(job, text=text, region=call.region)
        except TooManyQueriesError as error:
            raise LimitExceededError(str(error)) from error
        await self._queries.begun(query)
        if query.malformed is not None:
            self._queries.drop(query)
            raise _malformed(query.malformed)
        return {"queryId": query.id}

    async def get_query_results(self, call: Call) -> Result:
        query = self._find(call)
        at = 0
        if "nextToken" in call.params:
            (at,) = parse_page_token(call.params["nextToken"], int)
        # Asked before the rows are: those of one that is complete are.
        status, figures = query.status, query.figures
        count = min(call.params.get("maxItems") or PAGE_ROWS, PAGE_ROWS)
        found = query.rows if status == COMPLETE else ()
        members: dict[str, Any] = {
            "queryLanguage": LANGUAGE,
            "results": await asyncio.to_thread(_shown, found[max(at, 0) : max(at, 0) + count]),
            "statistics": {
                "recordsMatched": figures.matched,
                "recordsScanned": figures.scanned,
                "bytesScanned": figures.bytes,
                "estimatedRecordsSkipped": 0,
                "estimatedBytesSkipped": 0,
                "logGroupsScanned": len(query.job.groups),
            },
            "status": status,
        }
        if at + count < len(found):
            members["nextToken"] = page_token(at + count)
        return Result(members=members, is_large=len(found) > _FEW_ROWS)

    async def stop_query(self, call: Call) -> Mapping[str, Any]:
        query = self._find(call)
        if not query.stop():
            raise InvalidParameterException(f"Query {query.id} is already ended with {query.status} status")
        return {"success": True}

    async def get_log_record(self, call: Call) -> Mapping[str, Any]:
        """The event that a `@ptr` points to."""
        place = rows.pointed(call.params["logRecordPointer"])
        if place is None:
            raise InvalidParameterException("The specified log record pointer is invalid.")
        account, _, name = place[0].partition(":")
        if account != call.account:
            raise LogGroupNotFoundError

        def find(connection: sqlite3.Connection) -> rows.Row | None:
            group = existing_group(connection, call.region, name)
            return find_event(connection, call.account, Group(group.id, group.name), place[1], place[2])

        found = await self._telemetry.read(find)
        if found is None:
            raise InvalidParameterException("The specified log record pointer is invalid.")
        return {"logRecord": await asyncio.to_thread(rows.record, found)}

    async def describe_queries(self, call: Call) -> Mapping[str, Any]:
        params = call.params
        at = parse_page_token(params["nextToken"], int)[0] if "nextToken" in params else 0
        count = params.get("maxResults", _QUERIES_SHOWN)
        found = [query for query in self._queries if query.region == call.region and _is_asked_for(query, params)]
        token = {"nextToken": page_token(at + count)} if at + count < len(found) else {}
        return {"queries": [_described(query) for query in found[max(at, 0) : max(at, 0) + count]], **token}

    async def _parsed(self, text: str) -> Query:
        try:
            return await asyncio.to_thread(self._parse, text)
        except UnbuiltCommandError as error:
            raise NotBuiltError(str(error)) from error
        except MalformedQueryError as error:
            raise _malformed(str(error), error.start, error.end) from error

    def _parse(self, text: str) -> Query:
        if self._parser is None:
            # The library and the grammar take half a second and some megabytes: for who queries.
            from stoker.observability.insights.parser import QueryParser

            self._parser = QueryParser()
        return self._parser.parse(text)

    def _find(self, call: Call) -> RunningQuery:
        query = self._queries.find(call.region, call.params["queryId"])
        if query is None:
            raise QueryNotFoundError
        return query


_QUERIES_SHOWN = 1_000
# Results of so many rows are written in a moment.
_FEW_ROWS = 50


def _malformed(reason: str, start: int = 0, end: int = 0) -> InvalidQueryError:
    location = {"startCharOffset": start, "endCharOffset": end}
    return InvalidQueryError(reason, queryCompileError={"location": location, "message": reason})


def _named_groups(call: Call) -> Sequence[str]:
    params = call.params
    given = [name for name in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if params.get(name)]
    if len(given) != 1:
        raise InvalidParameterException(
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified."
        )
    named = params[given[0]]
    names = [named] if isinstance(named, str) else named
    if len(names) > MOST_GROUPS:
        raise InvalidParameterException(f"A query is of at most {MOST_GROUPS} log groups.")
    return list(dict.fromkeys(group_name(name, region=call.region, account=call.account) for name in names))


def _shown(found: Sequence[bytes]) -> Sequence[Sequence[Mapping[str, str]]]:
    return [[{"field": name, "value": value} for name, value in msgspec.json.decode(row)] for row in found]


def _is_asked_for(query: RunningQuery, params: Mapping[str, Any]) -> bool:
    names = {group.name for group in query.job.groups}
    return (
        params.get("status", query.status) == query.status
        and params.get("logGroupName", next(iter(names))) in names
        and params.get("queryLanguage", LANGUAGE) == LANGUAGE
    )


def _described(query: RunningQuery) -> Mapping[str, Any]:
    described: dict[str, Any] = {
        "queryLanguage": LANGUAGE,
        "queryId": query.id,
        "queryString": query.text,
        "status": query.status,
        "createTime": int(query.created * 1000),
        "logGroupName": query.job.groups[0].name,
        "bytesScanned": query.figures.bytes,
    }
    if query.ended is not None:
        described["queryDuration"] = int((query.ended - query.created) * 1000)
    return described
