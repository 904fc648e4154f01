"""Batches: the event that a function is given, and how much goes into one. Pure."""

from collections.abc import Sequence

from stoker.event_sources.poller import Record
from stoker.model.limits import MAX_INVOKE_REQUEST_BYTES

_HEAD, _TAIL = b'{"Records":[', b"]}"


def event_of(records: Sequence[Record]) -> bytes:
    """The event of a batch."""
    return _HEAD + b",".join(record.event for record in records) + _TAIL


def size_of(records: Sequence[Record]) -> int:
    """How large the event is, in bytes."""
    return len(_HEAD) + len(_TAIL) + sum(len(record.event) + 1 for record in records)


def is_full(records: Sequence[Record], batch_size: int) -> bool:
    """Whether there is nothing to wait for."""
    return len(records) >= batch_size or size_of(records) >= MAX_INVOKE_REQUEST_BYTES


def split(records: Sequence[Record], batch_size: int, most_bytes: int = MAX_INVOKE_REQUEST_BYTES) -> list[list[Record]]:
    """In their order, in batches that Lambda takes; a record that is too large by itself has a batch of its own."""
    batches: list[list[Record]] = []
    size = 0
    for record in records:
        more = len(record.event) + 1
        if not batches or len(batches[-1]) >= batch_size or size + more > most_bytes:
            batches.append([])
            size = len(_HEAD) + len(_TAIL)
        batches[-1].append(record)
        size += more
    return batches
