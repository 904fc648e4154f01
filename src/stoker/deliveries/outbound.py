"""HTTP calls out of Stoker, to addresses that were looked at first.

Whoever may set up a subscription or an integration names a URL that Stoker then calls, from where Stoker stands. So the
name is resolved here, every address it stands for is held against the rules, and the connection goes to one of those
very addresses: a name that leads elsewhere the next time it is asked does not get around that. Redirects are not
followed.
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from stoker.model.errors import ServiceError

AT_ONCE = 32


class ForbiddenAddressError(ServiceError):
    """This address is not called."""

    code = "FORBIDDEN_ADDRESS"
    status = 403


class UnreachableError(Exception):
    """Nobody answered there, or nobody who speaks HTTP."""


@dataclass(frozen=True, kw_only=True)
class OutboundRequest:
    """One request. `timeout_s` is for each wait on the socket; of the answer at most `max_answer_bytes` are read."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    timeout_s: float
    max_answer_bytes: int


@dataclass(frozen=True, kw_only=True)
class OutboundAnswer:
    """What came back; header names as they were sent. `complete`: there was not more than was read."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    complete: bool


class Outbound:
    """Calls. `allow_loopback`: also this machine itself, for development and tests."""

    def __init__(self, *, allow_loopback: bool, at_once: int = AT_ONCE) -> None:
        self._allow_loopback = allow_loopback
        # Of their own: those that do not answer must not take the threads that others wait for.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="outbound")

    def __repr__(self) -> str:
        return f"<Outbound{', also to the loopback' if self._allow_loopback else ''}>"

    async def call(self, request: OutboundRequest) -> OutboundAnswer:
        """Raises UnreachableError, and ForbiddenAddressError where the rules do not let it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._call, request)

    async def close(self) -> None:
        """Begin no more; those that were begun end by their time-out at the latest."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(self, request: OutboundRequest) -> OutboundAnswer:
        try:
            url = urlsplit(request.url)
            host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
            connection = _connect(url.scheme, host, port, self._address(host, port), request.timeout_s)
            try:
                return _exchange(connection, f"{url.path or '/'}{'?' + url.query if url.query else ''}", request)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            raise UnreachableError(f"{request.url} could not be reached: {error}") from error

    def _address(self, host: str, port: int) -> str:
        """An address of the host. Raises ForbiddenAddressError if any of them is none that may be called."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        for text in addresses:
            if not is_allowed(text, allow_loopback=self._allow_loopback):
                raise ForbiddenAddressError(f"Nothing is sent to {host} ({text}).")
        return addresses[0]


def _exchange(connection: http.client.HTTPConnection, target: str, request: OutboundRequest) -> OutboundAnswer:
    given = {name.lower() for name, _ in request.headers}
    connection.putrequest(request.method, target, skip_host="host" in given, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    if "content-length" not in given and (request.body or request.method in ("POST", "PUT", "PATCH")):
        connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body)
    answer = connection.getresponse()
    body = answer.read(request.max_answer_bytes)
    return OutboundAnswer(
        status=answer.status, headers=answer.getheaders(), body=body, complete=not answer.length and not answer.read(1)
    )


def is_allowed(text: str, *, allow_loopback: bool) -> bool:
    """Whether an address may be called: not the link-local range (a cloud's metadata), not what is no host's address,
    and this machine only if the operator said so. Private networks may: on them is what one runs oneself."""
    address = ipaddress.ip_address(text.partition("%")[0])
    for inner in _embedded(address):
        if inner.is_loopback or inner.is_unspecified:
            if not allow_loopback or inner.is_unspecified:
                return False
        elif inner.is_link_local or inner.is_multicast or inner.is_reserved:
            return False
    return True


def _embedded(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address, or the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        for inner in (address.ipv4_mapped, address.sixtofour):
            if inner is not None:
                return [inner]
    return [address]


def _connect(scheme: str, host: str, port: int, address: str, timeout_s: float) -> http.client.HTTPConnection:
    """A connection to an address, which says the host's name in the request and in the handshake."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    sock = socket.create_connection((address, port), timeout=timeout_s)
    if scheme == "https":
        try:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    connection.default_port = 443 if scheme == "https" else 80
    connection.sock = sock
    return connection
