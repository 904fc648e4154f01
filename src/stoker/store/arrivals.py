"""Who waits for something to be committed is woken when it is. In this process only."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator


class Arrivals:
    """By what is waited for: a stream, a shard. On the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Hashable, set[asyncio.Event]] = defaultdict(set)

    def __repr__(self) -> str:
        return f"<Arrivals {sum(map(len, self._waiting.values()))} waiting>"

    @contextlib.contextmanager
    def watch(self, key: Hashable, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """An event that is set by each arrival: clear it, look, and wait if there was nothing.

        One that is given may be set by others too.
        """
        event = event or asyncio.Event()
        self._waiting[key].add(event)
        try:
            yield event
        finally:
            self._waiting[key].discard(event)
            if not self._waiting[key]:
                del self._waiting[key]

    def announce(self, keys: Iterable[Hashable]) -> None:
        """Something was committed to these, or nothing will be any more."""
        for key in keys:
            for event in self._waiting.get(key, ()):
                event.set()
