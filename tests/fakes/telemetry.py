"""Telemetry that remembers what was appended."""

from collections.abc import Sequence

from stoker.model.invocation import LedgerEntry, LogEvent, LogStream


class FakeTelemetry:
    def __init__(self) -> None:
        self.appends: list[tuple[LogStream, list[LogEvent], LedgerEntry | None]] = []
        self.error: Exception | None = None

    def append(self, stream: LogStream, events: Sequence[LogEvent], ledger: LedgerEntry | None = None) -> None:
        if self.error is not None:
            raise self.error
        self.appends.append((stream, list(events), ledger))

    @property
    def lines(self) -> list[str]:
        return [event.message for _, events, _ in self.appends for event in events]

    @property
    def ledger(self) -> list[LedgerEntry]:
        return [entry for _, _, entry in self.appends if entry is not None]

    @property
    def streams(self) -> list[LogStream]:
        return list(dict.fromkeys(stream for stream, _, _ in self.appends))
