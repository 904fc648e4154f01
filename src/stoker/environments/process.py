"""A function's process: one started sandbox, and the channel, the Runtime API and the pipes that lead into it.

Its extensions belong to it: it starts the runtime when the external ones have registered, is initialised when all are
ready, and is done with an invocation when all that were told of it are.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from stoker.environments import exit_reason
from stoker.environments.failures import ExtensionEnd
from stoker.environments.log import EnvironmentLog
from stoker.environments.output import OutputReader
from stoker.environments.shutdown import Reason, Shutdown
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.runtime_api.connection import RuntimeConnection
from stoker.runtime_api.extension_api import FunctionFacts
from stoker.runtime_api.extensions import MAX_EXTENSIONS, Extension, ExtensionState
from stoker.runtime_api.session import Answer, Delivery
from stoker.runtime_api.telemetry import Subscription
from stoker.runtime_api.telemetry_destination import courier
from stoker.runtime_api.telemetry_stream import TelemetryStream
from stoker.sandbox.driver import ExitStatus, NotLaunched, Sandbox, SandboxError

# A process that closes its channel, or an extension that says it cannot go on, is on its way out as a rule; its exit
# status is worth so long a wait, on a busy machine too.
EXIT_WAIT_S = 2.0
_LAUNCH_ERRORS = {13: "PermissionDenied"}


class ProcessListener(Protocol):
    """Who hears what becomes of the process."""

    def initialised(self, error: Answer | None) -> None:
        """It asked for work for the first time, and extensions for events; or it said why it cannot start."""

    def answered(self, answer: Answer) -> None:
        """It answered its invocation."""

    def settled(self) -> None:
        """It has asked for work again, and its extensions are done with the invocation too."""

    def lost(self) -> None:
        """It closed its channel, or broke the protocol: it takes and answers nothing more. `ended` follows."""

    def ended(self, exit_status: ExitStatus) -> None:
        """It exited, or has been lost for a while; what it said before has been heard. Called once."""

    def extension_ended(self, end: ExtensionEnd) -> None:
        """One of its extensions ended, could not be started, or has given up. Called for the first of them."""


class FunctionProcess:
    """Owns the sandbox and its descriptors from the start. Tells `listener` until `close`; `log` has what was said."""

    def __init__(
        self, sandbox: Sandbox, listener: ProcessListener, clock: Clock, log: EnvironmentLog, facts: FunctionFacts
    ) -> None:
        self.sandbox = sandbox
        self.listener: ProcessListener | None = listener
        self._clock = clock
        self._log = log
        # How it ended, once it has. What is not usable takes no invocation any more, ended or not.
        self.exit_status: ExitStatus | None = None
        self.extension_end: ExtensionEnd | None = None
        self.usable = True
        self.frozen = False
        self._begun = False
        self._connection = RuntimeConnection(self, facts)
        self._outputs = [OutputReader(sandbox.output, log.wrote)]
        if sandbox.extension_output is not None:
            self._outputs.append(OutputReader(sandbox.extension_output, log.extension_wrote))
        self._streams: dict[str, TelemetryStream] = {}
        self._exit_wait = Alarm(clock, lambda: self._end(ExitStatus()))

    def __repr__(self) -> str:
        return f"<FunctionProcess {self.sandbox.id} {self._connection!r}>"

    @property
    def waiting(self) -> bool:
        """It has asked for work and does nothing else that we know of; nor do its extensions."""
        return self._connection.waiting and not self._connection.extensions.working

    @property
    def settled(self) -> bool:
        """Nobody has to be waited for before its invocation is over. Without extensions its answer is enough."""
        return not self._connection.extensions.members or self.waiting

    @property
    def extensions(self) -> Sequence[ExtensionState]:
        return self._connection.extensions.states

    def on_import(self, tell: Callable[[], None]) -> None:
        """See RuntimeConnection.on_import."""
        self._connection.on_import(tell)

    async def open(self) -> None:
        """Begin to listen to it."""
        self.sandbox.exited.add_done_callback(self._exited)
        extensions = self._connection.extensions
        extensions.expect(self.sandbox.extensions)
        for name, ended in self.sandbox.extensions.items():
            ended.add_done_callback(partial(self._extension_exited, name))
        await self._connection.open(self.sandbox.channel, self.sandbox.runtime_api)
        if len(extensions.members) > MAX_EXTENSIONS:
            last = list(extensions.members)[-1]
            self._not_launched(last, "TooManyExtensions", f"at most {MAX_EXTENSIONS} extensions can be registered")

    def wake(self) -> None:
        """Have it look out for an invocation; one that is stopped goes on sleeping."""
        if not self.frozen:
            self._connection.wake()

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
        """See OutputReader.drain; of all that is written."""
        if len(self._outputs) == 1:
            self._outputs[0].drain(then)
        else:
            self._outputs[1].drain(lambda: self._outputs[0].drain(then))

    async def close(self, reason: Reason = Reason.SPINDOWN) -> None:
        """Take it down with everything that belongs to it; idempotent. Raises SandboxError.

        Extensions and a runtime that has some get the time that they have for it, and what they write is kept.
        """
        self.listener = None
        self._exit_wait.stop()
        self.sandbox.exited.remove_done_callback(self._exited)
        try:
            if self._connection.extensions.members:
                self.thaw()
                await Shutdown(self.sandbox, self._connection, self._streams.values(), self._clock).run(reason)
        finally:
            self._let_go()
            await self.sandbox.close()

    def _let_go(self) -> None:
        self._connection.close()
        for output in self._outputs:
            if self._connection.extensions.members:
                output.read_rest()
            output.close()
        for stream in self._streams.values():
            stream.close()
        self._log.unsubscribed()

    # What the function's process says

    def ready(self) -> None:
        self._connection.extensions.close_registration()
        self._progress()

    def asked(self) -> None:
        if self._connection.extensions.members:
            self._progress()

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

    # What its extensions say

    def extension_moved(self) -> None:
        self._progress()

    def extension_failed(self, extension: Extension) -> None:
        end = self._connection.extensions.exited(extension.name)
        self._clock.call_later(EXIT_WAIT_S, lambda: self._extension_ended(end, f"extension {extension.name} gave up"))

    def subscribed(self, extension: Extension, subscription: Subscription) -> None:
        before = self._streams.pop(extension.name, None)
        if before is not None:
            before.close()
        stream = TelemetryStream(subscription, courier(subscription, self._socket_inside), self._clock)
        self._streams[extension.name] = stream
        self._log.subscribed(extension.name, stream)

    async def _socket_inside(self) -> socket.socket:
        try:
            return await self.sandbox.socket_inside()
        except SandboxError as error:
            raise OSError(str(error)) from error

    def _extension_exited(self, name: str, ended: "asyncio.Future[ExitStatus | NotLaunched]") -> None:
        end = ended.result()
        if isinstance(end, NotLaunched):
            why = os.strerror(end.errno).lower()
            error_type = _LAUNCH_ERRORS.get(end.errno, "UnknownError")
            self._not_launched(name, error_type, f"fork/exec /opt/extensions/{name}: {why}")
        else:
            self._extension_ended(self._connection.extensions.exited(name), exit_reason.of_extension(end))

    def _not_launched(self, name: str, error_type: str, reason: str) -> None:
        self._connection.extensions.not_launched(name, error_type)
        self._extension_ended("Extension.LaunchError", reason)

    def _extension_ended(self, error_type: str, reason: str) -> None:
        self.usable = False
        if self.extension_end is None:
            self.extension_end = ExtensionEnd(error_type=error_type, reason=reason)
            if self.listener is not None:
                self.listener.extension_ended(self.extension_end)

    def _progress(self) -> None:
        """The runtime or an extension has come a step further."""
        extensions = self._connection.extensions
        if not self._begun and extensions.external and extensions.all_registered:
            self._begun = True
            self._connection.start()
        if self.listener is None:
            return
        if not extensions.initialising:
            if self.waiting:
                self.listener.settled()
        elif self._connection.waiting and extensions.all_ready:
            extensions.initialising = False
            self.listener.initialised(None)
