"""Who waits for records of a stream is woken when some are committed. In this process only."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator


class Arrivals:
    """On the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: defaultdict[int, set[asyncio.Event]] = defaultdict(set)

    def __repr__(self) -> str:
        return f"<Arrivals {sum(map(len, self._waiting.values()))} waiting>"

    @contextlib.contextmanager
    def watch(self, stream_id: int) -> Iterator[asyncio.Event]:
        """An event that is set by each arrival: clear it, look, and wait if there was nothing."""
        event = asyncio.Event()
        self._waiting[stream_id].add(event)
        try:
            yield event
        finally:
            self._waiting[stream_id].discard(event)
            if not self._waiting[stream_id]:
                del self._waiting[stream_id]

    def announce(self, stream_ids: Iterable[int]) -> None:
        """Something was committed to these streams, or they are closed."""
        for stream_id in stream_ids:
            for event in self._waiting.get(stream_id, ()):
                event.set()
