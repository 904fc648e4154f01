"""The sockets: uvicorn's protocol behind listeners that come and go while it runs."""

import asyncio
import errno
import logging
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from email.utils import formatdate
from functools import partial
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from stoker.front_door.app import FrontDoor
from stoker.front_door.connection import HEAD_TIMEOUT_S, KEEP_ALIVE_S, Bounds, Connection, ListenerState
from stoker.front_door.exchange import Application
from stoker.front_door.express import Express

MB = 1 << 20
# A gigabyte is fourteen packages of the largest size at once.
OF_THE_WORLD = Bounds(connections=8192, body_bytes=1024 * MB)
# What a function opens and sends is Stoker's descriptors and memory, and not its own.
OF_A_SANDBOX = Bounds(connections=128, body_bytes=16 * MB)
BACKLOG = 2048
# Of WebSockets. Source: "Amazon API Gateway quotas".
MAX_MESSAGE_BYTES, MAX_FRAME_BYTES = 128 * 1024, 32 * 1024
CLEAN_UP_S = 5.0
TLS_GOODBYE_S = 1.0
_TICK_S = 1.0
_POLL_S = 0.02


class Listener:
    """One listening socket and the connections that were made through it."""

    def __init__(
        self, address: str, server: asyncio.AbstractServer, state: ListenerState, forget: Callable[["Listener"], None]
    ) -> None:
        """`forget` is called when the listener closes."""
        self._address = address
        self._server = server
        self._state = state
        self._forget = forget

    def __repr__(self) -> str:
        return f"<Listener {self._address}: {len(self._state.connections)} connections>"

    def close(self) -> None:
        """Stop listening and break off every connection, at once; idempotent."""
        self._forget(self)
        self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()

    def tick(self, date: bytes, now: float) -> None:
        """Once a second: the Date that answers carry, and an end to clients that take too long."""
        self._state.default_headers = [(b"date", date)]
        self._state.date_line = b"date: %b\r\n" % date
        for connection in list(self._state.connections):
            if isinstance(connection, Connection) and connection.overdue(now):
                connection.transport.abort()

    def begin_drain(self) -> None:
        """Stop listening; connections without a whole request close, the others after their answer."""
        self._server.close()
        for connection in list(self._state.connections):
            # Who sends for ever would keep the server from its end.
            if isinstance(connection, Connection) and connection.receiving:
                connection.transport.abort()
            else:
                connection.shutdown()

    @property
    def busy(self) -> bool:
        return bool(self._state.connections or self._state.tasks)

    async def abandon(self) -> None:
        """Cancel the requests that are still being served, and wait until they have cleaned up."""
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLEAN_UP_S)
        self.close()


class DormantListener:
    """A sandbox's listening socket that nobody has connected to. Most functions never do, and every cold start has one:
    until then it is one watch and no server."""

    def __init__(
        self,
        sock: socket.socket,
        awaken: Callable[[socket.socket], Coroutine[None, None, Listener]],
        forget: Callable[["DormantListener"], None],
    ) -> None:
        """`awaken` serves the socket; `forget` is called when the listener closes."""
        self._socket = sock
        self._awaken = awaken
        self._forget = forget
        self._awakening: asyncio.Task[Listener] | None = None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._on_client)

    def __repr__(self) -> str:
        return f"<DormantListener {'asleep' if self._awakening is None else 'awake'}>"

    def close(self) -> None:
        """See `Listener.close`."""
        if self._closed:
            return
        self._closed = True
        self._forget(self)
        if self._awakening is None:
            self._loop.remove_reader(self._socket)
        elif not self._awakening.done():
            self._awakening.cancel()
        elif self._awakening.exception() is None:
            self._awakening.result().close()
        self._socket.close()

    def _on_client(self) -> None:
        self._loop.remove_reader(self._socket)
        self._awakening = self._loop.create_task(self._awaken(self._socket), name="serve a sandbox")


class Server:
    """Serves a front door on its port and, without the operator's parts, on sockets inside sandboxes."""

    def __init__(self, door: FrontDoor, express: Express | None = None) -> None:
        self._door = door
        self._express = express
        self._world: Listener | None = None
        self._listeners: set[Listener] = set()
        self._dormant: set[DormantListener] = set()
        self._ticking: asyncio.TimerHandle | None = None
        self._for_sandboxes: Config | None = None
        self.port = 0

    def __repr__(self) -> str:
        return f"<Server port {self.port}, {len(self._listeners)} listeners>"

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None, proxies: Sequence[str] = ()) -> None:
        """Listen for the operator and the world. `self.port` is the real one afterwards, if 0 was asked for.

        `proxies` are networks from where X-Forwarded-For and -Proto are believed: as many hops back as are theirs.
        """
        listening = _listening_socket(host, port)
        self.port = listening.getsockname()[1]
        door: Application = self._door
        if proxies:
            door = cast("Application", ProxyHeadersMiddleware(cast("Any", door), list(proxies)))
        self._world = await self._listen(listening, _config(door), ListenerState(OF_THE_WORLD, self._express), tls)

    def serve_socket(self, sock: socket.socket) -> DormantListener:
        """Serve a listening socket of a sandbox: only its role's calls. The socket is the listener's from now on."""
        listener = DormantListener(sock, self._serve_sandbox, self._dormant.discard)
        self._dormant.add(listener)
        return listener

    async def _serve_sandbox(self, sock: socket.socket) -> Listener:
        if self._for_sandboxes is None:
            self._for_sandboxes = _config(self._door.for_sandboxes)
        return await self._listen(sock, self._for_sandboxes, ListenerState(OF_A_SANDBOX))

    async def _listen(
        self, sock: socket.socket, config: Config, state: ListenerState, tls: ssl.SSLContext | None = None
    ) -> Listener:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            partial(Connection, config, state, {}),
            sock=sock,
            backlog=BACKLOG,
            ssl=tls,
            # A client that does not finish its handshake is let go of as one that does not send its headers.
            ssl_handshake_timeout=HEAD_TIMEOUT_S if tls is not None else None,
            # Idle clients do not answer a goodbye: they would keep the server from its end.
            ssl_shutdown_timeout=TLS_GOODBYE_S if tls is not None else None,
        )
        listener = Listener(str(sock.getsockname()), server, state, self._listeners.discard)
        self._listeners.add(listener)
        if self._ticking is None:
            self._tick()
        else:
            listener.tick(_date(), loop.time())
        return listener

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        date, now = _date(), loop.time()
        # First: whatever becomes of this tick, there is a next.
        self._ticking = loop.call_later(_TICK_S, self._tick)
        for listener in self._listeners:
            listener.tick(date, now)

    async def drain(self) -> None:
        """Take no more requests of the world, and let the running ones finish.

        Sandboxes are still served: what runs in them may need it to finish.
        """
        world = self._world
        if world is None:
            return
        world.begin_drain()
        # uvicorn tells nobody when an answer is out and its connection gone: this looks.
        while world.busy:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)

    async def close(self) -> None:
        """Take no more requests, cancel the running ones, and wait until they have cleaned up."""
        if self._ticking is not None:
            self._ticking.cancel()
        for dormant in list(self._dormant):
            dormant.close()
        await asyncio.gather(*(listener.abandon() for listener in list(self._listeners)))


def _date() -> bytes:
    return formatdate(time.time(), usegmt=True).encode()


def _listening_socket(host: str, port: int) -> socket.socket:
    """Raises OSError that says what could not be listened on, and what to do where the port is taken."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    except OSError as error:
        remedy = ": another program listens there; choose another one with --port" * (error.errno == errno.EADDRINUSE)
        raise OSError(f"cannot listen on {host}:{port}{remedy or f': {error.strerror}'}") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _config(application: Application) -> Config:
    """Nothing of uvicorn's that looks at requests, writes logs, or believes what a client says of its address."""
    config = Config(
        application,
        http=Connection,
        ws="websockets-sansio",
        # A message, and a frame of it. Compression would let a few bytes become many.
        ws_max_size=(MAX_MESSAGE_BYTES, MAX_FRAME_BYTES),  # type: ignore[arg-type]
        ws_per_message_deflate=False,
        # Who says nothing for long enough is let go of by his API's host.
        ws_ping_interval=None,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        # It warns of each request that is no HTTP: a client could fill the operator's log with it.
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    logging.getLogger("uvicorn.error").addFilter(_is_for_the_operator)
    return config


def _is_for_the_operator(record: logging.LogRecord) -> bool:
    """An answer that its function breaks off is the function's; what is ours is logged where it breaks."""
    return "without completing response" not in str(record.msg)
