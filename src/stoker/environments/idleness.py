"""What becomes of an environment between invocations: it is frozen after a moment, and let go after a while."""

import math
from collections.abc import Callable

from stoker.environments.log import EnvironmentLog
from stoker.environments.process import FunctionProcess
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.sandbox.driver import SandboxError

# How long a phase lasts before it is worth doing something about it: freezing what is idle, showing the START line of
# what runs. A busy environment never gets that far and so pays for neither.
SETTLE_AFTER_S = 0.02


class Idleness:
    """One environment's. `keep_warm_s` is how long it waits for an invocation, `expires` when it is too old for one.

    `on_frozen` hears that it was frozen, `on_over` that it has waited long enough, `on_broken` that it could not be
    frozen.
    """

    def __init__(
        self,
        clock: Clock,
        log: EnvironmentLog,
        *,
        keep_warm_s: float,
        expires: float,
        on_frozen: Callable[[], None],
        on_over: Callable[[], None],
        on_broken: Callable[[], None],
    ) -> None:
        self.since = 0.0
        self._clock = clock
        self._log = log
        self._keep_warm_s = keep_warm_s
        self._expires = expires
        self._on_frozen = on_frozen
        self._on_over = on_over
        self._on_broken = on_broken
        # Set while it is idle.
        self._process: FunctionProcess | None = None
        self._settle = Alarm(clock, self._settled)

    @property
    def until(self) -> float | None:
        """When it is over if nobody comes, in monotonic seconds; None for one that is not let go for that."""
        return None if self._keep_warm_s == math.inf else self._over

    @property
    def _over(self) -> float:
        return min(self.since + self._keep_warm_s, self._expires)

    def begin(self, process: FunctionProcess) -> None:
        """The process waits."""
        self._process = process
        self.since = self._clock.monotonic()
        self._settle.set(self.since + SETTLE_AFTER_S)

    def end(self, now: float) -> None:
        """There is an invocation."""
        self._process = None
        self._settle.set(now + SETTLE_AFTER_S)

    def wake(self) -> None:
        """There is about to be an invocation, as far as can be told."""
        if self._process is not None:
            self._process.wake()

    def stop(self) -> None:
        self._process = None
        self._settle.stop()

    def _settled(self) -> None:
        """The phase has lasted for a while."""
        self._log.flush()
        process = self._process
        if process is None:
            return
        if process.frozen:
            self._on_over()
        else:
            self._freeze(process)

    def _freeze(self, process: FunctionProcess) -> None:
        """Stop what the function left running, until its next invocation, then wait for that or for the end."""
        if not process.waiting:
            # It has answered over HTTP and not yet asked again: it is still busy with the invocation.
            self._settle.set(self._clock.monotonic() + SETTLE_AFTER_S)
            return
        try:
            process.freeze()
        except SandboxError:
            self._on_broken()
            raise
        self._settle.set(self._over)
        self._on_frozen()
