"""Lines that were not kept because the telemetry database had fallen too far behind: counted, and said."""

from collections.abc import Iterator, Sequence

from stoker.model.invocation import LogEvent, LogStream
from stoker.observability.log_format import logs_dropped_line


class Losses:
    """Counts per stream until the stream has been told: one entry for each that wrote while there was no room."""

    def __init__(self) -> None:
        self.by_stream: dict[LogStream, tuple[int, int]] = {}

    @property
    def count(self) -> int:
        """Lines that no stream was told of yet."""
        return sum(records for records, _ in self.by_stream.values()) if self.by_stream else 0

    def add(self, stream: LogStream, events: Sequence[LogEvent]) -> None:
        records, size = self.by_stream.get(stream, (0, 0))
        size += sum(len(event.message.encode("utf-8", "replace")) for event in events)
        self.by_stream[stream] = records + len(events), size

    def lines(self, now_ms: int) -> Iterator[tuple[LogStream, LogEvent]]:
        """A `platform.logsDropped` line for each stream that lost some."""
        for stream, (records, size) in list(self.by_stream.items()):
            yield stream, LogEvent(timestamp_ms=now_ms, message=logs_dropped_line(now_ms, records, size))

    def settle(self, stream: LogStream) -> None:
        """The stream has its line."""
        del self.by_stream[stream]
