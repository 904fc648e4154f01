"""A function's process: one started sandbox, and the channel, the Runtime API and the pipe that lead into it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from stoker.environments.output import OutputReader
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.runtime_api.connection import RuntimeConnection
from stoker.runtime_api.extensions import Extension
from stoker.runtime_api.session import Answer, Delivery
from stoker.runtime_api.telemetry import Subscription
from stoker.sandbox.driver import ExitStatus, Sandbox

# A process that closes its channel is on its way out as a rule; its exit status is worth so long a wait.
EXIT_WAIT_S = 0.5


class ProcessListener(Protocol):
    """Who hears what becomes of the process."""

    def initialised(self, error: Answer | None) -> None:
        """It asked for work for the first time, or said why it cannot start."""

    def answered(self, answer: Answer) -> None:
        """It answered its invocation."""

    def lost(self) -> None:
        """It closed its channel, or broke the protocol: it takes and answers nothing more. `ended` follows."""

    def ended(self, exit_status: ExitStatus) -> None:
        """It exited, or has been lost for a while; what it said before has been heard. Called once."""

    def wrote(self, lines: list[str]) -> None:
        """It wrote to stdout or stderr."""


class FunctionProcess:
    """Owns the sandbox and its three descriptors from the start; tells `listener` until `close`."""

    def __init__(self, sandbox: Sandbox, listener: ProcessListener, clock: Clock) -> None:
        self.sandbox = sandbox
        self.listener: ProcessListener | None = listener
        self._clock = clock
        # How it ended, once it has. What is not usable takes no invocation any more, ended or not.
        self.exit_status: ExitStatus | None = None
        self.usable = True
        self.frozen = False
        self._connection = RuntimeConnection(self)
        self._output = OutputReader(sandbox.output, self._wrote)
        self._exit_wait = Alarm(clock, lambda: self._end(ExitStatus()))

    def __repr__(self) -> str:
        return f"<FunctionProcess {self.sandbox.id} {self._connection!r}>"

    @property
    def waiting(self) -> bool:
        """It has asked for work and does nothing else that we know of."""
        return self._connection.waiting

    async def open(self) -> None:
        """Begin to listen to it."""
        self.sandbox.exited.add_done_callback(self._exited)
        await self._connection.open(self.sandbox.channel, self.sandbox.runtime_api)

    def deliver(self, delivery: Delivery) -> None:
        """Hand it an invocation."""
        self._connection.deliver(delivery)

    def freeze(self) -> None:
        """Stop it, and all that it started, where it stands. Raises SandboxError."""
        self.sandbox.freeze()
        self.frozen = True

    def thaw(self) -> None:
        """Let it go on, if it was stopped. Raises SandboxError."""
        if self.frozen:
            self.sandbox.thaw()
            self.frozen = False

    def drain(self, then: Callable[[], None]) -> None:
        """See OutputReader.drain."""
        self._output.drain(then)

    async def close(self) -> None:
        """Take it down with everything that belongs to it; idempotent. Raises SandboxError."""
        self.listener = None
        self._exit_wait.stop()
        self.sandbox.exited.remove_done_callback(self._exited)
        self._connection.close()
        self._output.close()
        # LAMBDA.md, Shutdown: without extensions there are 0 ms between SIGTERM and SIGKILL, in which nothing could be
        # done; so the former is not sent. This is the place where extensions will get their time.
        await self.sandbox.close()

    def ready(self) -> None:
        if self.listener is not None:
            self.listener.initialised(None)

    def asked(self) -> None: ...

    def extension_moved(self) -> None: ...

    def extension_failed(self, extension: Extension) -> None: ...

    def subscribed(self, extension: Extension, subscription: Subscription) -> None: ...

    def answered(self, answer: Answer) -> None:
        if self.listener is not None:
            self.listener.answered(answer)

    def init_failed(self, answer: Answer) -> None:
        if self.listener is not None:
            self.listener.initialised(answer)

    def lost(self) -> None:
        if self.listener is not None and self.exit_status is None:
            self.usable = False
            self._exit_wait.set(self._clock.monotonic() + EXIT_WAIT_S)
            self.listener.lost()

    def _exited(self, exited: "asyncio.Future[ExitStatus]") -> None:
        # A future calls back in the loop's next turn: last words that were still in the socket have been heard by then.
        self._end(exited.result())

    def _end(self, exit_status: ExitStatus) -> None:
        self._exit_wait.stop()
        if self.listener is not None and self.exit_status is None:
            self.exit_status = exit_status
            self.usable = False
            self.listener.ended(exit_status)

    def _wrote(self, lines: list[str]) -> None:
        if self.listener is not None:
            self.listener.wrote(lines)
