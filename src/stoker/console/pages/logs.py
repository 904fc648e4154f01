"""Logs: what a function said, line by line, as it was or as it comes."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from stoker.console.aws_models import ApiError
from stoker.console.routing import Route, get
from stoker.console.tail import Tail
from stoker.console.visit import Events, InputError, Page, Visit
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability.telemetry import Telemetry

SHOWN = 500
# How long lines are looked for before those that were found are shown.
PATIENCE_S = 0.15
# What "errors" looks for: any of these words.
ERRORS = '?ERROR ?Error ?Exception ?Traceback ?"Task timed out"'
RANGES: Mapping[str, tuple[str, int]] = {
    "15m": ("15 minutes", 15 * 60),
    "1h": ("1 hour", 3600),
    "1d": ("1 day", 86_400),
    "7d": ("7 days", 7 * 86_400),
    "all": ("everything", 0),
}
# An invocation lasts 15 minutes at most.
_LONGEST_MS = 900_000
# What is known of an invocation's time is known so well: the ledger's moment and its last line's are not the same.
_SLACK_MS = 1_000
# Of the lines around a moment, so many from before it and so many from then on: few, and many where those are not all.
_WINDOWS = ((100, 300), (1_000, 4_000))
# Lines are hostile: what may stand between two things, or before one, is bounded.
_START = re.compile(r"START RequestId: (\S+)|\"type\":\s*\"platform\.start\".{0,200}?\"requestId\":\s*\"([^\"]+)\"")
_END = re.compile(r"REPORT RequestId: (\S+)|\"type\":\s*\"platform\.report\"")
_PLATFORM = re.compile(r"(INIT_START|START|END|REPORT|INIT_REPORT|RESTORE_START|RESTORE_REPORT|EXTENSION|TELEMETRY)\b")
_BAD = re.compile(r"\bERROR\b|(Error|Exception)\b|Task timed out|Traceback")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line. `request` is the invocation that it belongs to, as far as the lines around it show."""

    at: int
    stream: str
    text: str
    request: str = ""

    @property
    def kind(self) -> str:
        """How it is shown."""
        if _PLATFORM.match(self.text) or '"type":"platform.' in self.text.replace(" ", "")[:80]:
            return "platform"
        return "bad" if _BAD.search(self.text) else "own"


class LogPages:
    """Groups, their lines, and the lines of one invocation."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.routes: Sequence[Route] = [
            get("/logs", self.show),
            get("/logs/tail", self.tail),
            get("/functions/{name}/logs", self.show_function),
        ]

    async def show(self, visit: Visit) -> Page:
        """All groups, or the lines of one."""
        group = visit.query.get("group", "")
        if group:
            return await self._lines(visit, group, {"section": "logs"}, "logs_group.html")
        prefix = visit.query.get("q", "").strip()
        wanted = {"logGroupNamePattern": prefix} if prefix else {}
        answer = await visit.aws.call("logs", "DescribeLogGroups", limit=50, **wanted)
        context = {"section": "logs", "groups": answer["logGroups"], "q": prefix, "more": "nextToken" in answer}
        return Page(template="log_groups_rows.html" if visit.is_fragment else "log_groups.html", context=context)

    async def show_function(self, visit: Visit) -> Page:
        known = await visit.aws.call("lambda", "GetFunctionConfiguration", FunctionName=visit.names["name"])
        group = known.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{known['FunctionName']}"
        return await self._lines(visit, group, {"function": known, "tab": "logs"}, "function_logs.html")

    async def tail(self, visit: Visit) -> Events:
        """Lines as they come."""
        group, pattern = visit.query.get("group", ""), _pattern(visit.query.get("filter", ""))
        return Events(events=_tail(Tail(self._telemetry, visit.aws, group=group, pattern=pattern)))

    async def _lines(self, visit: Visit, group: str, context: Mapping[str, Any], template: str) -> Page:
        query = visit.query
        chosen = query.get("range", "1d") if query.get("range", "1d") in RANGES else "1d"
        shown: dict[str, Any] = {
            **context,
            "group": group,
            "filter": query.get("filter", ""),
            "range": chosen,
            "ranges": RANGES,
            "lines": [],
            "following": None,
            "request": query.get("request", ""),
            "around": False,
            "missing": "",
        }
        try:
            if query.get("request"):
                shown["lines"] = await _of_request(visit, group, query["request"], query.get("at", ""))
            elif query.get("stream") and query.get("at", "").isdecimal():
                shown["lines"] = await _around(visit, group, query["stream"], int(query["at"]))
                shown["around"] = True
            else:
                seconds, token = RANGES[chosen][1], query.get("from", "")
                shown["lines"], shown["following"] = await _latest(visit, group, shown["filter"], seconds, token)
        except ApiError as error:
            if error.code != "ResourceNotFoundException":
                raise
            shown["missing"] = "Nothing was logged here yet."
        return Page(template="log_lines.html" if visit.is_fragment else template, context=shown)


def _pattern(asked: str) -> str:
    """What was asked for as a filter pattern; plain words are looked for as they are."""
    if asked == "errors":
        return ERRORS
    plain = asked.strip()
    if not plain or plain[0] in '{["?%-' or '"' in plain:
        return plain
    return f'"{plain}"'


async def _latest(visit: Visit, group: str, asked: str, seconds: int, token: str) -> tuple[Sequence[Line], str | None]:
    """The newest lines, the oldest of them first, and the token with which to look further back."""
    since = {"startTime": int((time.time() - seconds) * 1000)} if seconds else {}
    found, following = await _search(visit, group, _pattern(asked), most=SHOWN, token=token, when=since)
    return await asyncio.to_thread(lambda: with_requests(_lines_of(reversed(found)))), following


async def _search(
    visit: Visit, group: str, pattern: str, *, most: int, token: str = "", when: Mapping[str, int]
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Events that fit, the newest first, and the token with which to look further back.

    A call of the API looks through so many lines and no more; of a million it takes a while. So it is looked until
    there are enough, or it has taken as long as a reader likes to wait.
    """
    found: list[Mapping[str, Any]] = []
    began, following = time.monotonic(), {"nextToken": token} if token else {}
    while True:
        answer = await visit.aws.call(
            "logs",
            "FilterLogEvents",
            logGroupName=group,
            filterPattern=pattern,
            startFromHead=False,
            limit=most - len(found),
            **when,
            **following,
        )
        found += answer["events"]
        last = answer.get("nextToken")
        if last is None or len(found) >= most or time.monotonic() - began > PATIENCE_S:
            return found, last
        following = {"nextToken": last}


async def _of_request(visit: Visit, group: str, request: str, at: str) -> Sequence[Line]:
    """All lines of an invocation: between its START and its REPORT, in its stream.

    `at` is when it ended or logged something, in milliseconds. Without it the newest lines are looked through.
    """
    if not re.fullmatch(r"[\w-]{8,64}", request):
        raise InputError("That is no request's id.")
    around = {"startTime": int(at) - _LONGEST_MS, "endTime": int(at) + _SLACK_MS} if at.isdecimal() else {}
    found, following = await _search(visit, group, f'"{request}"', most=1, when=around)
    if not found:
        if following is None:
            raise ApiError("ResourceNotFoundException", "", 404)
        raise InputError("It is not among the newest lines: filter for its id, and look further back.")
    lines = await _around(visit, group, found[0]["logStreamName"], found[0]["timestamp"])
    return [line for line in lines if line.request == request]


async def _around(visit: Visit, group: str, stream: str, at: int) -> Sequence[Line]:
    """The lines of the invocation that ran in a stream at a moment; all around it if none can be told apart."""
    own, lines = list[Line](), list[Line]()
    for before, after in _WINDOWS:
        lines = await _window(visit, group, stream, at, before=before, after=after)
        requests = {line.request for line in lines if line.at == at and line.request}
        own = [line for line in lines if line.request in requests]
        if own and _START.search(own[0].text) and _END.search(own[-1].text):
            break
    return own or lines


async def _window(visit: Visit, group: str, stream: str, at: int, *, before: int, after: int) -> list[Line]:
    of_stream = {"logGroupName": group, "logStreamName": stream}
    earlier, later = await asyncio.gather(
        visit.aws.call("logs", "GetLogEvents", **of_stream, endTime=at, startFromHead=False, limit=before),
        visit.aws.call("logs", "GetLogEvents", **of_stream, startTime=at, startFromHead=True, limit=after),
    )
    events = [{**each, "logStreamName": stream} for each in (*earlier["events"], *later["events"])]
    return await asyncio.to_thread(lambda: with_requests(_lines_of(events)))


async def _tail(tail: Tail) -> AsyncIterator[tuple[str, Any]]:
    async with aclosing(tail.turns()) as turns:
        await anext(turns)
        yield "started", {}
        async for heard in turns:
            yield "lines", {"lines": [_told(*each) for each in heard.lines], "left_out": heard.left_out}


def _told(stream: LogStream, event: LogEvent) -> Mapping[str, Any]:
    line = Line(at=event.timestamp_ms, stream=stream.stream, text=event.message)
    return {"at": line.at, "stream": line.stream, "text": line.text, "kind": line.kind}


def _lines_of(events: Any) -> list[Line]:
    return [Line(at=each["timestamp"], stream=each["logStreamName"], text=each["message"]) for each in events]


def with_requests(lines: Sequence[Line]) -> list[Line]:
    """The same with the invocations that they belong to: a stream's are one after another."""
    running: dict[str, str] = {}
    found = []
    for line in lines:
        if start := _START.search(line.text):
            running[line.stream] = start[1] or start[2]
        found.append(Line(at=line.at, stream=line.stream, text=line.text, request=running.get(line.stream, "")))
        if _END.search(line.text):
            running.pop(line.stream, None)
    return found
