"""Lines of a log group as they are written: as StartLiveTail shows them, but at once, where that looks each second.

The API's session is the leave: it is opened as the reader, checks the group and the pattern, and while it lasts lines
are passed on straight from where they are written. It is asked for a stream that nobody has, so that it sends none.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from stoker.console.aws import Aws
from stoker.model.invocation import LogEvent, LogStream
from stoker.observability.filter_pattern import compile_filter
from stoker.observability.telemetry import Telemetry

# Lines are sent together: nobody reads ten a second.
TURN_S = 0.1
# What is held between two turns. StartLiveTail shows 500 a second, the newest, and so many are sent here.
MOST_WAITING = 2_000
MOST_SHOWN = 50
_NO_STREAM = "shown by the console itself"

_Heard = tuple[LogStream, LogEvent]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The lines of one turn, and how many there were besides that nobody could read."""

    lines: Sequence[_Heard] = ()
    left_out: int = 0


class Tail:
    """One reader's tail of one group."""

    def __init__(self, telemetry: Telemetry, aws: Aws, *, group: str, pattern: str) -> None:
        self._telemetry = telemetry
        self._aws = aws
        self._group = group
        self._pattern = pattern
        self._waiting: deque[_Heard] = deque(maxlen=MOST_WAITING)
        self._count = 0
        self._something = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Tail of {self._group}: {len(self._waiting)} waiting>"

    async def turns(self) -> AsyncGenerator[Turn, None]:
        """An empty one once the tail has begun; then lines, as long as the API's session lasts. Raises ApiError."""
        identity = await self._aws.call("sts", "GetCallerIdentity")
        arn = f"arn:aws:logs:{self._aws.region}:{identity['Account']}:log-group:{self._group}"
        session = self._aws.stream(
            "logs",
            "StartLiveTail",
            logGroupIdentifiers=[arn],
            logEventFilterPattern=self._pattern,
            logStreamNames=[_NO_STREAM],
        )
        async with aclosing(session):
            await anext(session)
            ended = asyncio.create_task(_to_the_end(session))
            stop = self._telemetry.subscribe(self._hear)
            try:
                yield Turn()
                async for heard in self._heard(ended):
                    yield heard
                await ended
            finally:
                stop()
                ended.cancel()
                await asyncio.wait({ended})

    async def _heard(self, ended: "asyncio.Task[None]") -> AsyncGenerator[Turn, None]:
        matches = compile_filter(self._pattern)
        while not ended.done():
            something = asyncio.create_task(self._something.wait())
            await asyncio.wait({something, ended}, return_when=asyncio.FIRST_COMPLETED)
            something.cancel()
            self._something.clear()
            heard, missed = list(self._waiting), self._count - len(self._waiting)
            self._waiting.clear()
            self._count = 0
            # In a thread: many lines against an expression may take longer than the loop may wait.
            found = await asyncio.to_thread(lambda held: [each for each in held if matches(each[1].message)], heard)
            if found:
                yield Turn(lines=found[-MOST_SHOWN:], left_out=missed + max(0, len(found) - MOST_SHOWN))
            await asyncio.sleep(TURN_S)

    def _hear(self, stream: LogStream, events: Sequence[LogEvent], _ingestion_ms: int) -> None:
        if stream.group == self._group and stream.region == self._aws.region:
            self._waiting.extend([(stream, event) for event in events])
            self._count += len(events)
            self._something.set()


async def _to_the_end(session: AsyncIterator[object]) -> None:
    async for _ in session:
        pass
