"""Where a function URL or an API is reached: the address that the API answers, which must work where it is read."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

Resolve = Callable[[str], Awaitable[bool]]
"""Whether this machine's resolver takes a host name to the loopback."""

LOCAL_DOMAIN = "localhost"
PATH = "/_stoker/url/"
_RESOLVE_LIMIT_S = 1.0


class UrlAddresses:
    """Makes addresses, in AWS's form `<id>.<label>.<region>.<domain>` where that can be resolved.

    Each URL has an origin of its own then, so that a browser keeps functions' pages apart, and a page's absolute
    links lead back to it. Names under localhost go to the loopback (RFC 6761) in browsers and curl; in other programs
    only where the C library's resolver does it, which many minimal systems leave out. Where it does not, or where
    Stoker listens elsewhere than on the loopback, the address is a path of `endpoint`, which everybody resolves. So it
    is with TLS, since nobody vouches for names under localhost.
    """

    def __init__(
        self, *, endpoint: str, label: str = "lambda-url", path: str = PATH, resolves: Resolve | None = None
    ) -> None:
        """`label` is AWS's for what is addressed, `path` what takes it on Stoker's own address."""
        self._endpoint = endpoint
        self._label = label
        self._path = path
        self._resolves = resolves or resolves_to_loopback
        self._named: bool | None = None

    def __repr__(self) -> str:
        return f"<UrlAddresses {self._endpoint}>"

    async def of(self, url_id: str, region: str) -> str:
        """The address of a URL, with a slash at its end. Asks the resolver the first time."""
        if self._named is None:
            parts = urlsplit(self._endpoint)
            plain = parts.scheme == "http"
            self._named = (
                plain and _is_loopback(parts.hostname or "") and await self._resolves(f"{region}.{LOCAL_DOMAIN}")
            )
        if not self._named:
            return f"{self._endpoint}{self._path}{url_id}/"
        return f"http://{url_id}.{self._label}.{region}.{LOCAL_DOMAIN}:{urlsplit(self._endpoint).port}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == LOCAL_DOMAIN


async def resolves_to_loopback(name: str) -> bool:
    """Asks the C library, as most programs do; a resolver that does not answer soon is none to rely on."""
    try:
        found = await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo(name, None), _RESOLVE_LIMIT_S)
    except (OSError, TimeoutError):
        return False
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)
