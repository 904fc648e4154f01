"""What becomes of environments, for those who watch: the console's picture, and whoever counts cold starts.

A watcher hears *which* environments changed, and asks each how it stands when there is time for it: a thousand
invocations between two looks cost a mark each, and what is kept for one who looks away is bounded. While nobody
watches, a change costs the question whether anybody does.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

# Some 300 bytes each.
REMEMBERED_STARTS = 10_000
# Changed environments that one watcher has not looked at yet; beyond it the whole picture is looked at anew.
MOST_UNSEEN = 5_000


class Phase(Struct, frozen=True, kw_only=True):
    """A part of a start: `sandbox` (code, layers, namespaces, limits), `runtime` (the interpreter; of
    custom runtimes all of the init), `import` (the function's own init) or `restore` (memory of a template).
    """

    name: str
    ms: float


class EnvironmentView(Struct, frozen=True, kw_only=True):
    """How an environment stands. `state` is the name of a phase while it starts, else `running`, `warm`, `frozen`,
    `stopping` or `gone`. `since` and `until` (when it is let go unless it is used) are seconds since the epoch.

    `kind` is AWS_LAMBDA_INITIALIZATION_TYPE's value. `phases` are those that are over.
    """

    number: int
    region: str
    function: str
    version: str
    kind: str
    from_template: bool
    state: str
    since: float
    until: float | None = None
    invocations: int = 0
    phases: tuple[Phase, ...] = ()


class TemplateView(Struct, frozen=True, kw_only=True):
    """A template: initialised memory that new environments begin with. `until` is when it is let go unless it is used,
    in seconds since the epoch; None for one that stays, or that is being made.
    """

    region: str
    function: str
    version: str
    size_bytes: int | None
    until: float | None


class ColdStart(Struct, frozen=True, kw_only=True):
    """A start that is over. `began` is in seconds since the epoch; `failed` says that its init did."""

    number: int
    region: str
    function: str
    version: str
    kind: str
    from_template: bool
    began: float
    phases: tuple[Phase, ...]
    failed: bool


class Watched(Protocol):
    """An environment, as far as watchers are concerned. `number` is its own for as long as Stoker runs."""

    number: int

    def view(self) -> EnvironmentView:
        """How it stands now."""


class Watcher:
    """One who watches. `changed` waits, and then says what to look at."""

    def __init__(self) -> None:
        self._unseen: dict[int, Watched] = {}
        self._overrun = False
        self._something = asyncio.Event()

    def mark(self, environment: Watched) -> None:
        """It changed."""
        self._unseen[environment.number] = environment
        if len(self._unseen) > MOST_UNSEEN:
            self._unseen.clear()
            self._overrun = True
        self._something.set()

    async def changed(self) -> list[Watched] | None:
        """Those that changed since the last time, once there are some; None where there were too many to say."""
        await self._something.wait()
        self._something.clear()
        unseen, overrun = list(self._unseen.values()), self._overrun
        self._unseen.clear()
        self._overrun = False
        return None if overrun else unseen


class Feed:
    """Tells of all environments of this process. For the event loop's thread."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._watchers: list[Watcher] = []
        self._listeners: list[Callable[[ColdStart], None]] = []
        self._throttle_listeners: list[Callable[[str, str], None]] = []
        self._starts: deque[ColdStart] = deque(maxlen=REMEMBERED_STARTS)
        # How many starts there have been.
        self.count = 0
        # The one question on the way of an invocation.
        self.watched = False

    def __repr__(self) -> str:
        return f"<Feed {len(self._watchers)} watching, {len(self._starts)} starts>"

    @property
    def starts(self) -> Iterable[ColdStart]:
        """The last starts, the latest first."""
        return reversed(self._starts)

    def number(self) -> int:
        """A new environment's number."""
        return next(self._numbers)

    def mark(self, environment: Watched) -> None:
        """It changed; asked only while `watched`."""
        for watcher in self._watchers:
            watcher.mark(environment)

    def started(self, start: ColdStart) -> None:
        """A start is over."""
        self.count += 1
        self._starts.append(start)
        for listener in self._listeners:
            listener(start)

    def throttled(self, region: str, function: str) -> None:
        """An invocation was refused for want of room."""
        for listener in self._throttle_listeners:
            listener(region, function)

    def listen_to_throttles(self, listener: Callable[[str, str], None]) -> None:
        """Have each invocation told that is refused for want of room, by region and function; as with `listen`."""
        self._throttle_listeners.append(listener)

    def listen(self, listener: Callable[[ColdStart], None]) -> None:
        """Have each start told from now on; the listener must be quick and not raise."""
        self._listeners.append(listener)

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Watch for as long as the context lasts."""
        watcher = Watcher()
        self._watchers.append(watcher)
        self.watched = True
        try:
            yield watcher
        finally:
            self._watchers.remove(watcher)
            self.watched = bool(self._watchers)
