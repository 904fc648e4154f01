"""Tumbling windows: batches that belong to a stretch of time, and the state that a function hands on. Pure.

Source: "Tumbling windows" in the Lambda Developer Guide.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stoker.event_sources import batching
from stoker.event_sources.shards import StreamRecord

MAX_STATE_BYTES = 1_048_576


@dataclass(frozen=True, kw_only=True)
class Window:
    """A stretch of time from `start` (seconds since the epoch), and what the function has made of it so far."""

    start: float
    length_s: int
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> float:
        return self.start + self.length_s

    @classmethod
    def around(cls, moment: float, length_s: int) -> "Window":
        return cls(start=moment // length_s * length_s, length_s=length_s)


def within(records: Sequence[StreamRecord], window: Window) -> Sequence[StreamRecord]:
    """The records up to the first of a later window; one that comes late counts for the window that is open."""
    for place, each in enumerate(records):
        if each.arrived_at >= window.end:
            return records[:place]
    return records


def event_of(
    records: Sequence[StreamRecord], window: Window, *, shard_id: str, source_arn: str, final: bool, early: bool = False
) -> bytes:
    """The event of a batch in a window."""
    more = {
        "window": {"start": _moment(window.start), "end": _moment(window.end)},
        "state": window.state,
        "shardId": shard_id,
        "eventSourceARN": source_arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }
    head = batching.event_of([each.record for each in records])[:-1]
    return head + b"," + json.dumps(more, separators=(",", ":")).encode()[1:]


def state_in(payload: bytes) -> dict[str, Any] | None:
    """The state that a function answers; None where it answers none that can be kept."""
    try:
        answer = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return None
    state = answer.get("state") if isinstance(answer, dict) else None
    if not isinstance(state, dict) or len(json.dumps(state)) > MAX_STATE_BYTES:
        return None
    return state


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
