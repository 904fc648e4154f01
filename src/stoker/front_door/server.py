"""The sockets: listeners that come and go while the server runs."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from email.utils import formatdate
from functools import partial

from uvicorn.config import Config

from stoker.front_door.app import FrontDoor
from stoker.front_door.connection import HEAD_TIMEOUT_S, Connection
from stoker.front_door.express import Express
from stoker.front_door.gateway_sockets import Receive, Scope, Send, read_handshake
from stoker.front_door.listening import Bounds, ListenerState
from stoker.front_door.proxies import Proxies
from stoker.front_door.vigil import events_of

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

    def tick(self, date: str, now: float) -> None:
        """Once a second: the Date that answers carry, and an end to clients that take too long."""
        self._state.set_date(date)
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
        self._sandboxes_sockets: Config | None = None
        self.port = 0

    def __repr__(self) -> str:
        return f"<Server port {self.port}, {len(self._listeners)} listeners>"

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None, proxies: Sequence[str] = ()) -> None:
        """Listen for the operator and the world. `self.port` is the real one afterwards, if 0 was asked for.

        `proxies` are networks from where X-Forwarded-For and -Proto are believed: as many hops back as are theirs.
        """
        listening = _listening_socket(host, port)
        self.port = listening.getsockname()[1]
        known = Proxies(proxies) if proxies else None
        sockets = self._sockets(known, from_sandbox=False)
        due = events_of(asyncio.get_running_loop())
        state = ListenerState(
            OF_THE_WORLD, self._door.answer, sockets, proxies=known, express=self._express, is_due=due
        )
        self._world = await self._listen(listening, state, tls)

    def serve_socket(self, sock: socket.socket) -> DormantListener:
        """Serve a listening socket of a sandbox: only its role's calls. The socket is the listener's from now on."""
        listener = DormantListener(sock, self._serve_sandbox, self._dormant.discard)
        self._dormant.add(listener)
        return listener

    async def _serve_sandbox(self, sock: socket.socket) -> Listener:
        if self._sandboxes_sockets is None:
            self._sandboxes_sockets = self._sockets(None, from_sandbox=True)
        answer = partial(self._door.answer, from_sandbox=True)
        return await self._listen(sock, ListenerState(OF_A_SANDBOX, answer, self._sandboxes_sockets))

    def _sockets(self, proxies: Proxies | None, *, from_sandbox: bool) -> Config:
        async def connect(scope: Scope, receive: Receive, send: Send) -> None:
            request = read_handshake(scope)
            if proxies is not None:
                request = proxies.behind(request)
            await self._door.connect(request, receive, send, from_sandbox=from_sandbox)

        return _config(connect)

    async def _listen(self, sock: socket.socket, state: ListenerState, tls: ssl.SSLContext | None = None) -> Listener:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            partial(Connection, state),
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
        # Nobody is told when the last answer is out and its connection gone: this looks.
        while world.busy:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)

    async def close(self) -> None:
        """Take no more requests, cancel the running ones, and wait until they have cleaned up."""
        if self._ticking is not None:
            self._ticking.cancel()
        for dormant in list(self._dormant):
            dormant.close()
        await asyncio.gather(*(listener.abandon() for listener in list(self._listeners)))


def _date() -> str:
    return formatdate(time.time(), usegmt=True)


def _listening_socket(host: str, port: int) -> socket.socket:
    """Raises OSError that says what could not be listened on, and what to do where the port is taken."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    except OSError as error:
        remedy = ": another program listens there; choose another one with --port" * (error.errno == errno.EADDRINUSE)
        raise OSError(f"cannot listen on {host}:{port}{remedy or f': {error.strerror}'}") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _config(application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Config:
    """How uvicorn serves WebSockets: without anything that writes logs, or believes what a client says of itself."""
    config = Config(
        application,
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
    )
    config.load()
    return config
