"""What is kept in memory of each queue beside its messages: their numbers, and who waits for them."""

from collections.abc import Awaitable, Callable, Sequence

from stoker.model.clock import Clock
from stoker.queues.claims import Want
from stoker.queues.errors import QueueDoesNotExist
from stoker.queues.message import Received
from stoker.queues.queue import Queue
from stoker.queues.receivers import Receivers
from stoker.queues.tally import Tally

Claim = Callable[[int, Sequence[Want]], Awaitable[tuple[Sequence[Sequence[Received]], float | None]]]
GiveBack = Callable[[int, Sequence[Received]], None]


class OpenQueue:
    """One queue's memory."""

    def __init__(self, receivers: Receivers) -> None:
        self.tally = Tally()
        self.receivers = receivers

    def __repr__(self) -> str:
        return f"<OpenQueue {self.tally!r} {self.receivers!r}>"


class Memory:
    """By queue, made when it is first asked for. `claims` first."""

    def __init__(self, clock: Clock, current: Callable[[int], Queue | None]) -> None:
        self._clock = clock
        self._current = current
        self._open: dict[int, OpenQueue] = {}
        self._claim: Claim
        self._give_back: GiveBack

    def __repr__(self) -> str:
        return f"<Memory of {len(self._open)} queues>"

    def claims(self, claim: Claim, give_back: GiveBack) -> None:
        """How messages of a queue, by its id, are claimed and given back."""
        self._claim = claim
        self._give_back = give_back

    def of(self, queue: Queue) -> OpenQueue:
        """Raises QueueDoesNotExist for one that is gone."""
        memory = self._open.get(queue.id)
        if memory is None:
            if self._current(queue.id) is None:
                raise QueueDoesNotExist
            receivers = Receivers(
                self._clock,
                lambda wants: self._claim(queue.id, wants),
                lambda messages: self._give_back(queue.id, messages),
            )
            memory = self._open[queue.id] = OpenQueue(receivers)
        return memory

    def find(self, queue_id: int) -> OpenQueue | None:
        return self._open.get(queue_id)

    def forget(self, queue: Queue) -> None:
        """The queue is gone: answer whoever waits for it."""
        if (memory := self._open.pop(queue.id, None)) is not None:
            memory.receivers.close()

    def close(self) -> None:
        for memory in self._open.values():
            memory.receivers.close()
