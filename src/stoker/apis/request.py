"""A request for an API, as it comes from the front door, and who answers it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from stoker.model.http_event import HttpAnswer
from stoker.wire.message import Request

PATH = "/_stoker/api/"
"""An API is reached below this, by its id, where its name cannot be resolved."""

MAX_BODY_BYTES = 10 * 1024 * 1024
"""Source: "Amazon API Gateway quotas"."""


class ApiCall(Struct, frozen=True, kw_only=True):
    """Which API a request is addressed to. `region` is None where the address has none.

    `path` follows the API's address and is still percent-encoded: of a custom domain it is the whole path, of which
    `base_path` (`/orders`, or empty) is what mapped it to the API's `stage`. Otherwise there is no `stage`: it may be
    in the path.
    """

    api_id: str
    region: str | None
    path: str
    domain: str
    stage: str | None = None
    base_path: str = ""
    by_path: bool = False


class ApiRequest(Struct, frozen=True, kw_only=True):
    """A request whose body has not been read.

    `http` is the request as it was sent: what a signature is over. `fields` are its headers one by one, in lower case,
    without what is about the connection and with what AWS's edge adds, made by `read_fields` for those that want them;
    `headers` are the same, joined by commas.
    `from_sandbox`: signatures of role sessions only. `at` is in seconds since the epoch.
    """

    call: ApiCall
    region: str
    http: Request
    read_fields: Callable[[], Sequence[tuple[str, str]]]
    headers: Mapping[str, str]
    trace_id: str
    at: float
    from_sandbox: bool
    body: Callable[[], Awaitable[bytes]]
    """Reads the body. Raises RequestEntityTooLargeException beyond 10 MB; let other exceptions through."""

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        return self.read_fields()


class ApiHost(Protocol):
    """Whoever has APIs of one kind. Ids of all kinds are drawn from one space, so an API is at one host."""

    async def region_of(self, api_id: str) -> str | None:
        """The region of an API, None if there is no such API here. Asked for every request: no database."""

    async def answer(self, request: ApiRequest) -> HttpAnswer:
        """Answers, with whatever headers its kind of API has. A ServiceError becomes its status and message as JSON."""


class ApiDomains(Protocol):
    """Whoever maps custom domain names to stages of APIs."""

    def serves(self, host: str) -> bool:
        """Whether a host (in lower case, without a port) is one of its domain names. Asked for every request."""

    def find(self, host: str, path: str) -> ApiCall | None:
        """The stage that the path is mapped to; None if it is to none."""


class SocketWire(Protocol):
    """The client's end of an open WebSocket."""

    async def send(self, data: str | bytes) -> None:
        """Returns once the client's socket takes more. Raises ConnectionError where the client has gone, and
        TimeoutError where it has not read what it was sent before.
        """

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and end; the host still hears of it."""


class Socket(Protocol):
    """A WebSocket that its host has accepted. `attach` is called first, unless the client has gone by then; `closed`
    last and once.
    """

    @property
    def subprotocol(self) -> str | None: ...

    def attach(self, wire: SocketWire) -> None: ...

    async def receive(self, data: str | bytes) -> None:
        """One message. Returns when the next may be read."""

    async def closed(self, code: int, reason: str) -> None: ...


class SocketHost(Protocol):
    """Whoever has WebSocket APIs."""

    async def region_of(self, api_id: str) -> str | None: ...

    async def open(self, request: ApiRequest) -> Socket | HttpAnswer:
        """What becomes of a client that wants to connect: an answer if it may not."""
