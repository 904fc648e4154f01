"""A request's head, put together from what the parser finds in it."""

from asyncio import BaseTransport

import httptools

from stoker.wire.message import Request

# A header's usual spellings: most come in one of them.
_NAMES = {
    spelling.encode(): name
    for name in (
        "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "connection",
        "content-length", "content-type", "host", "user-agent", "x-amz-content-sha256", "x-amz-date", "x-amz-target",
        "x-amz-security-token", "x-amzn-trace-id",
    )
    for spelling in (name, name.title(), name.title().replace("Sha", "SHA"))
}  # fmt: skip


class IncomingHead:
    """One after the other, those of a connection. `peer` is its client's address, `scheme` what it speaks.

    `length` is that of the body, None where only its end says so. `expects`: its body comes once there is leave to send
    it. `is_socket`: it wants to go on as a WebSocket. `is_current`: it is of HTTP/1.1. `is_complete`: it is
    here.
    """

    __slots__ = (
        "expects", "fields", "headers", "is_complete", "is_current", "is_socket", "length", "method", "path", "peer",
        "query", "scheme", "url",
    )  # fmt: skip

    def __init__(self, transport: BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.clear()

    def clear(self) -> None:
        self.url = b""
        self.method = self.path = self.query = ""
        self.fields: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.length: int | None = 0
        self.expects = self.is_socket = self.is_current = self.is_complete = False

    @property
    def size(self) -> int:
        """About how many bytes it had."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.fields)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        if self.is_complete:
            # What comes after a body is no field of a request that was checked before it.
            return
        name, value = _NAMES.get(raw_name) or raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
        self.fields.append((name, value))
        headers = self.headers
        headers[name] = f"{headers[name]},{value}" if name in headers else value

    def complete(self, method: bytes, version: str, *, upgrades: bool) -> None:
        """Raises what the parser reports as a request that is none."""
        if method == b"CONNECT":
            raise httptools.HttpParserInvalidMethodError("nobody makes tunnels here")
        headers = self.headers
        self.method, self.is_current = method.decode("ascii"), version != "1.0"
        self.is_socket = upgrades and _is_socket(headers)
        self.expects = "expect" in headers and headers["expect"].lower() == "100-continue"
        self.length = None if "transfer-encoding" in headers else int(headers.get("content-length", 0))
        path, query = self.url, b""
        if not path.startswith(b"/") or b"#" in path:
            parsed = httptools.parse_url(self.url)
            path, query = parsed.path, parsed.query or b""
        elif b"?" in path:
            path, _, query = path.partition(b"?")
        self.path, self.query, self.is_complete = path.decode("ascii"), query.decode("latin-1"), True

    def request(self, body: bytes) -> Request:
        return Request(
            method=self.method,
            host=self.headers.get("host", ""),
            path=self.path,
            query=self.query,
            headers=self.headers,
            fields=self.fields,
            body=body,
            source_ip=self.peer,
            scheme=self.scheme,
        )

    def written(self, without: str = "") -> bytes:
        """As it came but for one field, for whoever reads it anew."""
        lines = [f"{name}: {value}\r\n" for name, value in self.fields if name != without]
        line = f"{self.method} {self.url.decode('latin-1')} HTTP/{'1.1' if self.is_current else '1.0'}\r\n"
        return f"{line}{''.join(lines)}\r\n".encode("latin-1")


def _is_socket(headers: dict[str, str]) -> bool:
    wanted = [each.strip().lower() for each in headers.get("connection", "").split(",")]
    return "upgrade" in wanted and headers.get("upgrade", "").lower() == "websocket"
