"""What goes in and out of the wire: HTTP as values, and a call and its result as a service sees them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from stoker.model.principal import Principal
from stoker.wire.payload import IncomingBody

TRACE_HEADER = "x-amzn-trace-id"


class RequestSpan(Protocol):
    """The span of a request, where requests are traced."""

    operation: str | None
    """Which it is, once that is known."""

    @property
    def header(self) -> str:
        """The trace header for what the request leads to."""


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request. `path` and `query` are as sent, still percent-encoded.

    Header names are in lower case; a header that was sent several times has its values joined by commas. `fields` are
    the same one by one, of a request that came over a connection.
    """

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    fields: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    source_ip: str = ""
    scheme: str = "http"
    stream: IncomingBody | None = None
    """The body, where the operation reads it while it comes."""
    span: RequestSpan | None = None

    @property
    def trace_id(self) -> str | None:
        """The trace header: the client's, which no model lists, or the span's."""
        return self.headers.get(TRACE_HEADER) if self.span is None else self.span.header

    @property
    def is_secure(self) -> bool:
        """Whether it came over TLS, to this server or to a proxy that it believes."""
        return self.scheme == "https"

    def with_body(self, body: bytes) -> "Request":
        return replace(self, body=body)

    def with_stream(self, stream: IncomingBody) -> "Request":
        return replace(self, stream=stream)

    def within(self, span: RequestSpan) -> "Request":
        return replace(self, span=span)

    def at(self, path: str) -> "Request":
        """The same request for another path."""
        return replace(self, path=path)


class Response(Struct, frozen=True, kw_only=True):
    """One HTTP answer. A streamed body is closed by whoever serves it, also when the client goes away."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes] = b""

    async def close(self) -> None:
        """Let whoever streams the body know that nobody listens any more; idempotent."""
        close = getattr(self.body, "aclose", None)
        if close is not None:
            await close()


class Call(Struct, frozen=True, kw_only=True):
    """A verified and validated request. `params` are as boto3's users write them: bytes, datetime, int, …

    `trace_id` is the request's, and so is `is_secure`.
    """

    service: str
    operation: str
    params: dict[str, Any]
    region: str
    account: str
    principal: Principal
    request_id: str
    source_ip: str
    is_secure: bool = False
    trace_id: str | None = None
    until_gone: Callable[[], Awaitable[None]] | None = None
    """Returns once the client has gone away, for those that wait long: what nobody takes is not to be given."""


class Result(Struct, frozen=True, kw_only=True):
    """What an operation answers. Members that are None are left out.

    `status` replaces the model's HTTP status. `headers` are further headers; one of them may replace what the protocol
    sets (`content-type`, `x-amzn-RequestId`). A member that is an event stream is an async iterator of
    `{event name: members}`; a streaming blob may be an async iterator of bytes. One that `is_large` takes more than a
    millisecond to write down, which is then done in a thread.
    """

    members: Mapping[str, Any]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_large: bool = False
