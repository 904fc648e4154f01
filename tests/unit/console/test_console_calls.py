"""The lines of one call, however many there are around it."""

from types import SimpleNamespace
from typing import Any

from fakes.loop import on_loop
from stoker.console.pages.logs import _around


class FakeLogs:
    """One stream, whose lines are a millisecond apart."""

    def __init__(self, *texts: str) -> None:
        self._events = [{"timestamp": at, "message": text} for at, text in enumerate(texts)]
        self.limits: list[int] = []

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.limits.append(params["limit"])
        begin, end = params.get("startTime", 0), params.get("endTime", len(self._events))
        found = [each for each in self._events if begin <= each["timestamp"] < end]
        return {"events": found[: params["limit"]] if params["startFromHead"] else found[-params["limit"] :]}


def call_of(request: str, lines: int) -> list[str]:
    return [f"START RequestId: {request} V", *[f"{request} {n}" for n in range(lines)], f"REPORT RequestId: {request}"]


@on_loop
async def test_a_short_call_is_found_among_few_lines_and_a_long_one_whole() -> None:
    texts = [*call_of("before", 2_000), *call_of("short", 3), *call_of("long", 900), *call_of("after", 2_000)]
    for request, calls in (("short", 2), ("long", 4)):
        logs = FakeLogs(*texts)
        at = texts.index(f"{request} 1")
        lines = await _around(SimpleNamespace(aws=logs), "group", "stream", at)  # type: ignore[arg-type]
        assert [line.text for line in lines] == call_of(request, 3 if request == "short" else 900)
        assert len(logs.limits) == calls
