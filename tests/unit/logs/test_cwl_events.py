from collections.abc import Callable
from typing import Any

import pytest

from stoker.model.errors import InvalidParameterException
from stoker.model.invocation import LogEvent, LogStream

WithLogs = Callable[[Any], Any]
HOUR_MS = 3600 * 1000
GET = {"logGroupName": "g", "logStreamName": "s"}


def messages(answer: Any) -> list[str]:
    return [event["message"] for event in answer["events"]]


def test_put_events_are_there_at_once(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        answer = await logs.put("a", "b")
        assert "rejectedLogEventsInfo" not in answer
        got = await logs("GetLogEvents", **GET)
        assert got["events"] == [
            {"timestamp": logs.now_ms, "message": "a", "ingestionTime": logs.now_ms},
            {"timestamp": logs.now_ms + 1, "message": "b", "ingestionTime": logs.now_ms},
        ]

    with_logs(scenario)


def test_what_a_function_logs_needs_no_group_made_before(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        stream = LogStream(region="us-east-1", group="/aws/lambda/hello", stream="x")
        logs.telemetry.append(stream, [LogEvent(timestamp_ms=logs.now_ms, message="hi")])
        assert messages(await logs("FilterLogEvents", logGroupName="/aws/lambda/hello")) == ["hi"]

    with_logs(scenario)


def test_too_old_and_too_new_events_are_left_out_and_the_rest_kept(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        times = [-15 * 24 * HOUR_MS, -14 * 24 * HOUR_MS - 1, 0, HOUR_MS, 2 * HOUR_MS + 1]
        events = [{"timestamp": logs.now_ms + at, "message": str(at)} for at in times]
        answer = await logs("PutLogEvents", **GET, logEvents=events)
        assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}
        assert messages(await logs("GetLogEvents", **GET)) == ["0", str(HOUR_MS)]

    with_logs(scenario)


def test_events_that_retention_would_remove_are_not_taken(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
        answer = await logs.put("expired", at_ms=logs.now_ms - 25 * HOUR_MS)
        assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
        assert messages(await logs("GetLogEvents", **GET)) == []

    with_logs(scenario)


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([(5, "a"), (4, "b")], "chronological order"),
        ([(-25 * HOUR_MS, "a"), (0, "b")], "cannot span more than 24 hours"),
        ([(0, "x" * 1_048_551)], "Upload too large: 1048577 bytes exceeds limit of 1048576"),
        ([(0, "é" * 262_144), (0, "é" * 262_144)], "Upload too large"),
    ],
)
def test_a_batch_that_breaks_the_rules_is_refused_as_a_whole(with_logs: WithLogs, events: Any, text: str) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        batch = [{"timestamp": logs.now_ms + at, "message": message} for at, message in events]
        with pytest.raises(InvalidParameterException, match=text):
            await logs("PutLogEvents", **GET, logEvents=batch)
        assert messages(await logs("GetLogEvents", **GET)) == []

    with_logs(scenario)


def test_reading_forward_ends_with_the_same_token_and_goes_on_when_more_comes(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put(*"abcde")
        seen, token = [], {}
        while True:
            page = await logs("GetLogEvents", **GET, startFromHead=True, limit=2, **token)
            seen.append("".join(messages(page)))
            if page["nextForwardToken"] == token.get("nextToken"):
                break
            token = {"nextToken": page["nextForwardToken"]}
        assert seen == ["ab", "cd", "e", ""]
        await logs.put("f", at_ms=logs.now_ms + 10)
        assert messages(await logs("GetLogEvents", **GET, **token)) == ["f"]

    with_logs(scenario)


def test_reading_backward_from_the_end_stops_with_the_same_token(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put(*"abcde")
        seen, token = [], {}
        while True:
            page = await logs("GetLogEvents", **GET, limit=2, **token)
            seen.append("".join(messages(page)))
            if page["nextBackwardToken"] == token.get("nextToken"):
                break
            token = {"nextToken": page["nextBackwardToken"]}
        assert seen == ["de", "bc", "a", ""]

    with_logs(scenario)


def test_turning_round_at_an_end_shows_the_last_page_again(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put(*"abc")
        end = await logs("GetLogEvents", **GET, startFromHead=True)
        empty = await logs("GetLogEvents", **GET, nextToken=end["nextForwardToken"])
        assert messages(empty) == []
        assert messages(await logs("GetLogEvents", **GET, nextToken=empty["nextBackwardToken"])) == ["a", "b", "c"]
        start = await logs("GetLogEvents", **GET, nextToken=end["nextBackwardToken"])
        assert messages(start) == []
        assert messages(await logs("GetLogEvents", **GET, nextToken=start["nextForwardToken"])) == ["a", "b", "c"]

    with_logs(scenario)


def test_an_empty_stream_has_tokens_to_wait_with(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        page = await logs("GetLogEvents", **GET, startFromHead=True)
        await logs.put("a")
        assert messages(await logs("GetLogEvents", **GET, nextToken=page["nextForwardToken"])) == ["a"]

    with_logs(scenario)


def test_get_leaves_the_end_time_out_and_filter_takes_it_in(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put(*"abcd")
        window = {"startTime": logs.now_ms + 1, "endTime": logs.now_ms + 2}
        assert messages(await logs("GetLogEvents", **GET, **window)) == ["b"]
        assert messages(await logs("FilterLogEvents", logGroupName="g", **window)) == ["b", "c"]
        forever = {"startTime": 0, "endTime": 10**30}
        assert len(messages(await logs("FilterLogEvents", logGroupName="g", **forever))) == 4

    with_logs(scenario)


def test_a_search_interleaves_streams_by_time_then_by_arrival(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream("g", "s", "t")
        await logs.put("1", "3", stream="s")
        await logs.put("2", "4", stream="t")
        answer = await logs("FilterLogEvents", logGroupName="g", interleaved=True)
        assert messages(answer) == ["1", "2", "3", "4"]
        assert [event["logStreamName"] for event in answer["events"]] == ["s", "t", "s", "t"]
        ids = [event["eventId"] for event in answer["events"]]
        assert len(set(ids)) == 4
        assert ids == sorted(ids)
        assert {len(id_) for id_ in ids} == {56}
        backwards = await logs("FilterLogEvents", logGroupName="g", startFromHead=False)
        assert messages(backwards) == ["4", "3", "2", "1"]

    with_logs(scenario)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"filterPattern": "ERROR"}, ["ERROR a1", "ERROR b"]),
        ({"filterPattern": "ERROR", "logStreamNames": ["b", "c"]}, ["ERROR b"]),
        ({"logStreamNamePrefix": "a"}, ["ERROR a1", "INFO a2"]),
        ({"filterPattern": "ERROR", "logStreamNamePrefix": "z"}, []),
        ({"filterPattern": "[level = ERROR, word = a*]"}, ["ERROR a1"]),
    ],
)
def test_a_search_is_narrowed_by_pattern_streams_and_prefix(
    with_logs: WithLogs, search: Any, expected: list[str]
) -> None:
    async def scenario(logs: Any) -> list[str]:
        await logs.with_stream("g", "a1", "a2", "b", "c")
        for number, (stream, text) in enumerate([("a1", "ERROR a1"), ("a2", "INFO a2"), ("b", "ERROR b")]):
            await logs.put(text, stream=stream, at_ms=logs.now_ms + number)
        return messages(await logs("FilterLogEvents", logGroupName="g", **search))

    assert with_logs(scenario) == expected


@pytest.mark.parametrize("forward", [True, False])
def test_a_search_goes_on_page_by_page_without_loss_or_repetition(with_logs: WithLogs, forward: bool) -> None:
    async def scenario(logs: Any) -> list[list[str]]:
        await logs.with_stream()
        await logs.put(*(f"{'even' if number % 2 == 0 else 'odd'} {number}" for number in range(10)))
        pages, token = [], {}
        while True:
            search = {"filterPattern": "even", "limit": 2, "startFromHead": forward}
            page = await logs("FilterLogEvents", logGroupName="g", **search, **token)
            pages.append([message.split()[1] for message in messages(page)])
            if "nextToken" not in page:
                return pages
            token = {"nextToken": page["nextToken"]}

    expected = [["0", "2"], ["4", "6"], ["8"]] if forward else [["8", "6"], ["4", "2"], ["0"]]
    assert with_logs(scenario) == expected


def test_a_page_is_at_most_a_megabyte(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        for _ in range(3):
            await logs.put("x" * 600_000)
        page = await logs("FilterLogEvents", logGroupName="g")
        assert len(page["events"]) == 1
        assert "nextToken" in page

    with_logs(scenario)


def test_streams_by_name_and_by_prefix_exclude_each_other(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(InvalidParameterException, match="mutually exclusive"):
            await logs("FilterLogEvents", logGroupName="g", logStreamNames=["s"], logStreamNamePrefix="s")
        with pytest.raises(InvalidParameterException, match="logGroupName"):
            await logs("FilterLogEvents")

    with_logs(scenario)
