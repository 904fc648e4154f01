"""The operations of Logs Insights."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from stoker.model.errors import InvalidParameterException, NotBuiltError
from stoker.services.logs.errors import InvalidQueryError, LogGroupNotFoundError, QueryNotFoundError

WithLogs = Callable[[Any], Any]
TRAP = "filter @message like /^(a|aa)+$/"


async def start(logs: Any, text: str, **params: Any) -> str:
    now_s = logs.now_ms // 1000
    given = {"logGroupName": "g", "startTime": now_s - 60, "endTime": now_s, "queryString": text, **params}
    query_id: str = (await logs("StartQuery", **given))["queryId"]
    return query_id


async def result(logs: Any, query_id: str) -> dict[str, Any]:
    """Once the query has ended."""
    async with asyncio.timeout(60):
        while (answer := await logs("GetQueryResults", queryId=query_id))["status"] in ("Scheduled", "Running"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    found: dict[str, Any] = answer
    return found


def test_a_query_is_started_and_its_results_are_there(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put(*[json.dumps({"n": n}) for n in range(5)])
        answer = await result(logs, await start(logs, "fields n | filter n > 2"))
        assert (answer["status"], answer["queryLanguage"]) == ("Complete", "CWLI")
        assert [{each["field"]: each["value"] for each in row}["n"] for row in answer["results"]] == ["4", "3"]
        assert [row[-1]["field"] for row in answer["results"]] == ["@ptr", "@ptr"]
        figures = answer["statistics"]
        assert (figures["recordsMatched"], figures["recordsScanned"], figures["bytesScanned"]) == (2, 5, 40)

    with_logs(scenario)


def test_a_pointer_leads_to_its_event_and_to_nothing_else(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put('{"n": 1, "deep": {"er": [2]}}')
        ((row,),) = [(await result(logs, await start(logs, "fields n")))["results"]]
        pointer = row[-1]["value"]
        record = (await logs("GetLogRecord", logRecordPointer=pointer))["logRecord"]
        assert record == {
            "@timestamp": str(logs.now_ms),
            "@ingestionTime": str(logs.now_ms),
            "@message": '{"n": 1, "deep": {"er": [2]}}',
            "@log": "123456789012:g",
            "@logStream": "s",
            "@ptr": pointer,
            "n": "1",
            "deep": '{"er":[2]}',
        }
        forged = [
            json.dumps(each).encode() for each in (["1"], ["123456789012:g", 1, 1 << 70], ["123456789012:g", 1, 1])
        ]
        for text in ("nonsense", "!", *(base64.b64encode(each).decode() for each in forged)):
            with pytest.raises(InvalidParameterException):
                await logs("GetLogRecord", logRecordPointer=text)
        elsewhere = base64.b64encode(json.dumps(["999999999999:g", 1, 1]).encode()).decode()
        with pytest.raises(LogGroupNotFoundError):
            await logs("GetLogRecord", logRecordPointer=elsewhere)

    with_logs(scenario)


def test_both_ends_of_the_time_are_within_and_nothing_else(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        now_s = logs.now_ms // 1000
        for at_ms in (now_s * 1000 - 10_001, now_s * 1000 - 10_000, now_s * 1000 - 1_001, now_s * 1000 - 1_000):
            await logs.put(str(at_ms), at_ms=at_ms)
        span = {"startTime": now_s - 10, "endTime": now_s - 2}
        answer = await result(logs, await start(logs, "stats count(*) as c", **span))
        assert answer["results"] == [[{"field": "c", "value": "2"}]]

    with_logs(scenario)


def test_results_come_in_pages(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put(*map(str, range(7)))
        query_id = await start(logs, "fields @message | sort @timestamp asc")
        await result(logs, query_id)
        found, token = [], {}
        while True:
            page = await logs("GetQueryResults", queryId=query_id, maxItems=3, **token)
            found += [row[0]["value"] for row in page["results"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert found == [str(number) for number in range(7)]

    with_logs(scenario)


def test_a_query_is_stopped_once_and_listed(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put("a" * 100 + "!")
        done = await start(logs, "fields @message")
        await result(logs, done)
        trap = await start(logs, f"{TRAP} or @message like /^(a|aa|aaa)+$/")
        assert await logs("StopQuery", queryId=trap) == {"success": True}
        assert (await result(logs, trap))["status"] == "Cancelled"
        with pytest.raises(InvalidParameterException, match="already ended with Cancelled status"):
            await logs("StopQuery", queryId=trap)
        listed = (await logs("DescribeQueries"))["queries"]
        assert [(each["queryId"], each["status"]) for each in listed] == [(trap, "Cancelled"), (done, "Complete")]
        complete = await logs("DescribeQueries", status="Complete", logGroupName="g", maxResults=1)
        assert [each["queryString"] for each in complete["queries"]] == ["fields @message"]
        assert (await logs("DescribeQueries", logGroupName="other"))["queries"] == []

    with_logs(scenario)


def test_what_is_no_query_is_refused_with_its_place(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(InvalidQueryError) as refused:
            await start(logs, "fields @timestamp, custom | count()")
        assert refused.value.members["queryCompileError"]["location"] == {"startCharOffset": 28, "endCharOffset": 33}
        # What only the process finds out is told here too.
        with pytest.raises(InvalidQueryError, match="Invalid regular expression"):
            await start(logs, "filter @message like /(/")
        with pytest.raises(InvalidQueryError, match="Unknown function"):
            await start(logs, "filter nothing(1)")
        assert (await logs("DescribeQueries"))["queries"] == []

    with_logs(scenario)


def test_what_cannot_be_asked_is_refused(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(LogGroupNotFoundError):
            await start(logs, "limit 1", logGroupName="other")
        with pytest.raises(InvalidParameterException, match="Exactly one"):
            await start(logs, "limit 1", logGroupNames=["g"])
        with pytest.raises(InvalidParameterException, match="start time"):
            await start(logs, "limit 1", endTime=0)
        with pytest.raises(NotBuiltError, match="pattern"):
            await start(logs, "pattern @message")
        with pytest.raises(NotBuiltError, match="SQL"):
            await start(logs, "SELECT 1", queryLanguage="SQL")
        for operation in ("GetQueryResults", "StopQuery"):
            with pytest.raises(QueryNotFoundError):
                await logs(operation, queryId="nobody")

    with_logs(scenario)
