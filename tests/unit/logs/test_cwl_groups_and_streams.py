from collections.abc import Callable
from typing import Any

import pytest

from stoker.model.errors import InvalidParameterException, NotBuiltError, ServiceError

WithLogs = Callable[[Any], Any]
GROUP_ARN = "arn:aws:logs:us-east-1:123456789012:log-group:g"


async def error_of(awaitable: Any) -> tuple[str, int, str]:
    with pytest.raises(ServiceError) as caught:
        await awaitable
    return caught.value.code, caught.value.status, caught.value.message


def test_a_new_group_is_described(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs("CreateLogGroup", logGroupName="g", tags={"team": "a"})
        (group,) = (await logs("DescribeLogGroups"))["logGroups"]
        assert group == {
            "logGroupName": "g",
            "creationTime": logs.now_ms,
            "metricFilterCount": 0,
            "arn": f"{GROUP_ARN}:*",
            "logGroupArn": GROUP_ARN,
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
            "deletionProtectionEnabled": False,
        }
        assert await logs("ListTagsForResource", resourceArn=GROUP_ARN) == {"tags": {"team": "a"}}

    with_logs(scenario)


def test_what_exists_already_or_not_at_all_is_refused_in_awss_words(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        missing = ("ResourceNotFoundException", 400, "The specified log group does not exist.")
        assert await error_of(logs("DeleteLogGroup", logGroupName="g")) == missing
        assert await error_of(logs("CreateLogStream", logGroupName="g", logStreamName="s")) == missing
        assert await error_of(logs.put("x")) == missing
        assert await error_of(logs("FilterLogEvents", logGroupName="g")) == missing
        await logs.with_stream()
        taken = await error_of(logs("CreateLogGroup", logGroupName="g"))
        assert taken == ("ResourceAlreadyExistsException", 400, "The specified log group already exists")
        taken = await error_of(logs("CreateLogStream", logGroupName="g", logStreamName="s"))
        assert taken == ("ResourceAlreadyExistsException", 400, "The specified log stream already exists")
        missing = ("ResourceNotFoundException", 400, "The specified log stream does not exist.")
        assert await error_of(logs.put("x", stream="other")) == missing
        assert await error_of(logs("GetLogEvents", logGroupName="g", logStreamName="other")) == missing
        assert await error_of(logs("FilterLogEvents", logGroupName="g", logStreamNames=["other"])) == missing

    with_logs(scenario)


def test_groups_are_listed_by_name_in_pages(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        for name in ("b", "a", "c", "%"):
            await logs("CreateLogGroup", logGroupName=name)
        names, token = [], {}
        while True:
            page = await logs("DescribeLogGroups", limit=3, **token)
            names.append([group["logGroupName"] for group in page["logGroups"]])
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert names == [["%", "a", "b"], ["c"]]

    with_logs(scenario)


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({"logGroupNamePrefix": "/aws/lambda/"}, ["/aws/lambda/a", "/aws/lambda/b"]),
        ({"logGroupNamePattern": "lambda/b"}, ["/aws/lambda/b"]),
        ({"logGroupNamePattern": "LAMBDA"}, []),
        ({"logGroupIdentifiers": ["other", "nowhere"]}, ["other"]),
        ({"logGroupClass": "INFREQUENT_ACCESS"}, []),
    ],
)
def test_groups_are_found_by_prefix_part_and_name(with_logs: WithLogs, search: Any, expected: list[str]) -> None:
    async def scenario(logs: Any) -> list[str]:
        for name in ("/aws/lambda/a", "/aws/lambda/b", "other"):
            await logs("CreateLogGroup", logGroupName=name)
        return [group["logGroupName"] for group in (await logs("DescribeLogGroups", **search))["logGroups"]]

    assert with_logs(scenario) == expected


def test_a_deleted_group_takes_its_streams_and_events_with_it(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put("gone")
        await logs("DeleteLogGroup", logGroupName="g")
        await logs.with_stream()
        assert (await logs("FilterLogEvents", logGroupName="g"))["events"] == []
        await logs.put("new")
        assert [event["message"] for event in (await logs("FilterLogEvents", logGroupName="g"))["events"]] == ["new"]

    with_logs(scenario)


def test_a_deleted_stream_takes_only_its_own_events(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream("g", "s", "t")
        await logs.put("gone", stream="s")
        await logs.put("kept", stream="t")
        await logs("DeleteLogStream", logGroupName="g", logStreamName="s")
        events = (await logs("FilterLogEvents", logGroupName="g"))["events"]
        assert [(event["logStreamName"], event["message"]) for event in events] == [("t", "kept")]
        (group,) = (await logs("DescribeLogGroups"))["logGroups"]
        assert group["storedBytes"] == len("kept") + 26

    with_logs(scenario)


def test_a_stream_tells_when_its_events_were(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        created, first = logs.now_ms, logs.now_ms - 5000
        await logs.put("a", "b", at_ms=first)
        logs.clock.advance(3)
        await logs.put("c", at_ms=first - 1000)
        (stream,) = (await logs("DescribeLogStreams", logGroupIdentifier=f"{GROUP_ARN}:*"))["logStreams"]
        assert stream == {
            "logStreamName": "s",
            "creationTime": created,
            "firstEventTimestamp": first - 1000,
            "lastEventTimestamp": first + 1,
            "lastIngestionTime": logs.now_ms,
            "arn": f"{GROUP_ARN}:log-stream:s",
            "storedBytes": 0,
        }

    with_logs(scenario)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"descending": True}, ["c", "b", "a"]),
        ({"orderBy": "LastEventTime"}, ["c", "b", "a"]),
        ({"orderBy": "LastEventTime", "descending": True}, ["a", "b", "c"]),
        ({"logStreamNamePrefix": "b"}, ["b"]),
    ],
)
def test_streams_are_listed_in_every_order_in_pages(with_logs: WithLogs, order: Any, expected: list[str]) -> None:
    async def scenario(logs: Any) -> list[str]:
        await logs.with_stream("g", "a", "b", "c")
        await logs.put("x", stream="b", at_ms=logs.now_ms - 1000)
        await logs.put("x", stream="a", at_ms=logs.now_ms)
        names, token = [], {}
        while True:
            page = await logs("DescribeLogStreams", logGroupName="g", limit=1, **order, **token)
            names += [stream["logStreamName"] for stream in page["logStreams"]]
            if "nextToken" not in page:
                return names
            token = {"nextToken": page["nextToken"]}

    assert with_logs(scenario) == expected


def test_streams_by_time_cannot_be_searched_by_prefix(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(InvalidParameterException, match="LastEventTime"):
            await logs("DescribeLogStreams", logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="s")

    with_logs(scenario)


def test_retention_is_set_shown_obeyed_and_lifted(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put("old", at_ms=logs.now_ms - 23 * 3600 * 1000)
        await logs("PutRetentionPolicy", logGroupName="g", retentionInDays=1)
        assert (await logs("DescribeLogGroups"))["logGroups"][0]["retentionInDays"] == 1
        logs.clock.advance(2 * 3600)
        await logs("DeleteRetentionPolicy", logGroupName="g")
        assert (await logs("FilterLogEvents", logGroupName="g"))["events"] == []
        assert "retentionInDays" not in (await logs("DescribeLogGroups"))["logGroups"][0]

    with_logs(scenario)


def test_only_awss_retention_times_are_taken(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(InvalidParameterException, match=r"Value '2' at 'retentionInDays'.*\[1, 3, 5"):
            await logs("PutRetentionPolicy", logGroupName="g", retentionInDays=2)

    with_logs(scenario)


def test_tags_are_added_replaced_and_removed(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs("CreateLogGroup", logGroupName="g", tags={"a": "1", "b": "1"})
        await logs("TagResource", resourceArn=GROUP_ARN, tags={"b": "2", "c": "3"})
        await logs("UntagResource", resourceArn=GROUP_ARN, tagKeys=["a", "never"])
        assert await logs("ListTagsForResource", resourceArn=GROUP_ARN) == {"tags": {"b": "2", "c": "3"}}
        too_many = {str(number): "" for number in range(49)}
        assert (await error_of(logs("TagResource", resourceArn=GROUP_ARN, tags=too_many)))[0] == "TooManyTagsException"

    with_logs(scenario)


@pytest.mark.parametrize(
    "setting", [{"kmsKeyId": "key"}, {"logGroupClass": "INFREQUENT_ACCESS"}, {"deletionProtectionEnabled": True}]
)
def test_a_setting_that_nothing_would_obey_is_not_taken(with_logs: WithLogs, setting: Any) -> None:
    async def scenario(logs: Any) -> None:
        with pytest.raises(NotBuiltError):
            await logs("CreateLogGroup", logGroupName="g", **setting)

    with_logs(scenario)


@pytest.mark.parametrize("token", ["x", "WzFd", "WyJhIiwgMV0=", "bm90IGpzb24=", "é", "W" * 100_000])
def test_a_token_that_was_never_given_is_refused(with_logs: WithLogs, token: str) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(InvalidParameterException, match="nextToken"):
            await logs("DescribeLogStreams", logGroupName="g", nextToken=token)
        with pytest.raises(InvalidParameterException, match="nextToken"):
            await logs("FilterLogEvents", logGroupName="g", nextToken=token)
        with pytest.raises(InvalidParameterException, match="nextToken"):
            await logs("GetLogEvents", logGroupName="g", logStreamName="s", nextToken=token)

    with_logs(scenario)


def test_a_group_of_another_region_is_not_answered_from_this_one(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        with pytest.raises(InvalidParameterException, match="region"):
            await logs("FilterLogEvents", logGroupIdentifier=GROUP_ARN.replace("us-east-1", "eu-west-1"))

    with_logs(scenario)
