"""What the connections of one listener share."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from stoker.front_door.body import Body
from stoker.front_door.express import Express
from stoker.front_door.proxies import Proxies
from stoker.front_door.vigil import Vigil, always
from stoker.wire.message import Request, Response

Answers = Callable[[Request, Body], Awaitable[Response]]


class Asker(Protocol):
    """A client's connection."""

    unanswered: bool
    """Whether a request of its is being served."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What all connections of one listener may take of the server together.

    `body_bytes` counts bodies from their first byte to the answer: they are in memory before a signature can be
    checked. Of a body that is read while it comes, it counts what has not been read.
    """

    connections: int
    body_bytes: int


class ListenerState(ServerState):
    """`answer` serves requests, `sockets` is how uvicorn serves WebSockets, whose state this is as well. `is_due` says
    whether the event loop has something to do.
    """

    def __init__(
        self,
        bounds: Bounds,
        answer: Answers,
        sockets: Config,
        *,
        proxies: Proxies | None = None,
        express: Express | None = None,
        is_due: Callable[[], object] = always,
    ) -> None:
        super().__init__()
        self.bounds = bounds
        self.answer = answer
        self.sockets = sockets
        self.proxies = proxies
        self.express = express
        self._for_answers, self._for_requests = Vigil(is_due), Vigil(is_due)
        self.connections: set[Any] = set()
        self.body_bytes = 0
        self.date_line = ""

    def set_date(self, date: str) -> None:
        """The Date that answers carry."""
        self.default_headers = [(b"date", date.encode())]
        self.date_line = f"date: {date}\r\n"

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` run; whoever ends the listener waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def serve(self, work: Coroutine[Any, Any, None], asker: Asker) -> None:
        """Let `work` run, which answers a request, and stay awake for what it waits for."""
        self.spawn(work)
        # After its first step.
        asyncio.get_running_loop().call_soon(self.await_answer, asker)

    def await_answer(self, asker: Asker) -> None:
        """Stay awake for what a request waits for that is being served, if that is the only one."""
        if asker.unanswered and self._is_single:
            self._for_answers.keep()

    def await_request(self) -> None:
        """Stay awake for the next request, if that which was answered is the only one."""
        if self._is_single:
            self._for_requests.keep()

    @property
    def _is_single(self) -> bool:
        return len(self.tasks) + (self.express.turns.unanswered if self.express is not None else 0) == 1

    def serve_socket(self, transport: asyncio.Transport, handshake: bytes) -> None:
        """Let a connection go on as a WebSocket, from its first request on."""
        protocol: Any = cast(Any, self.sockets.ws_protocol_class)(config=self.sockets, server_state=self, app_state={})
        protocol.connection_made(transport)
        protocol.data_received(handshake)
        transport.set_protocol(protocol)
