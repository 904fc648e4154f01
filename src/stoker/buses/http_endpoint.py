"""HTTP endpoints as targets: one POST to an address that was looked at first.

Whoever may subscribe names a URL that Stoker then calls, from where Stoker stands. So the name is resolved here, every
address it stands for is held against the rules, and the connection goes to one of those very addresses: a name that
leads elsewhere the next time it is asked does not get around that. Redirects are not followed.
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from stoker.deliveries.delivery import Delivery
from stoker.model.errors import ServiceError

# SNS's own limit for an endpoint's answer.
TIMEOUT_S = 15.0
AT_ONCE = 32
MAX_ANSWER_BYTES = 65_536


class EndpointRefusedError(ServiceError):
    """The endpoint refused the message."""

    code = "ENDPOINT_REFUSED"
    status = 400


class ForbiddenAddressError(ServiceError):
    """Messages are not sent to this address."""

    code = "FORBIDDEN_ADDRESS"
    status = 403


class EndpointFailedError(ServiceError):
    """The endpoint did not take the message; it is tried again."""

    code = "ENDPOINT_FAILED"
    status = 502


class HttpEndpoints:
    """Posts deliveries. `allow_loopback`: also to this machine itself, for development and tests."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        # Of their own: endpoints that do not answer must not take the threads that others wait for.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="http-endpoint")

    def __repr__(self) -> str:
        return f"<HttpEndpoints{', also on the loopback' if self._allow_loopback else ''}>"

    async def deliver(self, delivery: Delivery) -> None:
        """Raises EndpointFailedError where it may be tried again, and EndpointRefusedError where not."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._post, delivery)

    async def close(self) -> None:
        """Begin no more; those that were begun end by their time-out at the latest."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _post(self, delivery: Delivery) -> None:
        url = urlsplit(delivery.target)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        try:
            address = self._address(host, port)
            connection = _connect(url.scheme, host, port, address)
            try:
                connection.request("POST", path, body=delivery.body, headers=dict(delivery.attributes))
                answer = connection.getresponse()
                answer.read(MAX_ANSWER_BYTES)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            raise EndpointFailedError(f"{delivery.target} could not be reached: {error}") from error
        if answer.status >= 500 or answer.status == 429:
            raise EndpointFailedError(f"{delivery.target} answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise EndpointRefusedError(f"{delivery.target} answered {answer.status}")

    def _address(self, host: str, port: int) -> str:
        """An address of the host. Raises ForbiddenAddressError if any of them is none that may be called."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        for text in addresses:
            if not is_allowed(text, allow_loopback=self._allow_loopback):
                raise ForbiddenAddressError(f"Messages are not sent to {host} ({text}).")
        return addresses[0]


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


def _connect(scheme: str, host: str, port: int, address: str) -> http.client.HTTPConnection:
    """A connection to an address, which says the host's name in the request and in the handshake."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    sock = socket.create_connection((address, port), timeout=TIMEOUT_S)
    if scheme == "https":
        try:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    connection.default_port = 443 if scheme == "https" else 80
    connection.sock = sock
    return connection
