"""In which order a turn of the event loop takes what has come: answers first, then some of the requests.

Requests that come together would all be handed to functions before the first of them is heard to have answered, so that
as many processes take part as there are clients, each with nothing of its own left in the processor's caches. With
answers heard in between, the environments that were used last are idle again, and a few of them do it all. Functions
that take their time are handed their requests all the same, a look at the sockets later.
"""

import asyncio
from collections import deque
from collections.abc import Callable

# Between two looks at the sockets, and so many run before any waits. A look costs a system call, each further process
# its caches: 6 and 8 are 1.08 and 1.13 of the throughput of 4, with 32 clients (bench/README.md).
AT_ONCE = 8


class Turns:
    """Requests that wait, for the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_called = False
        # Invocations that have begun and have no answer yet.
        self.running = 0

    def __repr__(self) -> str:
        return f"<Turns, {self.running} run, {len(self._waiting)} wait>"

    @property
    def is_busy(self) -> bool:
        """Whether requests had better wait for their turn."""
        return self.running >= AT_ONCE

    @property
    def unanswered(self) -> int:
        """How many invocations run, or wait for their turn."""
        return self.running + len(self._waiting)

    def wait(self, begin: Callable[[], None]) -> None:
        """Call `begin` soon, when the answers that are here have been heard, and the requests before it begun."""
        self._waiting.append(begin)
        if not self._is_called:
            self._call()

    def _call(self) -> None:
        self._is_called = True
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        try:
            for _ in range(min(AT_ONCE, len(self._waiting))):
                self._waiting.popleft()()
        finally:
            self._is_called = False
            if self._waiting:
                self._call()
