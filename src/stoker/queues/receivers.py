"""Who waits for a queue's messages."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from stoker.model.alarm import Alarm
from stoker.model.clock import Clock, Timer
from stoker.queues.claims import Want
from stoker.queues.message import Received

# So many receivers are served by one claim, which bounds how much it reads.
MOST_AT_ONCE = 32
TURNS = 2


class Claims(Protocol):
    """Takes for each what there is, and says when there may be more: None for not before something arrives."""

    def __call__(self, wants: Sequence[Want]) -> Awaitable[tuple[Sequence[Sequence[Received]], float | None]]: ...


class _Receiver:
    """One that waits. `late` ends its wait."""

    __slots__ = ("answer", "late", "patient", "tried", "want")

    def __init__(self, want: Want, *, patient: bool) -> None:
        self.want = want
        self.patient = patient
        self.tried = False
        self.answer: asyncio.Future[Sequence[Received]] = asyncio.get_running_loop().create_future()
        self.late: Timer | None = None

    def finish(self, messages: Sequence[Received]) -> None:
        if self.late is not None:
            self.late.cancel()
        if not self.answer.done():
            self.answer.set_result(messages)


class Receivers:
    """Those that wait for a queue's messages, in their order. Nothing polls: arrivals, moments and new ones wake it.

    `give_back` takes messages whose receiver has gone while they were being claimed.
    """

    def __init__(self, clock: Clock, claim: Claims, give_back: Callable[[Sequence[Received]], None]) -> None:
        self._clock = clock
        self._claim = claim
        self._give_back = give_back
        self._waiting: deque[_Receiver] = deque()
        self._claiming: asyncio.Task[None] | None = None
        # Until then (seconds since the epoch) nothing is to be had unless something arrives; None: who knows.
        self._empty_until: float | None = None
        self._stirred = False
        self._closed = False
        self._alarm = Alarm(clock, self.stir)

    def __repr__(self) -> str:
        return f"<Receivers {len(self._waiting)} waiting>"

    async def receive(self, want: Want, wait_s: float | None) -> Sequence[Received]:
        """At most as many as wanted; none once `wait_s` seconds have passed (None: never)."""
        if self._closed or (wait_s == 0 and self._known_empty()):
            return []
        receiver = _Receiver(want, patient=wait_s != 0)
        self._waiting.append(receiver)
        if wait_s:
            receiver.late = self._clock.call_later(wait_s, lambda: self._expire(receiver))
        self._pump()
        try:
            return await receiver.answer
        except asyncio.CancelledError:
            if receiver.answer.done() and not receiver.answer.cancelled() and receiver.answer.exception() is None:
                self._give_back(receiver.answer.result())
            raise
        finally:
            if receiver.late is not None:
                receiver.late.cancel()

    def stir(self) -> None:
        """There may be something to receive."""
        self._empty_until = None
        self._stirred = True
        self._pump()

    def close(self) -> None:
        """Answer all that wait with nothing, and whoever comes after them at once."""
        self._closed = True
        self._alarm.stop()
        while self._waiting:
            self._waiting.popleft().finish([])

    def _known_empty(self) -> bool:
        return self._empty_until is not None and self._clock.time() < self._empty_until

    def _expire(self, receiver: _Receiver) -> None:
        # One whose claim is under way is answered by it.
        if receiver.tried or self._claiming is None:
            if receiver in self._waiting:
                self._waiting.remove(receiver)
            receiver.finish([])
        receiver.patient = False

    def _pump(self) -> None:
        """Claim for those that wait or, where nothing is to be had, see to it when something will be."""
        if self._claiming is not None or not self._waiting:
            return
        if not self._known_empty():
            self._claiming = asyncio.get_running_loop().create_task(self._serve(), name="claim messages")
        elif self._empty_until is not None and self._empty_until != float("inf"):
            self._alarm.set(self._clock.monotonic() + max(0.0, self._empty_until - self._clock.time()))

    async def _serve(self) -> None:
        try:
            while self._waiting and not self._known_empty():
                await self._serve_some()
        finally:
            self._claiming = None
        self._dismiss()
        self._pump()

    async def _gather(self) -> None:
        """Let those come along whose requests are here already: a claim costs as much for one as for eight.

        Two turns of the loop: in one a socket is read, in the next its request is served.
        """
        seen = 0
        while seen < len(self._waiting) < MOST_AT_ONCE:
            seen = len(self._waiting)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def _serve_some(self) -> None:
        await self._gather()
        some = [each for each in self._take_waiting() if not each.answer.done()]
        if not some:
            return
        self._stirred = False
        try:
            found, next_at = await self._claim([each.want for each in some])
        except Exception as error:
            # Not swallowed: each of those who wait gets it.
            for each in some:
                if not each.answer.done():
                    each.answer.set_exception(error)
            return
        if not self._stirred:
            self._empty_until = float("inf") if next_at is None else next_at
        for receiver, messages in reversed(list(zip(some, found, strict=True))):
            receiver.tried = True
            if receiver.answer.done():
                self._give_back(messages)
            elif messages or not receiver.patient:
                receiver.finish(messages)
            else:
                self._waiting.appendleft(receiver)

    def _take_waiting(self) -> list[_Receiver]:
        return [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]

    def _dismiss(self) -> None:
        """The queue is empty: answer those that don't wait."""
        for receiver in [each for each in self._waiting if not each.patient]:
            self._waiting.remove(receiver)
            receiver.finish([])
