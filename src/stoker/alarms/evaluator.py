"""Evaluates alarms when it is time: each minute, every ten seconds where periods are shorter, and when one is made."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

from stoker.alarms.alarm import Alarm, State
from stoker.alarms.alarms import Alarms
from stoker.alarms.evaluation import evaluate, span
from stoker.model.clock import Clock, Timer
from stoker.observability.cloudwatch.metric_math import MetricMath
from stoker.observability.cloudwatch.queries import answer
from stoker.observability.cloudwatch.series import MathError
from stoker.observability.telemetry import Telemetry

# A period is looked at so long after its end: what services count is written down every five seconds.
SETTLE_S = 6.0
MINUTE_S, SHORT_S = 60, 10
# Of alarms that one reader computes in one go.
AT_ONCE = 50

log = logging.getLogger(__name__)


class Evaluator:
    """For the event loop's thread. Without alarms there is no timer."""

    def __init__(self, *, alarms: Alarms, telemetry: Telemetry, clock: Clock, math: MetricMath) -> None:
        self._alarms = alarms
        self._telemetry = telemetry
        self._clock = clock
        self._math = math
        self._known: Sequence[Alarm] = []
        # Whether what is known may have changed since it began to be read.
        self._stale = True
        self._timer: Timer | None = None
        self._turn: asyncio.Task[None] | None = None
        self._again = False
        self._open = False
        self._step_s = MINUTE_S
        alarms.changed = self.look

    def __repr__(self) -> str:
        return f"<Evaluator of {len(self._known)} alarms>"

    async def start(self) -> None:
        self._open = True
        self.look(True)

    async def close(self) -> None:
        """Begin nothing more; what was begun is finished."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._turn is not None:
            await asyncio.wait({self._turn})

    def look(self, at_once: bool) -> None:
        """Alarms changed: they are read anew before they are evaluated, when it is time or `at_once`.

        What SetAlarmState says should be seen until it is time.
        """
        self._stale = True
        if at_once or (self._timer is None and self._turn is None):
            self._begin()

    def _begin(self) -> None:
        if self._turn is not None:
            self._again = True
        elif self._open:
            self._turn = asyncio.get_running_loop().create_task(self._evaluate_all(), name="evaluate alarms")

    async def _evaluate_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            while self._stale:
                self._stale = False
                self._known = await self._alarms.all()
                self._step_s = SHORT_S if any(alarm.period_s < MINUTE_S for alarm in self._known) else MINUTE_S
            known = self._known
            for start in range(0, len(known), AT_ONCE):
                await self._evaluate(known[start : start + AT_ONCE])
        except Exception:
            # The boundary of a turn: alarms stay as they are, and are looked at again.
            self._stale = True
            log.exception("alarms could not be evaluated")
        self._turn = None
        if self._again:
            self._again = False
            self._begin()
        elif self._open and (self._known or self._stale):
            self._timer = self._clock.call_later(self._wait_s(), self._begin)

    async def _evaluate(self, alarms: Sequence[Alarm]) -> None:
        now = self._clock.time()

        def work(connection: sqlite3.Connection) -> list[tuple[Alarm, State]]:
            found = [(alarm, self._state(connection, alarm, now)) for alarm in alarms]
            return [(alarm, state) for alarm, state in found if state is not None]

        for alarm, state in await self._telemetry.read_metrics(work):
            await self._alarms.come_into(alarm, state)

    def _state(self, connection: sqlite3.Connection, alarm: Alarm, now: float) -> State | None:
        """In a reader's thread. An expression that has no value at the moment is as good as no data."""
        step = MINUTE_S if alarm.period_s >= MINUTE_S else alarm.period_s
        start, end = span(alarm, int(now - SETTLE_S) // step * step)
        try:
            found = answer(connection, self._math, alarm.queries(self._math), start, end)
        except MathError:
            found = []
        points = found[0].series.points if found else {}
        return evaluate(alarm, points, end=end, now=now)

    def _wait_s(self) -> float:
        return self._step_s - (self._clock.time() - SETTLE_S) % self._step_s
