"""Following a log: with the API's leave, and without waiting for its seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fakes.loop import on_loop
from stoker.console.app import _event
from stoker.console.aws_models import ApiError
from stoker.console.pages.logs import _START, Line
from stoker.console.tail import MOST_SHOWN, MOST_WAITING, Tail
from stoker.model.invocation import LogEvent, LogStream

MINE = LogStream(region="us-east-1", group="/aws/lambda/mine", stream="s")
OTHER = LogStream(region="us-east-1", group="/aws/lambda/other", stream="s")


class FakeTelemetry:
    def __init__(self) -> None:
        self.listeners: list[Any] = []

    def subscribe(self, listener: Any) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def write(self, stream: LogStream, *texts: str) -> None:
        for listener in self.listeners:
            listener(stream, [LogEvent(timestamp_ms=1, message=text) for text in texts], 1)


class FakeAws:
    region = "us-east-1"

    def __init__(self, refusal: ApiError | None = None) -> None:
        self.over = asyncio.Event()
        self.asked: list[dict[str, Any]] = []
        self._refusal = refusal

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return {"Account": "000000000000"}

    async def stream(self, service: str, operation: str, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(params)
        if self._refusal is not None:
            raise self._refusal
        yield {"sessionStart": {}}
        await self.over.wait()


def tail(telemetry: FakeTelemetry, aws: FakeAws, pattern: str = "") -> Any:
    return Tail(telemetry, aws, group="/aws/lambda/mine", pattern=pattern).turns()  # type: ignore[arg-type]


@on_loop
async def test_lines_that_fit_come_at_once_and_others_never() -> None:
    telemetry, aws = FakeTelemetry(), FakeAws()
    lines = tail(telemetry, aws, "good")
    assert (await anext(lines)).lines == ()
    telemetry.write(OTHER, "a good one of somebody else's")
    telemetry.write(MINE, "a good one", "a bad one")
    assert [event.message for _, event in (await anext(lines)).lines] == ["a good one"]
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/mine"
    (asked,) = aws.asked
    assert (asked["logGroupIdentifiers"], asked["logEventFilterPattern"]) == ([arn], "good")
    await lines.aclose()
    assert telemetry.listeners == []


@on_loop
async def test_of_a_flood_the_newest_lines_are_shown_and_the_others_counted() -> None:
    telemetry = FakeTelemetry()
    lines = tail(telemetry, FakeAws())
    await anext(lines)
    telemetry.write(MINE, *(f"{number}" for number in range(MOST_WAITING + 100)))
    turn = await anext(lines)
    assert turn.lines[-1][1].message == str(MOST_WAITING + 99)
    assert (len(turn.lines), turn.left_out) == (MOST_SHOWN, MOST_WAITING + 100 - MOST_SHOWN)
    await lines.aclose()


@on_loop
async def test_who_may_not_follow_hears_nothing() -> None:
    telemetry = FakeTelemetry()
    with pytest.raises(ApiError):
        await anext(tail(telemetry, FakeAws(ApiError("AccessDeniedException", "no", 400))))
    assert telemetry.listeners == []


@on_loop
async def test_the_tail_ends_with_the_api_s_session() -> None:
    telemetry, aws = FakeTelemetry(), FakeAws()
    lines = tail(telemetry, aws)
    await anext(lines)
    aws.over.set()
    assert [heard async for heard in lines] == []
    assert telemetry.listeners == []


def test_a_line_that_is_no_unicode_is_told_all_the_same() -> None:
    assert (
        _event("lines", {"lines": [{"text": "\udc80"}]}) == b'event: lines\ndata: {"lines": [{"text": "\\udc80"}]}\n\n'
    )


@pytest.mark.parametrize("text", ["a" * 1_000_000, '"type": "platform.start"' * 50_000])
def test_a_hostile_line_is_looked_through_once(text: str) -> None:
    """Its square would be for ever."""
    line = Line(at=0, stream="s", text=text)
    assert line.kind in ("own", "platform")
    assert _START.search(text) is None
