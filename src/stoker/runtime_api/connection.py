"""Everything an environment has to do with the process inside: hand it an invocation, hear of its answers.

One session behind two transports. Which of them the process uses is its business; the session keeps them in one order.
"""

import asyncio
import socket

from stoker.runtime_api.frames import FrameChannel
from stoker.runtime_api.server import RuntimeApiServer
from stoker.runtime_api.session import Delivery, Phase, RuntimeListener, Session


class RuntimeConnection:
    """Both transports of one sandbox, from `open` to `close`."""

    def __init__(self, listener: RuntimeListener) -> None:
        self._session = Session()
        self._channel = FrameChannel(self._session, listener)
        self._server = RuntimeApiServer(self._session, listener)

    def __repr__(self) -> str:
        return f"<RuntimeConnection {self._session!r}>"

    @property
    def waiting(self) -> bool:
        """The process has asked for work and does nothing else."""
        return self._session.phase is Phase.READY

    async def open(self, channel: socket.socket, runtime_api: socket.socket) -> None:
        """Take over a connected stream socket and a listening one."""
        await asyncio.get_running_loop().create_connection(lambda: self._channel, sock=channel)
        await self._server.open(runtime_api)

    def deliver(self, delivery: Delivery) -> None:
        """Send an invocation now, or as soon as the process asks."""
        asker = self._session.offer(delivery)
        if asker is not None:
            asker.send_event(delivery)

    def close(self) -> None:
        """Close both sockets and every connection; idempotent. The listener still hears `lost`."""
        self._channel.close()
        self._server.close()
