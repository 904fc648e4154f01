import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from stoker.model.errors import InvalidParameterException, ServiceError

WithLogs = Callable[[Any], Any]


async def next_update(logs: Any, session: Any) -> dict[str, Any]:
    """Let the session wait for its second, then let the second pass."""
    waiting = asyncio.ensure_future(anext(session))
    await asyncio.sleep(0)
    logs.clock.advance(1)
    return (await waiting)["sessionUpdate"]


async def tail(logs: Any, **params: Any) -> Any:
    session = (await logs("StartLiveTail", logGroupIdentifiers=["g"], **params))["responseStream"]
    return session, (await anext(session))["sessionStart"]


def test_a_session_shows_what_is_logged_from_now_on(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        await logs.put("before")
        session, start = await tail(logs)
        assert start["logGroupIdentifiers"] == ["g"]
        await logs.put("a", "b")
        update = await next_update(logs, session)
        assert update["sessionMetadata"] == {"sampled": False}
        assert [result["message"] for result in update["sessionResults"]] == ["a", "b"]
        assert update["sessionResults"][0]["logGroupIdentifier"] == "123456789012:g"
        assert (await next_update(logs, session))["sessionResults"] == []
        await session.aclose()

    with_logs(scenario)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"logEventFilterPattern": "ERROR"}, ["ERROR s", "ERROR t"]),
        ({"logStreamNames": ["t"]}, ["ERROR t"]),
        ({"logStreamNamePrefixes": ["s", "x"]}, ["INFO s", "ERROR s"]),
    ],
)
def test_a_session_is_narrowed_by_pattern_and_streams(with_logs: WithLogs, params: Any, expected: list[str]) -> None:
    async def scenario(logs: Any) -> list[str]:
        await logs.with_stream("g", "s", "t")
        await logs.with_stream("other")
        session, _ = await tail(logs, **params)
        await logs.put("INFO s", "ERROR s", stream="s")
        await logs.put("ERROR t", stream="t")
        await logs.put("ERROR elsewhere", group="other")
        update = await next_update(logs, session)
        await session.aclose()
        return [result["message"] for result in update["sessionResults"]]

    assert with_logs(scenario) == expected


def test_a_flood_is_sampled_and_says_so(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        session, _ = await tail(logs)
        await logs.put(*map(str, range(600)))
        update = await next_update(logs, session)
        assert update["sessionMetadata"] == {"sampled": True}
        assert len(update["sessionResults"]) == 500
        await session.aclose()

    with_logs(scenario)


def test_a_client_that_goes_away_costs_nothing_any_more(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        session, _ = await tail(logs)
        await session.aclose()
        assert logs.telemetry._listeners == []

    with_logs(scenario)


def test_a_session_ends_after_three_hours(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        session, _ = await tail(logs)
        await next_update(logs, session)
        logs.clock.advance(3 * 3600)
        with pytest.raises(ServiceError, match="three hours") as caught:
            await anext(session)
        assert caught.value.code == "SessionTimeoutException"
        assert logs.telemetry._listeners == []

    with_logs(scenario)


def test_a_session_does_not_keep_stoker_from_its_end(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        await logs.with_stream()
        session, _ = await tail(logs)
        await next_update(logs, session)
        await logs.service.live_tail.let_go()
        with pytest.raises(ServiceError, match="Stoker stops"):
            await next_update(logs, session)
        assert logs.telemetry._listeners == []

    with_logs(scenario)


def test_a_session_that_could_show_nothing_is_refused(with_logs: WithLogs) -> None:
    async def scenario(logs: Any) -> None:
        with pytest.raises(ServiceError, match="log group does not exist"):
            await logs("StartLiveTail", logGroupIdentifiers=["g"])
        with pytest.raises(InvalidParameterException, match="Invalid filter pattern"):
            await logs("StartLiveTail", logGroupIdentifiers=["g"], logEventFilterPattern="{ x")
        with pytest.raises(InvalidParameterException, match="single log group"):
            await logs("StartLiveTail", logGroupIdentifiers=["g", "h"], logStreamNames=["s"])

    with_logs(scenario)
