"""The shutdown phase: how long the processes of an environment have to come to an end by themselves, and who is told.

Source: "Shutdown phase" in the AWS Lambda Developer Guide: nothing without extensions, 500 ms with internal ones, 2 s
with external ones. The runtime comes first, with the share of it that AWS's published emulator gives it.
"""

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from stoker.model.clock import Clock
from stoker.runtime_api.connection import RuntimeConnection
from stoker.runtime_api.telemetry_stream import TelemetryStream
from stoker.sandbox.driver import Sandbox

INTERNAL_LIMIT_S = 0.5
EXTERNAL_LIMIT_S = 2.0
RUNTIME_SHARE = 0.3


class Reason(StrEnum):
    """Why an environment ends, as SHUTDOWN says it."""

    SPINDOWN = "spindown"
    TIMEOUT = "timeout"
    FAILURE = "failure"


class Shutdown:
    """Lets the processes of one environment end. What is still there afterwards is killed with the sandbox."""

    def __init__(
        self, sandbox: Sandbox, connection: RuntimeConnection, streams: Iterable[TelemetryStream], clock: Clock
    ) -> None:
        self._sandbox = sandbox
        self._connection = connection
        self._streams = list(streams)
        self._clock = clock

    async def run(self, reason: Reason) -> None:
        """SIGTERM to the runtime, SHUTDOWN to the extensions that want it, and a wait for both."""
        extensions = self._connection.extensions
        if not extensions.members:
            return
        began = self._clock.monotonic()
        limit_s = EXTERNAL_LIMIT_S if extensions.external else INTERNAL_LIMIT_S
        flushing: list[asyncio.Future[Any]] = [asyncio.ensure_future(stream.flushed()) for stream in self._streams]
        try:
            if not self._sandbox.exited.done():
                self._sandbox.terminate()
            runtime_s = limit_s * RUNTIME_SHARE if extensions.external else limit_s
            # The last telemetry is with the extensions before they are told to go.
            await self._until_done([self._sandbox.exited, *flushing], began + runtime_s)
        finally:
            for task in flushing:
                task.cancel()
        waits_for = [self._sandbox.extensions[name] for name in extensions.subscribed_to_shutdown()]
        left_s = began + limit_s - self._clock.monotonic()
        self._connection.announce_shutdown(reason, int((self._clock.time() + left_s) * 1000))
        await self._until_done(waits_for, began + limit_s)

    async def _until_done(self, futures: Iterable["asyncio.Future[Any]"], until: float) -> None:
        """Wait for all of them, until that moment at most (monotonic seconds)."""
        over = asyncio.get_running_loop().create_future()
        timer = self._clock.call_later(until - self._clock.monotonic(), lambda: over.set_result(None))
        waiting = {future for future in futures if not future.done()}
        try:
            while waiting and not over.done():
                await asyncio.wait({*waiting, over}, return_when=asyncio.FIRST_COMPLETED)
                waiting = {future for future in waiting if not future.done()}
        finally:
            timer.cancel()
