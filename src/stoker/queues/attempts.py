"""Receives that are asked for again: a client that lost an answer gets the same messages under the same attempt id.

Source: ReceiveRequestAttemptId in the SQS API reference. Kept in memory: after a restart a lost answer's messages come
back when they are visible again.
"""

from collections import OrderedDict
from collections.abc import Sequence

from stoker.model.clock import Clock
from stoker.queues.message import Received

KEPT_S = 300.0
MOST_KEPT = 10_000


class ReceiveAttempts:
    """By queue and attempt id, for five minutes; the oldest go first where there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[int, str], tuple[float, Sequence[Received]]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<ReceiveAttempts {len(self._kept)} kept>"

    def find(self, queue_id: int, attempt: str) -> Sequence[Received]:
        """What this attempt got; nothing where it is too long ago, or there was none."""
        ends, messages = self._kept.get((queue_id, attempt), (0.0, ()))
        return messages if ends > self._clock.monotonic() else ()

    def keep(self, queue_id: int, attempt: str, messages: Sequence[Received]) -> None:
        now = self._clock.monotonic()
        while self._kept and (len(self._kept) >= MOST_KEPT or next(iter(self._kept.values()))[0] <= now):
            self._kept.popitem(last=False)
        self._kept[queue_id, attempt] = (now + KEPT_S, messages)
        self._kept.move_to_end((queue_id, attempt))
