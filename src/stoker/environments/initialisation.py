"""One attempt at an environment's init: from a started process to its first wish for work, or why there is none."""

import asyncio

from stoker.environments.failures import ExtensionEnd, InitFailure, Overrun
from stoker.environments.log import EnvironmentLog
from stoker.environments.process import FunctionProcess
from stoker.model.alarm import Alarm
from stoker.model.clock import Clock
from stoker.model.function import FunctionVersion
from stoker.runtime_api.extension_api import FunctionFacts
from stoker.runtime_api.session import Answer
from stoker.sandbox.driver import ExitStatus, Sandbox


class Initialisation:
    """Listens to a new process until its init has ended one way or the other."""

    def __init__(self, sandbox: Sandbox, clock: Clock, log: EnvironmentLog, function: FunctionVersion) -> None:
        facts = FunctionFacts(
            name=function.name, version=function.version, handler=function.handler, account=function.account
        )
        self.process = FunctionProcess(sandbox, self, clock, log, facts)
        self.duration_s = 0.0
        self._clock = clock
        self._began = clock.monotonic()
        self._failure: asyncio.Future[InitFailure | None] = asyncio.get_running_loop().create_future()

    async def run(self, limit_s: float) -> InitFailure | None:
        """Wait for the end, at most `limit_s`; None is a process that waits for work. Its output is read by then."""
        alarm = Alarm(self._clock, lambda: self._end(Overrun()))
        alarm.set(self._began + limit_s)
        try:
            await self.process.open()
            failure = await self._failure
        finally:
            alarm.stop()
        drained = asyncio.get_running_loop().create_future()
        self.process.drain(lambda: drained.set_result(None))
        await drained
        return failure

    def initialised(self, error: Answer | None) -> None:
        self._end(error)

    def lost(self) -> None:
        """Its exit tells more, and is about to be heard."""

    def ended(self, exit_status: ExitStatus) -> None:
        self._end(exit_status)

    def extension_ended(self, end: ExtensionEnd) -> None:
        self._end(end)

    def settled(self) -> None:
        """An extension is ready for what comes."""

    def answered(self, answer: Answer) -> None:
        raise AssertionError("an answer without an invocation passed the session")

    def _end(self, failure: InitFailure | None) -> None:
        if not self._failure.done():
            self.duration_s = self._clock.monotonic() - self._began
            self._failure.set_result(failure)
