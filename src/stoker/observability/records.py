"""What a journal record holds: some lines of one log stream and, with an invocation's last ones, its ledger row; or
samples of metrics.

Encoded with `marshal`, format 2: for 5 lines and a ledger row 1.2 µs, where pickle takes 2.4 and json 8.4, without a
dependency. Its two drawbacks don't count here: the file is Stoker's own (mode 0600, checksummed), never a
stranger's; and format 2 has been readable since Python 2.5. Higher formats are slower (they track references).
"""

import marshal
from collections.abc import Sequence
from typing import Any, NamedTuple

from stoker.model.invocation import LedgerEntry, LogEvent, LogStream

_FORMAT = 2
# Well below a segment, so that a record always fits into a new one.
MAX_RECORD_BYTES = 1 << 20
# CloudWatch takes messages up to 1 MB; a character is at most 4 bytes of UTF-8.
_MAX_MESSAGE_CHARACTERS = MAX_RECORD_BYTES // 4 - 1024
# An event's tuple, integer and string headers, rounded up.
_EVENT_OVERHEAD = 32

# In the order of the ledger table, since a row goes there as it is.
LEDGER_COLUMNS = (
    "request_id", "at", "account", "region", "function", "version", "architecture", "duration_ms", "billed_ms",
    "memory_mb", "max_memory_mb", "init_ms", "status", "error_type", "trace_id", "streamed_bytes", "provisioned",
    "qualifier",
)  # fmt: skip
# Of the last columns, in rows that were written before there were such.
_NOT_METERED = (0, 0, "")


class Record(NamedTuple):
    """One decoded record. `events` are (timestamp_ms, message); `ledger` is a row by LEDGER_COLUMNS; `samples` are
    rows of `cloudwatch.points.Points`. `publisher` is who brought the lines; empty where they are the group's own.
    """

    ingestion_ms: int
    region: str
    group: str
    stream: str
    events: tuple[tuple[int, str], ...]
    ledger: tuple[Any, ...] | None
    samples: tuple[Any, ...] = ()
    publisher: str = ""


def encode(
    ingestion_ms: int,
    stream: LogStream,
    events: Sequence[LogEvent],
    ledger: LedgerEntry | None,
    publisher: str = "",
) -> bytes:
    lines = [(event.timestamp_ms, event.message) for event in events]
    row = None if ledger is None else _ledger_row(ledger)
    record: tuple[Any, ...] = (ingestion_ms, stream.region, stream.group, stream.stream, lines, row)
    return marshal.dumps((*record, (), publisher) if publisher else record, _FORMAT)


def decode(payload: bytes) -> Record:
    record = Record(*marshal.loads(payload))
    if record.ledger is not None and len(record.ledger) < len(LEDGER_COLUMNS):
        # Written before streamed bytes, provisioned concurrency and names were metered, and not drained by then.
        missing = _NOT_METERED[len(record.ledger) - len(LEDGER_COLUMNS) :]
        record = record._replace(ledger=(*record.ledger, *missing))
    return record


def encode_samples(ingestion_ms: int, rows: list[Any]) -> bytes:
    """Samples that nobody writes a line about."""
    return marshal.dumps((ingestion_ms, "", "", "", (), None, rows), _FORMAT)


def _ledger_row(entry: LedgerEntry) -> tuple[Any, ...]:
    report = entry.report
    return (
        entry.request_id,
        entry.at,
        entry.account,
        entry.region,
        entry.function,
        entry.version,
        entry.architecture,
        report.duration_ms,
        report.billed_ms,
        report.memory_mb,
        report.max_memory_mb,
        report.init_ms,
        report.status,
        report.error_type,
        report.trace_id,
        report.streamed_bytes,
        entry.provisioned,
        entry.qualifier,
    )


def split_events(events: Sequence[LogEvent]) -> list[list[LogEvent]]:
    """The events in parts that each make a record of their own; a message that is too long becomes several."""
    parts: list[list[LogEvent]] = [[]]
    room = _MAX_MESSAGE_CHARACTERS
    for event in events:
        for start in range(0, len(event.message) or 1, _MAX_MESSAGE_CHARACTERS):
            message = event.message[start : start + _MAX_MESSAGE_CHARACTERS]
            if len(message) + _EVENT_OVERHEAD > room:
                parts.append([])
                room = _MAX_MESSAGE_CHARACTERS + _EVENT_OVERHEAD
            room -= len(message) + _EVENT_OVERHEAD
            parts[-1].append(LogEvent(timestamp_ms=event.timestamp_ms, message=message))
    return parts
