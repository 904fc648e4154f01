"""The rules of a PutLogEvents batch. Pure; the texts are CloudWatch's."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.model.errors import InvalidParameterException
from stoker.model.invocation import LogEvent

HOUR_MS = 3600 * 1000
MAX_BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26
MAX_SPAN_MS = 24 * HOUR_MS
MAX_FUTURE_MS = 2 * HOUR_MS
MAX_AGE_MS = 14 * 24 * HOUR_MS


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What is kept of a batch, and `rejectedLogEventsInfo` (empty if all is)."""

    accepted: Sequence[LogEvent]
    rejected: Mapping[str, int]


def check_batch(entries: Sequence[Mapping[str, Any]], *, now_ms: int, retention_days: int | None) -> Batch:
    """Refuse the whole batch (InvalidParameterException), or leave out what is too old or too new."""
    events = [LogEvent(timestamp_ms=entry["timestamp"], message=entry["message"]) for entry in entries]
    times = [event.timestamp_ms for event in events]
    _refuse_too_large(events)
    if any(later < earlier for earlier, later in itertools.pairwise(times)):
        raise InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.")
    expired_before = 0 if retention_days is None else now_ms - retention_days * 24 * HOUR_MS
    expired = sum(at < expired_before for at in times)
    too_old = sum(at < now_ms - MAX_AGE_MS for at in times)
    in_time = sum(at <= now_ms + MAX_FUTURE_MS for at in times)
    accepted = events[max(expired, too_old) : in_time]
    if accepted and accepted[-1].timestamp_ms - accepted[0].timestamp_ms > MAX_SPAN_MS:
        raise InvalidParameterException(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    return Batch(accepted=accepted, rejected=_rejections(len(events), expired, too_old, in_time))


def _refuse_too_large(events: Sequence[LogEvent]) -> None:
    size = sum(len(event.message.encode("utf-8", "replace")) + EVENT_OVERHEAD_BYTES for event in events)
    if size > MAX_BATCH_BYTES:
        raise InvalidParameterException(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")


def _rejections(count: int, expired: int, too_old: int, in_time: int) -> Mapping[str, int]:
    """Ends are exclusive, starts inclusive; an event that is both expired and too old counts as too old."""
    rejected = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired > too_old:
        rejected["expiredLogEventEndIndex"] = expired
    if in_time < count:
        rejected["tooNewLogEventStartIndex"] = in_time
    return rejected
