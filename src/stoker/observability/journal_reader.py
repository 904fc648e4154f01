"""Reads, in another process, the journal that its owner appends to: pages of a shared mapping are the same for both."""

from pathlib import Path

from stoker.observability.journal import Position, Segment, segment_path, segments_in


class JournalReader:
    """Maps segments as it comes to them, and lets go of those that are read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._segments: dict[int, Segment] = {}
        # Segments that the owner has left behind: their ends don't move any more.
        self._final: set[int] = set()

    def read(self, start: Position, end: Position, max_records: int, max_bytes: int) -> tuple[list[bytes], Position]:
        """The next payloads after `start` and before `end`, where the owner was by now; and the position behind them.

        One at least if there is one. Raises OSError.
        """
        self._forget_before(start.segment)
        payloads: list[bytes] = []
        size = 0
        number, offset = start.segment, start.offset
        while True:
            if segment := self._segment(number):
                limit = end.offset if number == end.segment else self._end_of(segment)
                for payload, behind in segment.records(offset, limit):
                    payloads.append(payload)
                    size += len(payload)
                    offset = behind
                    if len(payloads) >= max_records or size >= max_bytes:
                        return payloads, Position(segment=number, offset=offset)
            if number >= end.segment:
                return payloads, Position(segment=number, offset=offset)
            number, offset = min(other for other in segments_in(self._root) if other > number), 0

    def _segment(self, number: int) -> Segment | None:
        """None for one that the owner has released."""
        if number not in self._segments:
            try:
                segment = Segment.load(segment_path(self._root, number))
            except FileNotFoundError:
                return None
            if segment is None:
                return None
            self._segments[number] = segment
        return self._segments[number]

    def _end_of(self, segment: Segment) -> int:
        if segment.number not in self._final:
            segment.find_end()
            self._final.add(segment.number)
        return segment.end

    def _forget_before(self, number: int) -> None:
        for past in [past for past in self._segments if past < number]:
            self._segments.pop(past).memory.close()
            self._final.discard(past)
