"""Everything an environment has to do with the processes inside: hand them an invocation, hear of their answers.

One session behind two transports. Which of them the function's process uses is its business; the session keeps them in
one order. Extensions come by HTTP, whatever the function does.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from stoker.runtime_api.extension_api import (
    ExtensionApi,
    ExtensionListener,
    FunctionFacts,
    invoke_event,
    shutdown_event,
)
from stoker.runtime_api.extensions import Event, Extensions
from stoker.runtime_api.frames import FrameChannel
from stoker.runtime_api.server import RuntimeApiServer
from stoker.runtime_api.session import Delivery, Phase, RuntimeListener, Session


class ConnectionListener(RuntimeListener, ExtensionListener, Protocol):
    """Who hears of the function's process and of its extensions."""


class RuntimeConnection:
    """Both transports of one sandbox, from `open` to `close`."""

    def __init__(self, listener: ConnectionListener, facts: FunctionFacts | None = None) -> None:
        self.extensions = Extensions()
        self._session = Session()
        self._channel = FrameChannel(self._session, listener)
        api = ExtensionApi(self.extensions, listener, facts or FunctionFacts())
        self._server = RuntimeApiServer(self._session, listener, api)

    def __repr__(self) -> str:
        return f"<RuntimeConnection {self._session!r}>"

    @property
    def waiting(self) -> bool:
        """The process has asked for work and does nothing else."""
        return self._session.phase is Phase.READY

    def on_import(self, tell: Callable[[], None]) -> None:
        """Have it told when the function's own init begins, where the runtime says so. Before `open`."""
        self._channel.on_import = tell

    async def open(self, channel: socket.socket, runtime_api: socket.socket) -> None:
        """Take over a connected stream socket and a listening one."""
        await asyncio.get_running_loop().create_connection(lambda: self._channel, sock=channel)
        await self._server.open(runtime_api)

    def start(self) -> None:
        """Let the runtime begin, which waits for external extensions."""
        self._channel.start()

    def wake(self) -> None:
        """Have the process, if it waits, look out for an invocation that is about to come."""
        if self._session.phase is Phase.READY:
            self._channel.wake()

    def deliver(self, delivery: Delivery) -> None:
        """Send an invocation now, or as soon as the process asks."""
        if self.extensions.members:
            self.extensions.give(Event.INVOKE, invoke_event(delivery))
        asker = self._session.offer(delivery)
        if asker is not None:
            asker.send_event(delivery)

    def announce_shutdown(self, reason: str, deadline_ms: int) -> None:
        """Tell extensions that asked for it that this is the end."""
        self.extensions.give(Event.SHUTDOWN, shutdown_event(reason, deadline_ms))

    def close(self) -> None:
        """Close both sockets and every connection; idempotent. The listener still hears `lost`."""
        self._channel.close()
        self._server.close()
