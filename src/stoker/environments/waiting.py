"""Invocations that wait for room in the machine's memory: first come, first served, and not for long."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.model.invocation import Invocation, InvocationResult

# Most functions answer within a few seconds, and then there is room; after that a caller does better to try again.
WAIT_LIMIT_S = 5.0
# Memory may become free without any environment's doing.
LOOK_EVERY_S = 0.1

Answer = asyncio.Future[InvocationResult]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Waiter:
    """One invocation. `until` is in monotonic seconds; `answer` is the caller's, who may have gone."""

    function: FunctionVersion
    invocation: Invocation
    log_tail: bool
    until: float
    answer: Answer


class WaitingLine:
    """Asks `serve(waiter, first)` for each waiter whenever something may have changed, until it returns True.

    `give_up(waiter)` is called for those who waited too long or went away. Belongs to the event loop's thread.
    """

    def __init__(self, clock: Clock, serve: Callable[[Waiter, bool], bool], give_up: Callable[[Waiter], None]) -> None:
        self._clock = clock
        self._serve = serve
        self._give_up = give_up
        self._line: dict[Waiter, None] = {}
        self._alarm = Alarm(clock, self._look)
        self._looking = False

    def __bool__(self) -> bool:
        return bool(self._line)

    def __repr__(self) -> str:
        return f"<WaitingLine of {len(self._line)}>"

    def join(self, function: FunctionVersion, invocation: Invocation, *, log_tail: bool) -> Answer:
        """Wait; the result is the invocation's, or the exception that `give_up` sets."""
        now = self._clock.monotonic()
        answer: Answer = asyncio.get_running_loop().create_future()
        waiter = Waiter(
            function=function, invocation=invocation, log_tail=log_tail, until=now + WAIT_LIMIT_S, answer=answer
        )
        self._line[waiter] = None
        self._alarm.set(now + LOOK_EVERY_S)
        return answer

    def look_soon(self) -> None:
        """Something changed: ask again when the loop has finished what it does."""
        if self._line and not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def disperse(self) -> None:
        """Give everybody up."""
        self._alarm.stop()
        while self._line:
            self._give_up(self._line.popitem()[0])

    def _look(self) -> None:
        self._looking = False
        now, first = self._clock.monotonic(), True
        # Before anything is asked: should that fail, those who wait are asked for again.
        self._alarm.set(now + LOOK_EVERY_S)
        for waiter in tuple(self._line):
            if waiter.answer.cancelled() or waiter.until <= now:
                del self._line[waiter]
                self._give_up(waiter)
            elif self._serve(waiter, first):
                del self._line[waiter]
            else:
                first = False
        if not self._line:
            self._alarm.stop()


def pass_on(result: Answer, answer: Answer) -> None:
    """Give the caller, if there still is one, what became of the invocation."""

    def copy(done: Answer) -> None:
        if answer.done():
            return
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(done.result())

    result.add_done_callback(copy)
