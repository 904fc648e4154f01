"""Telemetry on its way to one subscriber: gathered into batches, sent one after another, dropped rather than piled up.

A batch goes out when it has `maxItems` or `maxBytes`, or `timeoutMs` after its first event. While the environment is
frozen its listener takes nothing; what was sent by then waits in its socket, and what comes after it here.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.runtime_api.telemetry import Subscription
from stoker.runtime_api.telemetry_destination import Courier

# A listener that is not up yet, or restarts, has so many chances for each batch.
TRIES = 3
RETRY_S = 0.1
# What a subscriber that does not keep up may have waiting, in times of its largest batch.
WAITING_BATCHES = 4
DROPPED_REASON = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."


class TelemetryStream:
    """What one subscription gets, from `add` to `close`. For the event loop's thread."""

    def __init__(self, subscription: Subscription, courier: Courier, clock: Clock) -> None:
        self.subscription = subscription
        self._courier = courier
        self._clock = clock
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._dropped_bytes = 0
        self._sending: asyncio.Task[None] | None = None
        self._due = Alarm(clock, self.flush)

    def __repr__(self) -> str:
        return f"<TelemetryStream {len(self._waiting)} waiting, {self._dropped} dropped>"

    def add(self, event: bytes) -> None:
        """One event, a JSON object; it is dropped if too much waits."""
        most = self.subscription.max_bytes
        if self._waiting_bytes + len(event) > WAITING_BATCHES * most:
            self._drop([event])
            return
        if not self._waiting:
            self._due.set(self._clock.monotonic() + self.subscription.timeout_ms / 1000)
        self._waiting.append(event)
        self._waiting_bytes += len(event)
        if len(self._waiting) >= self.subscription.max_items or self._waiting_bytes >= most:
            self.flush()

    def flush(self) -> None:
        """Send what waits, behind what is being sent."""
        if self._waiting and (self._sending is None or self._sending.done()):
            self._due.stop()
            self._sending = asyncio.get_running_loop().create_task(self._send(), name="send telemetry")

    async def flushed(self) -> None:
        """Wait until all that was added by now has been sent, or given up."""
        self.flush()
        if self._sending is not None:
            await asyncio.wait({self._sending})

    def close(self) -> None:
        """Send nothing more; idempotent."""
        self._due.stop()
        if self._sending is not None:
            self._sending.cancel()
        self._courier.close()

    async def _send(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            for attempt in range(TRIES):
                try:
                    await self._courier.send(batch)
                    break
                except OSError:
                    if attempt + 1 < TRIES:
                        await asyncio.sleep(RETRY_S * 2**attempt)
            else:
                self._drop(batch)

    def _next_batch(self) -> Sequence[bytes]:
        batch, size = self._told_losses(), 0
        while self._waiting and len(batch) < self.subscription.max_items:
            size += len(self._waiting[0])
            if batch and size > self.subscription.max_bytes:
                break
            event = self._waiting.popleft()
            self._waiting_bytes -= len(event)
            batch.append(event)
        return batch

    def _told_losses(self) -> list[bytes]:
        """The event that says what was dropped, before the next that is not."""
        if not self._dropped:
            return []
        moment = datetime.fromtimestamp(self._clock.time(), UTC).isoformat(timespec="milliseconds")
        record = {
            "reason": DROPPED_REASON,
            "droppedRecords": self._dropped,
            "droppedBytes": self._dropped_bytes,
        }
        self._dropped = self._dropped_bytes = 0
        event = {"time": moment.replace("+00:00", "Z"), "type": "platform.logsDropped", "record": record}
        return [json.dumps(event).encode()]

    def _drop(self, events: Sequence[bytes]) -> None:
        self._dropped += len(events)
        self._dropped_bytes += sum(map(len, events))
